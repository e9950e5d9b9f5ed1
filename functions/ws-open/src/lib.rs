//! `open`: subscribes this connection to a public conversation. Safe to repeat, and without effect for other conversations, whose
//! members receive everything anyway.

mod serve;

use chat::notify::{PublicSubscriptions, Subscriber};
use domain::protocol::{Answer, SubscribeRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

pub use serve::serve;

/// Subscribes the connection of a member.
pub async fn handle(
    subscriptions: &PublicSubscriptions,
    connections: &Connections,
    caller: Caller,
    request: SubscribeRequest,
) -> Result<Answer, ApiError> {
    let subscriber = Subscriber { user_id: caller.user_id, connection_id: &caller.connection_id, exp: caller.exp };
    let done = async {
        subscriptions.subscribe(subscriber, request.conversation_id, Timestamp::now()).await?;
        Ok(())
    };
    connections.unless_refused_as_deleted(caller.user_id, done).await?;
    Ok(Answer::Accepted)
}
