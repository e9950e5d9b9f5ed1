//! `POST /v1/conversations/{id}/messages` sends a message.

use chat::log::{Delivered, Draft};
use domain::ApiError;
use domain::protocol::{DraftRequest, Sent};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Sends a message as the `send` frame does. Returns 201 for a new message, 200 for a resend of one that has its seq already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation = request.id("id")?;
        let draft: DraftRequest = request.json()?;
        let draft = Draft::new(conversation, request.user_id(), draft.check()?);
        let Delivered { message, duplicate, audience } =
            self.log.send(self.notifier.recipients(), &self.files, &draft).await?;
        self.notifier.message(&message, &audience, None).await?;
        let sent = Sent::of(&message, duplicate);
        if duplicate { Response::ok(&sent) } else { Response::created(&sent) }
    }
}
