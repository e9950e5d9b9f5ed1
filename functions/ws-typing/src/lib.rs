//! `typing`: notifies the other members that the caller is typing, or has stopped. Nothing is stored.

use chat::notify::TypingNotifier;
use domain::ApiError;
use domain::protocol::{Answer, TypingRequest};
use lambda_kit::websocket::Caller;

/// Notifies the other members, if the user may send.
pub async fn handle(typing: &TypingNotifier, caller: Caller, request: TypingRequest) -> Result<Answer, ApiError> {
    typing.notify(request.conversation_id, caller.user_id, request.typing).await?;
    Ok(Answer::Accepted)
}
