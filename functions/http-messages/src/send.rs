//! `POST /v1/conversations/{id}/messages` sends a message, or a batch.

use chat::log::Draft;
use domain::ApiError;
use domain::protocol::{CheckedSend, SendBody, Sent};
use lambda_kit::error_of_part;
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Sends as the `send` frame does. Returns 201 if a message is new, 200 for a resend of messages that have their seqs already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let body: SendBody = request.json()?;
        let (conversation_id, user) = (request.id("id")?, request.user_id());
        match body.check()? {
            CheckedSend::One(draft) => {
                let sent = self.sender.send(&Draft::new(conversation_id, user, draft), None).await?;
                let body = Sent::of(&sent.message, sent.duplicate);
                if sent.duplicate { Response::ok(&body) } else { Response::created(&body) }
            }
            CheckedSend::Batch(drafts) => {
                let sent = self.sender.send_batch(&Draft::batch(conversation_id, user, drafts), None).await?;
                let body = sent.answer(conversation_id, |error| error_of_part(error, request.request_id()));
                let any_new = body.messages.iter().any(|message| !message.duplicate);
                if any_new { Response::created(&body) } else { Response::ok(&body) }
            }
        }
    }
}
