//! `send`: appends messages to the conversation's log and pushes them to the connections of its members, or to the subscribed
//! connections of a public conversation.

mod serve;

use chat::log::Draft;
use chat::sending::Sender;
use domain::ApiError;
use domain::protocol::{Answer, CheckedSend, SendRequest, Sent, SentAnswer};
use lambda_kit::error_of_part;
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

pub use serve::serve;

/// Sends one message, or a batch. The server sets sender and time: the token's user, and its own clock.
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
    let SendRequest { conversation_id, body } = request;
    let (user, except) = (caller.user_id, Some(caller.connection_id.as_str()));
    match body.check()? {
        CheckedSend::One(draft) => {
            let sent = sender.send(&Draft::new(conversation_id, user, draft), except).await?;
            Ok(Answer::Sent(SentAnswer::One(Sent::of(&sent.message, sent.duplicate))))
        }
        CheckedSend::Batch(drafts) => {
            let sent = sender.send_batch(&Draft::batch(conversation_id, user, drafts), except).await?;
            let answer = sent.answer(conversation_id, |error| error_of_part(error, &caller.request_id));
            Ok(Answer::Sent(SentAnswer::Batch(answer)))
        }
    }
}
