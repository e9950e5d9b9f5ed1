//! `GET /v1/conversations` lists the caller's conversations.

use domain::protocol::http::{ConversationsPage, PageQuery};
use domain::protocol::read::page;
use domain::{ApiError, ConversationId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

/// Number of conversations of a page without `limit`.
const DEFAULT_LIMIT: usize = 20;

/// Most conversations of a page.
const MAX_LIMIT: usize = 50;

impl Handler {
    /// Lists the caller's conversations, former ones included, oldest first. No SQL.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<ConversationId> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, DEFAULT_LIMIT, MAX_LIMIT)?;
        let (conversations, cursor) = self.inbox.page(request.user_id(), after, limit).await?;
        Response::ok(&ConversationsPage { conversations, cursor })
    }
}
