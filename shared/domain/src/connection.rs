//! WebSocket connections of users, and their presence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// API Gateway ends every WebSocket connection after two hours.
const MAX_CONNECTION_SECONDS: u64 = 2 * 60 * 60;

/// A WebSocket connection of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub user_id: UserId,
    pub connection_id: String,
    pub connected_at: Timestamp,
    /// Expiry of the token, in epoch seconds.
    pub exp: i64,
}

/// A connection that the server registered and that is over, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedConnection {
    pub user_id: UserId,
    pub connection_id: String,
    /// The time at which it ended.
    pub at: Timestamp,
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Presence {
    pub user_id: UserId,
    /// True while the user has a live connection.
    pub online: bool,
    /// End of the user's last connection: its token's end, if it was open for longer. `None` while the user is online, and 30 days
    /// after the connection ended.
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
    /// Returns the latest time at which the connection ends: with its token, or two hours after it began.
    pub fn end(&self) -> Timestamp {
        let limit = i64::try_from(MAX_CONNECTION_SECONDS).unwrap_or(i64::MAX);
        let lifetime = self.exp.saturating_sub(self.connected_at.epoch_seconds()).clamp(0, limit);
        self.connected_at.plus(Duration::from_secs(lifetime.unsigned_abs()))
    }

    /// Describes the connection as one that is over at `now`, or was before.
    pub fn ended(&self, now: Timestamp) -> EndedConnection {
        let (user_id, connection_id) = (self.user_id, self.connection_id.clone());
        EndedConnection { user_id, connection_id, at: now.min(self.end()) }
    }

    /// Returns true while the token is valid.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.exp > now.epoch_seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(connected_at: i64, exp: i64) -> Connection {
        let connected_at = Timestamp::from_epoch_millis(connected_at);
        let user_id = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        Connection { user_id, connection_id: "c".to_owned(), connected_at, exp }
    }

    #[test]
    fn connection_ends_with_its_token_or_after_two_hours() {
        for (connected_at, exp, end) in [
            (10_000, 70, 70_000),
            (10_500, 70, 70_500),
            (10_000, 7_210, 7_210_000),
            (10_000, 7_211, 7_210_000),
            (10_000, i64::MAX, 7_210_000),
            (10_000, 10, 10_000),
            (10_000, 9, 10_000),
            (10_000, i64::MIN, 10_000),
        ] {
            assert_eq!(connection(connected_at, exp).end().epoch_millis(), end, "{connected_at} {exp}");
        }
        let at = |now| connection(10_000, 70).ended(Timestamp::from_epoch_millis(now)).at.epoch_millis();
        assert_eq!((at(60_000), at(80_000)), (60_000, 70_000));
    }
}
