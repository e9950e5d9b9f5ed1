//! The owner's side: announce a file, sign the parts of its upload, complete it, cancel or delete it.

use domain::file::{NewFile, PartsRequest};
use domain::protocol::http::SignedParts;
use domain::{ApiError, ConversationId, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Announces a file. Returns 201 with how to upload it, or 200 for one that the same key announced before.
    ///
    /// Cost: one request to DynamoDB, four to SQL, one to SQS; and one to S3 for a file in parts.
    pub(crate) async fn announce(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation_id = request.id("id")?;
        let new = request.json::<NewFile>()?.check()?;
        let idempotency = request.idempotency()?;
        let owner = request.user_id();
        self.require_sender(conversation_id, owner).await?;
        let (announced, new) = self.uploads.announce(owner, conversation_id, &new, idempotency.as_ref()).await?;
        if new { Response::created(&announced) } else { Response::ok(&announced) }
    }

    /// Refuses a user who may not send there: nothing could reference the file.
    async fn require_sender(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let view = chat::log::require_member(self.log.members.view(conversation, user).await?)?;
        Ok(chat::log::require_may_send(&view)?)
    }

    /// Signs the requests that upload some parts.
    pub(crate) async fn parts(&self, request: &Request) -> Result<Response, ApiError> {
        let parts: PartsRequest = request.json()?;
        let parts = self.uploads.sign_parts(request.user_id(), request.id("id")?, parts).await?;
        Response::ok(&SignedParts { parts })
    }

    /// Joins the uploaded parts. Safe to repeat.
    pub(crate) async fn complete(&self, request: &Request) -> Result<Response, ApiError> {
        Response::ok(&self.uploads.complete(request.user_id(), request.id("id")?).await?)
    }

    /// Cancels an upload, or deletes a file that no message references.
    pub(crate) async fn remove(&self, request: &Request) -> Result<Response, ApiError> {
        self.uploads.cancel(request.user_id(), request.id("id")?).await?;
        Ok(Response::no_content())
    }
}
