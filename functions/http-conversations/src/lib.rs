//! Conversations: `POST` and `GET /v1/conversations`, `GET`, `PATCH` and `DELETE /v1/conversations/{id}`,
//! `PATCH /v1/conversations/{id}/settings`, `…/{id}/pins`, `/v1/blocks`, and `GET /v1/public-conversations`; of backends also `PUT` and
//! `DELETE /v1/server/conversations/{id}/hold`.

mod blocks;
mod change;
mod create;
mod discover;
mod hold;
mod list;
mod pins;
mod serve;
mod settings;

use std::time::Duration;

use chat::erasure::ErasureRequests;
use chat::inbox::Inbox;
use chat::membership::Membership;
use chat::notify::{Notifier, UserNotifier};
use domain::ApiError;
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;
use store::sql::retention::RetentionRows;
use store::sqs::Queue;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub membership: Membership,
    pub inbox: Inbox,
    pub connections: Connections,
    pub notifier: Notifier,
    /// Tells the caller's own devices.
    pub user_notifier: UserNotifier,
    pub retention_rows: RetentionRows,
    /// The queue of the retention; `None` if all messages are kept.
    pub retention_queue: Option<Queue>,
    /// Erasures go on when a hold ends.
    pub erasure: ErasureRequests,
    /// Time for which the stack keeps messages; zero for ever.
    pub kept: Duration,
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
            "PATCH /v1/conversations/{id}/settings" => self.change_settings(request).await,
            "PUT /v1/conversations/{id}/hold" => self.hold(request, true).await,
            "DELETE /v1/conversations/{id}/hold" => self.hold(request, false).await,
            "PUT /v1/conversations/{id}/pins/{seq}" => self.pin(request, true).await,
            "DELETE /v1/conversations/{id}/pins/{seq}" => self.pin(request, false).await,
            "GET /v1/conversations/{id}/pins" => self.pins(request).await,
            "GET /v1/conversations" => self.list(request).await,
            "GET /v1/conversations/{id}" => self.get_one(request).await,
            "GET /v1/blocks" => self.blocks(request).await,
            "PUT /v1/blocks/{user_id}" => self.block(request, true).await,
            "DELETE /v1/blocks/{user_id}" => self.block(request, false).await,
            "GET /v1/public-conversations" => self.discover(request).await,
            _ => Err(no_such_route()),
        }
    }

    async fn get_one(&self, request: &Request) -> Result<Response, ApiError> {
        Response::ok(&self.inbox.conversation(request.id("id")?, request.user_id()).await?)
    }
}
