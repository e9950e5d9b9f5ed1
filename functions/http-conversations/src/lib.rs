//! Conversations: `POST` and `GET /v1/conversations`, `GET`, `PATCH` and `DELETE /v1/conversations/{id}`, and
//! `GET /v1/public-conversations`.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod change;
mod create;
mod discover;
mod list;

use chat::inbox::Inbox;
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
    /// Begins and changes conversations.
    pub membership: Membership,
    /// What members see.
    pub inbox: Inbox,
    /// Who is gone for good.
    pub connections: Connections,
    /// Who is told.
    pub delivery: Delivery,
    /// How they are told.
    pub pusher: ConnectionsApi,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        match request.route() {
            "POST /v1/conversations" => self.create(&request).await,
            "GET /v1/conversations" => self.connections.unless_deleted(user, self.list(&request)).await,
            "GET /v1/conversations/{id}" => self.connections.unless_deleted(user, self.get_one(&request)).await,
            "GET /v1/public-conversations" => self.connections.unless_deleted(user, self.discover(&request)).await,
            "PATCH /v1/conversations/{id}" => self.patch(&request).await,
            "DELETE /v1/conversations/{id}" => self.close(&request).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }

    async fn get_one(&self, request: &Request) -> Result<Response, ApiError> {
        Response::ok(&self.inbox.conversation(request.id("id")?, request.user_id()).await?)
    }

    /// Tells everybody who sees it of what reached the log.
    async fn announce(&self, applied: &[Applied]) -> Result<(), ApiError> {
        self.delivery.announce(applied, self.pusher.messages()).await
    }
}
