//! `open`: has what is said in a public conversation pushed to this connection.
//!
//! Opening again is harmless, and so is opening what is not public: its members hear of everything there anyway.

use domain::wire::{Answer, LookRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::websocket::Caller;
use store::looking::{Looker, Looking};

/// Opens a conversation, for its members.
pub async fn handle(looking: &Looking, caller: Caller, request: LookRequest) -> Result<Answer, ApiError> {
    let looker = Looker { user_id: caller.user_id, connection_id: &caller.connection_id, exp: caller.exp };
    looking.open(looker, request.conversation_id, Timestamp::now()).await?;
    Ok(Answer::Accepted)
}
