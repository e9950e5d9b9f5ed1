//! `$disconnect`: removes a connection. API Gateway invokes it on a best-effort basis; otherwise the connection is removed when
//! a push finds it disconnected, or when its token expires.

use domain::{ApiError, Timestamp};
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;

/// Forgets the connection and keeps when it ended: one write, safe to repeat.
pub async fn handle(connections: &Connections, caller: Caller) -> Result<(), ApiError> {
    Ok(connections.end(caller.user_id, &caller.connection_id, Timestamp::now()).await?)
}
