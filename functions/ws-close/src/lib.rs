//! `close`: ends the pushes of a conversation that this connection has opened. Closing what is not open is harmless.

use domain::ApiError;
use domain::wire::{Answer, LookRequest};
use lambda_kit::websocket::Caller;
use store::looking::Looking;

/// Closes a conversation, for anybody.
pub async fn handle(looking: &Looking, caller: Caller, request: LookRequest) -> Result<Answer, ApiError> {
    looking.close(&caller.connection_id, request.conversation_id).await?;
    Ok(Answer::Accepted)
}
