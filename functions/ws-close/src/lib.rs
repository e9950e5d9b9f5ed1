//! `close`: ends the pushes of a conversation that this connection has opened. Closing what is not open is harmless.

use chat::notify::Subscribing;
use domain::ApiError;
use domain::protocol::{Answer, SubscribeRequest};
use lambda_kit::websocket::Caller;

/// Closes a conversation, for anybody.
pub async fn handle(looking: &Subscribing, caller: Caller, request: SubscribeRequest) -> Result<Answer, ApiError> {
    looking.close(&caller.connection_id, request.conversation_id).await?;
    Ok(Answer::Accepted)
}
