//! Room for a new connection: a user has at most twenty, and the oldest are closed.
//!
//! The user's item is the truth. A connection stays registered, and is notified, until it is known to be closed. One that is just
//! coming up cannot be closed: API Gateway answers that it is gone until its `$connect` has returned. If many begin at once,
//! each of them therefore looks again until none is left over: those that are not up yet find themselves among the oldest and
//! refuse their handshake, and the others are closed as soon as they are up.

use std::time::{Duration, Instant};

use domain::{ApiError, Connection, ErrorCode, Timestamp};
use futures_util::future::join_all;
use store::dynamodb::Connections;
use store::dynamodb::connections::MAX_CONNECTIONS;
use store::dynamodb::retry::back_off;

use crate::Connect;

/// Longest time for which a handshake waits for others. A connection that is not up by then stays registered, and makes room for
/// the user's next one.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Connections that one handshake closes at once: others close the rest.
const CLOSES_PER_ROUND: usize = 8;

/// Rounds of back-off that begin with some tens of milliseconds.
const FIRST_ROUND: u32 = 4;

impl Connect {
    /// Closes the user's oldest connections beyond the limit. Cost: nothing if there are none, else some requests and a read of
    /// the item, and more if connections are just coming up.
    ///
    /// # Errors
    ///
    /// Refuses the connection if as many newer ones have begun meanwhile.
    pub(crate) async fn make_room(&self, own: &Connection, mut open: Vec<Connection>) -> Result<(), ApiError> {
        let begun = Instant::now();
        for round in FIRST_ROUND.. {
            let Some(surplus) = open.len().checked_sub(MAX_CONNECTIONS).filter(|surplus| *surplus > 0) else {
                return Ok(());
            };
            let own_place = open.iter().position(|other| other.connection_id == own.connection_id);
            let Some(own_place) = own_place.filter(|place| *place >= surplus) else {
                self.connections.remove(own.user_id, &[&own.connection_id]).await?;
                return Err(ApiError::new(ErrorCode::RateLimited, "You have opened newer connections meanwhile."));
            };
            if begun.elapsed() >= MAX_WAIT {
                tracing::warn!(user_id = %own.user_id, surplus, "connections beyond the limit could not be closed yet");
                return Ok(());
            }
            // Each handshake begins with another connection.
            let mut oldest = open[..surplus].to_vec();
            oldest.rotate_left(own_place % surplus);
            oldest.truncate(CLOSES_PER_ROUND);
            self.close(own, &oldest).await?;
            if surplus > oldest.len() || round > FIRST_ROUND {
                back_off(round).await;
            }
            open = self.connections.open(own.user_id, Timestamp::now()).await?;
        }
        Ok(())
    }

    /// Closes connections and removes those that are closed.
    async fn close(&self, own: &Connection, surplus: &[Connection]) -> Result<(), ApiError> {
        let now = Timestamp::now();
        let closing = surplus.iter().map(async |other| {
            let closed = self.api.close_open(&other.connection_id).await;
            (closed || Connections::is_established(other, now)).then_some(other.connection_id.as_str())
        });
        let closed: Vec<&str> = join_all(closing).await.into_iter().flatten().collect();
        Ok(self.connections.remove(own.user_id, &closed).await?)
    }
}
