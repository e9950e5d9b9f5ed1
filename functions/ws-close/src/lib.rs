//! `close`: ends this connection's subscription to a public conversation. Safe to repeat.

mod serve;

use chat::notify::PublicSubscriptions;
use domain::ApiError;
use domain::protocol::{Answer, SubscribeRequest};
use lambda_kit::websocket::Caller;

pub use serve::serve;

/// Ends the subscription. Anybody may.
pub async fn handle(
    subscriptions: &PublicSubscriptions,
    caller: Caller,
    request: SubscribeRequest,
) -> Result<Answer, ApiError> {
    subscriptions.unsubscribe(&caller.connection_id, request.conversation_id).await?;
    Ok(Answer::Accepted)
}
