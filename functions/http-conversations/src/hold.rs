//! `PUT` and `DELETE /v1/server/conversations/{id}/hold`: nothing of a held conversation is deleted for its age, nor
//! erased with its user.

use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Begins or ends a hold, which no user sees. Safe to repeat. Cost: one SQL statement; at the end another one, and
    /// requests to the queues of the retention and of erasures.
    pub(crate) async fn hold(&self, request: &Request, is_held: bool) -> Result<Response, ApiError> {
        if !request.user_id().is_system() {
            return Err(ApiError::new(ErrorCode::NotAllowed, "Only the system holds conversations."));
        }
        let conversation_id = request.id("id")?;
        if !self.retention_rows.set_hold(conversation_id, is_held).await? {
            return Err(ApiError::new(ErrorCode::ConversationNotFound, "The conversation does not exist."));
        }
        // A repeated request queues it again, so that no end of a hold goes without its visit.
        if let Some(queue) = self.retention_queue.as_ref().filter(|_| !is_held) {
            queue.send_retention_visit(conversation_id).await?;
        }
        if !is_held {
            self.erasure.released(conversation_id).await?;
        }
        Ok(Response::no_content())
    }
}
