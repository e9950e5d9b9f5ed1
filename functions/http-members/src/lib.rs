//! Members of a conversation: who is there, who comes, who goes, who may do what; and who goes from everywhere.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod change;
mod forget;
mod list;
mod presence;

use chat::accounts::Deletion;
use chat::membership::Applied;
use chat::membership::Membership;
use chat::notify::Delivery;
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};
use store::connections_api::ConnectionsApi;
use store::dynamodb::Connections;

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// Changes who is there.
    pub membership: Membership,
    /// Deletes accounts.
    pub deletion: Deletion,
    /// Where everybody is.
    pub connections: Connections,
    /// Who is told.
    pub delivery: Delivery,
    /// How they are told.
    pub pusher: ConnectionsApi,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "GET /v1/conversations/{id}/members" => {
                self.connections.unless_deleted(request.user_id(), self.list(&request)).await
            }
            "GET /v1/presence" => self.connections.unless_deleted(request.user_id(), self.presence(&request)).await,
            "POST /v1/conversations/{id}/members" => self.add(&request).await,
            "PUT /v1/conversations/{id}/members/me" => self.join(&request).await,
            "PATCH /v1/conversations/{id}/members/{user_id}" => self.patch(&request).await,
            "DELETE /v1/conversations/{id}/members/{user_id}" => self.remove(&request).await,
            "DELETE /v1/users/me" => self.forget(&request).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }

    /// Tells everybody who sees it of what reached the log.
    async fn announce(&self, applied: &[Applied]) -> Result<(), ApiError> {
        self.delivery.announce(applied, self.pusher.messages()).await
    }
}
