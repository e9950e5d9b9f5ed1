//! Members of a conversation: list, presence, add, join, remove, leave, roles and mutes.

mod change;
mod list;
mod presence;
mod serve;

use chat::membership::Membership;
use chat::notify::Notifier;
use domain::ApiError;
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub membership: Membership,
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
            "POST /v1/conversations/{id}/members" => self.add(request).await,
            "PUT /v1/conversations/{id}/members/me" => self.join(request).await,
            "PATCH /v1/conversations/{id}/members/{user_id}" => self.patch(request).await,
            "DELETE /v1/conversations/{id}/members/{user_id}" => self.remove(request).await,
            "GET /v1/conversations/{id}/members" => self.list(request).await,
            "GET /v1/presence" => self.presence(request).await,
            _ => Err(no_such_route()),
        }
    }
}
