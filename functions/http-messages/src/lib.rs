//! Messages over HTTP: history, sync, mentions, sending, edits, deletions, reactions, and the delivery status of messages.

mod amend;
mod history;
mod mentions;
mod send;
mod serve;
mod status;

use std::time::Duration;

use chat::inbox::Inbox;
use chat::log::Log;
use chat::mentions::MentionList;
use chat::receipts::StatusReader;
use chat::sending::Sender;
use domain::ApiError;
use domain::protocol::SyncRequest;
use lambda_kit::http::{Request, Response, no_such_route};
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub log: Log,
    pub inbox: Inbox,
    pub mention_list: MentionList,
    pub status_reader: StatusReader,
    pub sender: Sender,
    pub connections: Connections,
    /// Time for which a sender may edit a message.
    pub edit_window: Duration,
}

impl Handler {
    /// Answers one request, unless the user is deleted. The projection refuses the writes of such a user.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let is_read = request.route().starts_with("GET ") || request.route() == "POST /v1/sync";
        self.connections.guarded(request.user_id(), is_read, self.answer(&request)).await
    }

    async fn answer(&self, request: &Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/conversations/{id}/messages" => self.send(request).await,
            "PATCH /v1/conversations/{id}/messages/{seq}" => self.edit(request).await,
            "DELETE /v1/conversations/{id}/messages/{seq}" => self.delete(request).await,
            "PUT /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(request, true).await,
            "DELETE /v1/conversations/{id}/messages/{seq}/reactions/{emoji}" => self.react(request, false).await,
            "GET /v1/conversations/{id}/messages" => self.history(request).await,
            "GET /v1/conversations/{id}/messages/{seq}/status" => self.status(request).await,
            "GET /v1/conversations/{id}/receipts" => self.receipts(request).await,
            "GET /v1/mentions" => self.mentions(request).await,
            "POST /v1/sync" => self.sync(request).await,
            _ => Err(no_such_route()),
        }
    }

    async fn sync(&self, request: &Request) -> Result<Response, ApiError> {
        let sync: SyncRequest = request.json()?;
        Response::ok(&self.inbox.sync(request.user_id(), sync.check()?).await?)
    }
}
