//! `POST /v1/conversations/{id}/messages`.

use chat::log::{Delivered, Draft};
use domain::ApiError;
use domain::protocol::{DraftRequest, Sent};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Sends a message as the `send` frame does: 201 for one that was given its place, 200 for one that had it already.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation = request.id("id")?;
        let draft: DraftRequest = request.json()?;
        let draft = Draft::new(conversation, request.user_id(), draft.check()?);
        let placed = self.log.send(&self.delivery.recipients, &self.files, &draft).await?;
        let Delivered { message, duplicate, audience } = placed;
        self.delivery.tell(&message, &audience, None, self.pusher.messages()).await?;
        let sent = Sent::of(&message, duplicate);
        if duplicate { Response::ok(&sent) } else { Response::created(&sent) }
    }
}
