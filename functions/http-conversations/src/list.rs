//! `GET /v1/conversations` lists the caller's conversations.

use domain::protocol::http::{ConversationsPage, PageQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, ConversationId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Lists the caller's conversations, former ones included, oldest first. No SQL.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let PageQuery::<ConversationId> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::CONVERSATIONS)?;
        let (conversations, cursor) = self.inbox.page(request.user_id(), after, limit).await?;
        Response::ok(&ConversationsPage { conversations, cursor })
    }
}
