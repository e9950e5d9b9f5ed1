//! Files: announced and uploaded by their owners, read by whoever sees a message that carries them.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod announce;
mod read;
mod settle;

use std::time::Duration;

use chat::files::Removal;
use chat::log::Log;
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};
use store::dynamodb::Connections;

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// Which messages carry what, and who sees them.
    pub log: Log,
    /// The files, and how they go.
    pub removal: Removal,
    /// Where deleted users have their tombstones.
    pub connections: Connections,
    /// How much may be uploaded, and how.
    pub limits: Limits,
}

/// How much may be uploaded, and how.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of one user's files together.
    pub quota: u64,
    /// Larger files come in parts.
    pub multipart_above: u64,
    /// How long a signed request for an upload is good for.
    pub upload_lifetime: Duration,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        match request.route() {
            "POST /v1/conversations/{id}/files" => self.announce(&request).await,
            "POST /v1/files/{id}/parts" => self.connections.unless_deleted(user, self.parts(&request)).await,
            "POST /v1/files/{id}/complete" => self.connections.unless_deleted(user, self.complete(&request)).await,
            "DELETE /v1/files/{id}" => self.connections.unless_deleted(user, self.remove(&request)).await,
            "GET /v1/files/{id}" => self.connections.unless_deleted(user, self.metadata(&request)).await,
            "GET /v1/files/{id}/content" => self.connections.unless_deleted(user, self.content(&request)).await,
            "GET /v1/files/{id}/thumbnail" => self.connections.unless_deleted(user, self.thumbnail(&request)).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }
}

/// There is no such file, or it is none of the caller's business: the two look alike.
fn not_found() -> ApiError {
    ApiError::new(ErrorCode::FileNotFound, "No such file.")
}
