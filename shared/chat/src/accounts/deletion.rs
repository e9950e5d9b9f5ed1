//! How a user goes for good.
//!
//! First the tombstones: in SQL, where nobody can add the user to anything from then on, and in `connections`, where they get no
//! connection. Then their memberships end, one conversation after the other, which may take longer than a request: a message on
//! the `relay` queue, sent before anything happens, has the worker finish. Every step may be repeated, and any number may race.

use std::time::Duration;

use domain::membership::Action;
use domain::{Connection, ConversationId, Timestamp, UserId};
use uuid::Uuid;

use crate::membership::Applied;
use crate::membership::Membership;
use store::StoreError;
use store::dynamodb::Connections;
use store::sql::Users;
use store::sql::membership::ChangeError;
use store::sqs::{Queue, RELAY_DELAY, RelayBody};

/// Memberships that are looked up at once.
const PAGE: usize = 25;

/// Deletes users.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// Where the tombstone is left.
    pub users: Users,
    /// Ends the memberships.
    pub membership: Membership,
    /// Where the user may be connected.
    pub connections: Connections,
    /// The queue of the worker that finishes.
    pub relay: Queue,
}

/// How far a deletion came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No membership is left.
    Done,
    /// There was no time for all of them.
    OutOfTime,
}

impl Deletion {
    /// Returns what ends the memberships.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Removes the items of connections that were closed, see [`Connections::remove_closed`].
    pub async fn remove_closed(&self, closed: &[Connection], now: Timestamp) -> Result<(), StoreError> {
        self.connections.remove_closed(closed, now).await
    }

    /// Leaves the tombstones, and gives back the connections that are to be closed. When this returns, the user's token is worth
    /// nothing. Three requests.
    pub async fn begin(&self, user: UserId) -> Result<Vec<Connection>, StoreError> {
        // The queue hears of it before the tombstone: then a crash after it leaves no membership.
        self.relay.send_relay(RelayBody::User { user_id: user }, RELAY_DELAY).await?;
        self.users.delete(user).await?;
        self.connections.leave_tombstone(user).await
    }

    /// The same for a user who is deleted already; `None` for one who is not. Connections that began while the tombstone was
    /// being left may be among those that are given back.
    pub async fn resume(&self, user: UserId) -> Result<Option<Vec<Connection>>, StoreError> {
        if !self.users.is_deleted(user).await? {
            return Ok(None);
        }
        Ok(Some(self.connections.leave_tombstone(user).await?))
    }

    /// Ends the memberships of a user who is deleted until none is left or it is `until`, and tells of each. One conversation
    /// that fails does not keep the others; it is an error in the end.
    pub async fn leave_all(
        &self,
        user: UserId,
        until: Timestamp,
        tell: impl AsyncFn(&[Applied]),
    ) -> Result<Progress, ChangeError> {
        let mut failure = None;
        let mut after = ConversationId(Uuid::nil());
        loop {
            let page = self.users.memberships(user, after, PAGE).await?;
            for conversation in &page {
                if Timestamp::now() >= until {
                    return failure.map_or(Ok(Progress::OutOfTime), Err);
                }
                match self.membership.change(*conversation, user, &[Action::Forget]).await {
                    Ok(applied) => tell(&applied).await,
                    // The first one stands for all: each is met again when the worker comes back.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = *last,
                _ => return failure.map_or(Ok(Progress::Done), Err),
            }
        }
    }

    /// Has the worker go on at once.
    pub async fn hand_over(&self, user: UserId) -> Result<(), StoreError> {
        self.relay.send_relay(RelayBody::User { user_id: user }, Duration::ZERO).await
    }
}
