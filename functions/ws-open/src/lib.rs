//! `open`: has what is said in a public conversation pushed to this connection.
//!
//! Opening again is harmless, and so is opening what is not public: its members hear of everything there anyway.

use chat::notify::{Subscriber, Subscribing};
use domain::protocol::{Answer, SubscribeRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::websocket::Caller;

/// Opens a conversation, for its members.
pub async fn handle(looking: &Subscribing, caller: Caller, request: SubscribeRequest) -> Result<Answer, ApiError> {
    let subscriber = Subscriber { user_id: caller.user_id, connection_id: &caller.connection_id, exp: caller.exp };
    looking.open(subscriber, request.conversation_id, Timestamp::now()).await?;
    Ok(Answer::Accepted)
}
