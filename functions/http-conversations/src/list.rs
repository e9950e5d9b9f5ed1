//! `GET /v1/conversations` lists the caller's conversations.

use domain::ApiError;
use domain::protocol::http::{ConversationsPage, ConversationsQuery, pages};
use domain::protocol::read::page;
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Lists the caller's conversations, former ones included, oldest first. No SQL. A filter leaves entries of a page out.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let mut query: ConversationsQuery = request.query()?;
        let (limit, after) = page(query.limit, query.cursor.take(), pages::CONVERSATIONS)?;
        let (mut conversations, cursor) = self.inbox.page(request.user_id(), after, limit).await?;
        conversations.retain(|conversation| query.matches(conversation));
        Response::ok(&ConversationsPage { conversations, cursor })
    }
}
