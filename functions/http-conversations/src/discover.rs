//! `GET /v1/public-conversations` finds open public conversations.

use domain::ApiError;
use domain::protocol::http::{PublicConversationsPage, PublicConversationsQuery, pages};
use domain::protocol::read::page;
use domain::search::Words;
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Finds open public conversations, newest first; with `q`, only those whose title and topic contain, for each of its
    /// words, a word with that prefix. Cost: one SQL statement.
    pub(crate) async fn discover(&self, request: &Request) -> Result<Response, ApiError> {
        let PublicConversationsQuery { q, limit, cursor } = request.query()?;
        let (limit, before) = page(limit, cursor, pages::PUBLIC_CONVERSATIONS)?;
        let words = q.as_deref().map(Words::parse).transpose()?.flatten();
        let (conversations, cursor) =
            self.membership.discover(request.user_id(), words.as_ref(), before, limit).await?;
        Response::ok(&PublicConversationsPage { conversations, cursor })
    }
}
