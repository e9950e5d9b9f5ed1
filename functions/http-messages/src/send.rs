//! `POST /v1/conversations/{id}/messages` sends a message.

use chat::log::Draft;
use domain::ApiError;
use domain::protocol::{DraftRequest, Sent};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Sends a message as the `send` frame does. Returns 201 for a new message, 200 for a resend of one that has its seq already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let draft: DraftRequest = request.json()?;
        let draft = Draft::new(request.id("id")?, request.user_id(), draft.check()?);
        let sent = self.sender.send(&draft, None).await?;
        let body = Sent::of(&sent.message, sent.duplicate);
        if sent.duplicate { Response::ok(&body) } else { Response::created(&body) }
    }
}
