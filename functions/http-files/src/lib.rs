//! Files: owners announce and upload them; every user who sees a message that references a file can read it.

mod read;
mod serve;
mod upload;

use chat::files::Uploads;
use chat::log::Log;
use domain::ApiError;
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    /// Finds the messages that reference a file, and checks that the caller sees them.
    pub log: Log,
    pub uploads: Uploads,
    pub connections: Connections,
}

impl Handler {
    /// Answers one request, unless the user is deleted. SQL refuses the announcements of such a user.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/conversations/{id}/files" => {
                self.connections.unless_refused_as_deleted(request.user_id(), self.announce(&request)).await
            }
            _ => self.connections.unless_deleted(request.user_id(), self.guarded(&request)).await,
        }
    }

    async fn guarded(&self, request: &Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/files/{id}/parts" => self.parts(request).await,
            "POST /v1/files/{id}/complete" => self.complete(request).await,
            "DELETE /v1/files/{id}" => self.remove(request).await,
            "GET /v1/files/{id}" => self.metadata(request).await,
            "GET /v1/files/{id}/content" => self.content(request).await,
            "GET /v1/files/{id}/thumbnail" => self.thumbnail(request).await,
            _ => Err(no_such_route()),
        }
    }
}
