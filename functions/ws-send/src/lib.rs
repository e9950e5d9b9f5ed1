//! `send`: appends a message to the conversation's log and pushes it to the connections of its members, or to the subscribed
//! connections of a public conversation.

use chat::log::Draft;
use chat::sending::Sender;
use domain::ApiError;
use domain::protocol::{Answer, SendRequest, Sent};
use lambda_kit::websocket::Caller;

/// Sends one message. The server sets sender and time: the token's user, and its own clock.
pub async fn handle(sender: &Sender, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
    let draft = Draft::new(request.conversation_id, caller.user_id, request.draft.check()?);
    let sent = sender.send(&draft, Some(&caller.connection_id)).await?;
    Ok(Answer::Sent(Sent::of(&sent.message, sent.duplicate)))
}
