//! Conversations: `POST` and `GET /v1/conversations`, `GET`, `PATCH` and `DELETE /v1/conversations/{id}`.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod change;
mod create;
mod list;

use domain::error::causes;
use domain::{ApiError, ErrorCode, Timestamp};
use lambda_kit::http::{Request, Response};
use lambda_kit::push::Pusher;
use store::dynamodb::Connections;
use store::inbox::Inbox;
use store::membership::Membership;
use store::relay::Applied;

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// Begins and changes conversations.
    pub membership: Membership,
    /// What members see.
    pub inbox: Inbox,
    /// Where everybody is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/conversations" => self.create(&request).await,
            "GET /v1/conversations" => self.list(&request).await,
            "GET /v1/conversations/{id}" => {
                Response::ok(&self.inbox.conversation(request.id("id")?, request.user_id()).await?)
            }
            "PATCH /v1/conversations/{id}" => self.patch(&request).await,
            "DELETE /v1/conversations/{id}" => self.close(&request).await,
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }

    /// Tells everybody who sees it of what reached the log. The log is the truth: who is not told finds it there.
    async fn announce(&self, applied: &[Applied]) -> Result<(), ApiError> {
        for applied in applied {
            let Some(message) = &applied.message else { continue };
            match self.membership.relay.listeners(&self.connections, applied).await {
                Ok(listeners) => {
                    let gone = self.pusher.push_message(message, &listeners).await?;
                    self.connections.forget_gone(&listeners, &gone, Timestamp::now()).await;
                }
                Err(error) => tracing::warn!(error = causes(&error), "nobody was told of a change"),
            }
        }
        Ok(())
    }
}
