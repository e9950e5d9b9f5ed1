//! `POST /v1/conversations/{id}/messages`.

use domain::wire::{DraftRequest, Sent};
use domain::{ApiError, Message, Timestamp};
use lambda_kit::http::{Request, Response};
use store::log::{Audience, Delivery, Draft};

use crate::Handler;

impl Handler {
    /// Sends a message as the `send` frame does: 201 for one that was given its place, 200 for one that had it already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation_id = request.id("id")?;
        let draft: DraftRequest = request.json()?;
        let draft = Draft::new(conversation_id, request.user_id(), draft.check()?);
        let Delivery { message, duplicate, audience } = self.log.send(&self.connections, &self.files, &draft).await?;
        self.push(&message, &audience).await?;
        let sent = Sent {
            conversation_id,
            seq: message.seq,
            message_id: message.message_id,
            sent_at: message.sent_at,
            duplicate,
        };
        if duplicate { Response::ok(&sent) } else { Response::created(&sent) }
    }

    async fn push(&self, message: &Message, audience: &Audience) -> Result<(), ApiError> {
        let Audience::Few(connections) = audience else {
            self.fanout.fan_out(message).await;
            return Ok(());
        };
        let pushed = self.pusher.push_message(message, connections).await?;
        if !pushed.in_time {
            self.fanout.fan_out(message).await;
        }
        self.connections.forget_gone(connections, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }
}
