//! WebSocket connections of users, and their presence.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// One live WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub user_id: UserId,
    pub connection_id: String,
    pub connected_at: Timestamp,
    /// Expiry of the token, in epoch seconds.
    pub exp: i64,
}

/// The destination of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'c> {
    pub user_id: UserId,
    /// Id that API Gateway gave the connection.
    pub connection_id: &'c str,
}

/// The presence of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub user_id: UserId,
    /// True while the user has a live connection.
    pub online: bool,
    /// End of the user's last connection. `None` while the user is online, and 30 days after the connection ended.
    pub last_seen_at: Option<Timestamp>,
}

impl Presence {
    /// Returns the presence of a user of whom nothing is known, or shown.
    pub const fn unknown(user_id: UserId) -> Self {
        Self { user_id, online: false, last_seen_at: None }
    }
}

/// Outcome of pushing a frame to connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Ids of connections that API Gateway answered with 410 Gone.
    pub gone: Vec<String>,
    /// True if every connection was tried within the time limit.
    pub in_time: bool,
}

impl Connection {
    /// Returns true while the token is valid.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.exp > now.epoch_seconds()
    }
}
