//! Permanent deletion of a user.
//!
//! First the tombstones: in SQL, so that nobody can add the user to anything, and in `connections`, so that the user cannot
//! connect. Then the memberships end, one conversation after the other, which may take longer than a request: a message on the
//! `relay` queue, sent before anything else, lets the worker finish. Every step may be repeated, and any number may race.

use std::time::Duration;

use domain::membership::Action;
use domain::{Connection, ConversationId, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::Connections;
use store::sql::Users;
use store::sql::membership::ChangeError;
use store::sqs::{Queue, RELAY_DELAY, RelayBody};
use uuid::Uuid;

use crate::membership::{Applied, Membership};

/// Memberships that are looked up at once.
const PAGE: usize = 25;

#[derive(Clone, Debug)]
pub struct Deletion {
    pub users: Users,
    pub membership: Membership,
    pub connections: Connections,
    /// The queue of the worker that finishes.
    pub relay: Queue,
}

/// Progress of a deletion.
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

    /// Leaves the tombstones, and returns the connections to close. After this the user's token is refused everywhere. Cost:
    /// three requests.
    pub async fn begin(&self, user: UserId) -> Result<Vec<Connection>, StoreError> {
        // Queued before the tombstone is left, so that a crash after it leaves no membership behind.
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

    /// Ends the memberships of a deleted user until none is left or it is `until`, and calls `notify` for each. A conversation
    /// that fails does not stop the others; the first failure is returned in the end.
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
                    // The first one stands for all: the worker meets each of them again.
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
