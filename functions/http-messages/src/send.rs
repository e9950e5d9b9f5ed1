//! `POST /v1/conversations/{id}/messages`.

use domain::ApiError;
use domain::wire::{DraftRequest, Sent};
use lambda_kit::http::{Request, Response};
use store::log::{Draft, Placed};

use crate::Handler;

impl Handler {
    /// Sends a message as the `send` frame does: 201 for one that was given its place, 200 for one that had it already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation_id = request.id("id")?;
        let draft: DraftRequest = request.json()?;
        let (client_message_id, after_seq, content) = draft.check()?;
        let draft = Draft { conversation_id, sender_id: request.user_id(), client_message_id, after_seq, content };
        let Placed { message, duplicate, audience } = self.log.send(&self.delivery.listeners, &draft).await?;
        self.delivery.tell(&message, &audience, None, self.pusher.messages()).await?;
        let sent = Sent {
            conversation_id,
            seq: message.seq,
            message_id: message.message_id,
            sent_at: message.sent_at,
            duplicate,
        };
        if duplicate { Response::ok(&sent) } else { Response::created(&sent) }
    }
}
