//! `send`: appends a message to the conversation's log and pushes it to the connections of its members, or to the subscribed
//! connections of a public conversation.

use chat::log::Draft;
use chat::sending::Sender;
use domain::ApiError;
use domain::protocol::{Answer, SendRequest, Sent};
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

/// Sends one message. The server sets sender and time: the token's user, and its own clock.
pub async fn handle(
    sender: &Sender,
    connections: &Connections,
    caller: Caller,
    request: SendRequest,
) -> Result<Answer, ApiError> {
    let user = caller.user_id;
    connections.unless_refused_as_deleted(user, send(sender, caller, request)).await
}

async fn send(sender: &Sender, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
    let draft = Draft::new(request.conversation_id, caller.user_id, request.draft.check()?);
    let sent = sender.send(&draft, Some(&caller.connection_id)).await?;
    Ok(Answer::Sent(Sent::of(&sent.message, sent.duplicate)))
}
