//! The search for messages over HTTP.

mod serve;

use chat::search::{Search, SearchRequest};
use domain::protocol::http::{SearchPage, SearchQuery, pages};
use domain::protocol::read::page;
use domain::search::MessageQuery;
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    /// `None` if the deployment has no index.
    pub search: Option<Search>,
    pub connections: Connections,
}

impl Handler {
    /// Answers one request, unless the user is deleted.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        self.connections.unless_deleted(request.user_id(), self.answer(&request)).await
    }

    async fn answer(&self, request: &Request) -> Result<Response, ApiError> {
        match request.route() {
            "GET /v1/search" => self.search(request).await,
            _ => Err(no_such_route()),
        }
    }

    async fn search(&self, request: &Request) -> Result<Response, ApiError> {
        let search = self.search.as_ref().ok_or_else(search_off)?;
        let SearchQuery { q, conversation_id, sender_id, after, before, has, order, limit, cursor } =
            request.query()?;
        let (limit, cursor) = page(limit, cursor, pages::HITS)?;
        let query = q.as_deref().map(MessageQuery::parse).transpose()?.flatten();
        if query.is_none() && has.is_none() {
            return Err(ApiError::invalid("`q` must have a visible character, or `has` must be given."));
        }
        let order = order.unwrap_or_default();
        if cursor.is_some_and(|cursor| cursor.order() != order) {
            return Err(ApiError::invalid("`cursor` is not a cursor of this list."));
        }
        let asked = SearchRequest { query, conversation_id, sender_id, after, before, has, order, cursor };
        let (hits, cursor) = search.search(request.user_id(), &asked, limit).await?;
        Response::ok(&SearchPage { hits, cursor: cursor.map(|cursor| cursor.to_string()) })
    }
}

fn search_off() -> ApiError {
    ApiError::new(ErrorCode::SearchOff, "This deployment has no search.")
}
