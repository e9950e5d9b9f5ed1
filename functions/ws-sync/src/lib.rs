//! `sync`: everything that a client has missed, by one cursor per conversation.

mod serve;

use chat::inbox::Inbox;
use domain::ApiError;
use domain::protocol::{Answer, SyncRequest};
use lambda_kit::websocket::Caller;

pub use serve::serve;

/// Answers with the items after the cursors, or lists the caller's conversations if there are no cursors.
pub async fn handle(inbox: &Inbox, caller: Caller, request: SyncRequest) -> Result<Answer, ApiError> {
    Ok(Answer::Synced(inbox.sync(caller.user_id, request.check()?).await?))
}
