//! `$disconnect`: removes a connection. API Gateway invokes it on a best-effort basis; otherwise the connection is removed when
//! a push finds it disconnected, or when its token expires.

mod serve;

use domain::{ApiError, EndedConnection, Timestamp};
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

pub use serve::serve;

/// Removes the connection and records when it ended, at the latest with its token: one write, safe to repeat.
pub async fn handle(connections: &Connections, caller: Caller) -> Result<(), ApiError> {
    let Caller { user_id, exp, connection_id, .. } = caller;
    let at = Timestamp::now().min(Timestamp::nearest(exp.saturating_mul(1000)));
    connections.end(&EndedConnection { user_id, connection_id, at }).await?;
    Ok(())
}
