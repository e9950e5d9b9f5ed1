//! Connections: where a user can be reached.

use serde::Serialize;

use crate::{Timestamp, UserId};

/// One live WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Whose.
    pub user_id: UserId,
    /// API Gateway's id.
    pub connection_id: String,
    /// When `$connect` ran.
    pub connected_at: Timestamp,
    /// When the token ends: epoch seconds.
    pub exp: i64,
}

/// Where one frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'c> {
    /// Whose connection it is.
    pub user_id: UserId,
    /// API Gateway's id of it.
    pub connection_id: &'c str,
}

/// Whether a user is connected, or when they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Who.
    pub user_id: UserId,
    /// Whether they are now.
    pub online: bool,
    /// When they last were: `None` while they are, and where that is too long ago or they never were.
    pub last_seen_at: Option<Timestamp>,
}

/// What became of pushing a frame to connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Ids of connections that are gone.
    pub gone: Vec<String>,
    /// Whether all of them were tried in the time that there was.
    pub in_time: bool,
}

impl Connection {
    /// Whether the token still holds.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.exp > now.epoch_seconds()
    }
}
