//! `GET /v1/conversations` lists the caller's conversations.

use domain::conversation::Conversation;
use domain::{ApiError, ConversationId};
use lambda_kit::http::{Request, Response};
use serde::Serialize;

use crate::Handler;

/// Conversations of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 20;

/// Most conversations of a page.
const MAX_LIMIT: usize = 50;

#[derive(Debug, Serialize)]
struct Page {
    conversations: Vec<Conversation>,
    /// Gives the next page; `None` on the last.
    cursor: Option<ConversationId>,
}

impl Handler {
    /// The caller's conversations, past ones included, oldest first. No SQL.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let limit = request.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let after = request.query::<ConversationId>("cursor")?;
        let (conversations, cursor) = self.inbox.page(request.user_id(), after, limit).await?;
        Response::ok(&Page { conversations, cursor })
    }
}
