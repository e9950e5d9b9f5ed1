//! Messages over HTTP: history, sending, edits, deletions and reactions.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod amend;
mod history;
mod send;

use std::time::Duration;

use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};
use lambda_kit::push::Pusher;
use store::dynamodb::Connections;
use store::log::Log;

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// Where messages are.
    pub log: Log,
    /// Where everybody is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
    /// How long a sender may edit a message.
    pub edit_window: Duration,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "GET /v1/conversations/{id}/messages" => self.history(&request).await,
            "POST /v1/conversations/{id}/messages" => self.send(&request).await,
            "PATCH /v1/conversations/{id}/messages/{seq}" => self.edit(&request).await,
            "DELETE /v1/conversations/{id}/messages/{seq}" => self.delete(&request).await,
            "PUT /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(&request, true).await,
            "DELETE /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(&request, false).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }
}
