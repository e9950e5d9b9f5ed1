//! Conversations: `POST` and `GET /v1/conversations`, `GET`, `PATCH` and `DELETE /v1/conversations/{id}`, and
//! `GET /v1/public-conversations`.

mod change;
mod create;
mod discover;
mod list;
mod serve;

use chat::inbox::Inbox;
use chat::membership::Membership;
use chat::notify::Notifier;
use domain::ApiError;
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub membership: Membership,
    pub inbox: Inbox,
    pub connections: Connections,
    pub notifier: Notifier,
}

impl Handler {
    /// Answers one request, unless the user is deleted. SQL refuses the changes of such a user.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let is_read = request.route().starts_with("GET ");
        self.connections.guarded(request.user_id(), is_read, self.answer(&request)).await
    }

    async fn answer(&self, request: &Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/conversations" => self.create(request).await,
            "PATCH /v1/conversations/{id}" => self.patch(request).await,
            "DELETE /v1/conversations/{id}" => self.close(request).await,
            "GET /v1/conversations" => self.list(request).await,
            "GET /v1/conversations/{id}" => self.get_one(request).await,
            "GET /v1/public-conversations" => self.discover(request).await,
            _ => Err(no_such_route()),
        }
    }

    async fn get_one(&self, request: &Request) -> Result<Response, ApiError> {
        Response::ok(&self.inbox.conversation(request.id("id")?, request.user_id()).await?)
    }
}
