//! `GET /v1/conversations`.

use domain::conversation::Conversation;
use domain::{ApiError, ConversationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use lambda_kit::http::{Request, Response};
use serde::Serialize;

use crate::Handler;

/// Conversations of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 20;

/// Most conversations of a page.
const MAX_LIMIT: usize = 50;

/// Conversations looked at at once.
const CONCURRENCY: usize = 16;

#[derive(Debug, Serialize)]
struct Page {
    conversations: Vec<Conversation>,
    /// Gives the next page; `None` on the last.
    cursor: Option<ConversationId>,
}

impl Handler {
    /// The caller's conversations, past ones included, oldest first. No SQL: one query, and two requests for each.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let limit = request.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let after = request.query::<ConversationId>("cursor")?;
        let user = request.user_id();
        let mut ids = self.inbox.log.members.of_user(user, after, limit + 1).await?;
        let more = ids.len() > limit;
        ids.truncate(limit);
        let cursor = ids.last().copied().filter(|_| more);
        let conversations =
            stream::iter(ids).map(|id| self.inbox.conversation(id, user)).buffered(CONCURRENCY).try_collect().await?;
        Response::ok(&Page { conversations, cursor })
    }
}
