//! `typing`: notifies the other members that the caller is typing, or has stopped. Nothing is stored.

use chat::notify::TypingNotifier;
use domain::ApiError;
use domain::protocol::{Answer, TypingRequest};
use lambda_kit::websocket::Caller;

/// Notifies the others. A user who may not send may not type either.
pub async fn handle(typing: &TypingNotifier, caller: Caller, request: TypingRequest) -> Result<Answer, ApiError> {
    typing.notify(request.conversation_id, caller.user_id, request.typing).await?;
    Ok(Answer::Accepted)
}
