//! Messages over HTTP: history, sync, sending, edits, deletions, reactions, and what has become of a message.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod amend;
mod history;
mod send;
mod status;

use std::time::Duration;

use chat::inbox::Inbox;
use chat::log::Log;
use chat::notify::Delivery;
use chat::receipts::StatusReader;
use domain::protocol::SyncRequest;
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Files};

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// Where messages are.
    pub log: Log,
    /// Where each of the caller's conversations stands.
    pub inbox: Inbox,
    /// What has become of a message.
    pub statuses: StatusReader,
    /// What messages can carry.
    pub files: Files,
    /// Who is gone for good.
    pub connections: Connections,
    /// Who is told.
    pub delivery: Delivery,
    /// How they are told.
    pub pusher: ConnectionsApi,
    /// How long a sender may edit a message.
    pub edit_window: Duration,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        match request.route() {
            "GET /v1/conversations/{id}/messages" => {
                self.connections.unless_deleted(user, self.history(&request)).await
            }
            "POST /v1/conversations/{id}/messages" => self.send(&request).await,
            "PATCH /v1/conversations/{id}/messages/{seq}" => self.edit(&request).await,
            "DELETE /v1/conversations/{id}/messages/{seq}" => self.delete(&request).await,
            "PUT /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(&request, true).await,
            "DELETE /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(&request, false).await,
            "GET /v1/conversations/{id}/messages/{seq}/status" => {
                self.connections.unless_deleted(user, self.status(&request)).await
            }
            "GET /v1/conversations/{id}/receipts" => {
                self.connections.unless_deleted(user, self.receipts(&request)).await
            }
            "POST /v1/sync" => self.connections.unless_deleted(user, self.sync(&request)).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }

    async fn sync(&self, request: &Request) -> Result<Response, ApiError> {
        let wanted: SyncRequest = request.json()?;
        Response::ok(&self.inbox.sync(request.user_id(), wanted.check()?).await?)
    }
}
