//! Exports: a user requests them, and gets their state, and a link once they are ready.

mod serve;

use chat::exports::ExportRequests;
use domain::ApiError;
use domain::export::Subject;
use domain::protocol::http::{ConversationExportRequest, UserExportRequest};
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub requests: ExportRequests,
    pub connections: Connections,
}

impl Handler {
    /// Answers one request, unless the user is deleted. Nothing that such a user requests has an effect.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        self.connections.unless_deleted(request.user_id(), std::future::ready(Ok(()))).await?;
        self.answer(&request).await
    }

    async fn answer(&self, request: &Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/users/me/export" => self.of_user(request).await,
            "POST /v1/conversations/{id}/export" => self.of_conversation(request).await,
            "GET /v1/exports/{id}" => Response::ok(&self.requests.get(request.user_id(), request.id("id")?).await?),
            "DELETE /v1/exports/{id}" => {
                self.requests.cancel(request.user_id(), request.id("id")?).await?;
                Ok(Response::no_content())
            }
            _ => Err(no_such_route()),
        }
    }

    async fn of_user(&self, request: &Request) -> Result<Response, ApiError> {
        let UserExportRequest { messages, files } = request.json()?;
        let user_id = request.user_id();
        Response::accepted(&self.requests.request(user_id, Subject::User { user_id, messages }, files).await?)
    }

    async fn of_conversation(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation_id = request.id("id")?;
        let ConversationExportRequest { files } = request.json()?;
        let subject = Subject::Conversation { conversation_id };
        Response::accepted(&self.requests.request(request.user_id(), subject, files).await?)
    }
}
