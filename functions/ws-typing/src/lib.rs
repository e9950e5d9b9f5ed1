//! `typing`: notifies the other members that the caller is typing, or has stopped. Nothing is stored.

mod serve;

use chat::notify::TypingNotifier;
use domain::ApiError;
use domain::protocol::{Answer, TypingRequest};
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

pub use serve::serve;

/// Notifies the other members, if the user may send.
pub async fn handle(
    typing: &TypingNotifier,
    connections: &Connections,
    caller: Caller,
    request: TypingRequest,
) -> Result<Answer, ApiError> {
    let notified = async {
        typing.notify(request.conversation_id, caller.user_id, request.typing).await?;
        Ok(())
    };
    connections.unless_refused_as_deleted(caller.user_id, notified).await?;
    Ok(Answer::Accepted)
}
