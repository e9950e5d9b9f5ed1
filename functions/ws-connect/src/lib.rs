//! `$connect`: registers a connection whose token `ws-authorizer` has verified.

mod room;
mod serve;

use domain::{ApiError, Connection, Timestamp};
use lambda_kit::websocket::Caller;
use store::connections_api::ConnectionsApi;
use store::dynamodb::Connections;

pub use serve::serve;

#[derive(Debug)]
pub struct Connect {
    pub connections: Connections,
    /// Closes the oldest connections of a user who has too many.
    pub api: ConnectionsApi,
}

impl Connect {
    /// Registers the connection, and makes room for it if the user has too many: one write, and more requests only then.
    pub async fn handle(&self, caller: Caller) -> Result<(), ApiError> {
        let Caller { user_id, exp, connection_id, .. } = caller;
        let connection = Connection { user_id, connection_id, connected_at: Timestamp::now(), exp };
        let open = self.connections.add(&connection).await?;
        self.make_room(&connection, open).await
    }
}
