//! Permanent deletion of a user.
//!
//! Tombstones are written first: in SQL, so that the user cannot be added to conversations, and in `connections`, so that the
//! user cannot connect. Then the memberships end, one conversation after the other. This may take longer than a request, so a
//! message on the `relay` queue, sent first, lets the worker finish. Every step is safe to repeat and to run concurrently.

use std::time::Duration;

use domain::membership::Action;
use domain::{ApiError, Connection, ConversationId, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::Connections;
use store::sql::Users;
use store::sqs::{Queue, RELAY_DELAY, RelayBody};
use uuid::Uuid;

use crate::membership::{Applied, Membership};

/// Number of memberships in one query.
const PAGE_SIZE: usize = 25;

#[derive(Clone, Debug)]
pub struct Deletion {
    pub users: Users,
    pub membership: Membership,
    pub connections: Connections,
    /// Queue of the worker that completes deletions.
    pub relay: Queue,
}

/// Progress of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All memberships have ended.
    Done,
    /// The time ended before the last membership.
    OutOfTime,
}

impl Deletion {
    /// Returns the service that ends the memberships.
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

    /// Like [`Self::begin`], for a user who is already deleted; `None` for any other user. The returned connections may include
    /// some that began while the tombstone was written.
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
        notify: impl AsyncFn(&[Applied]),
    ) -> Result<Progress, ApiError> {
        let mut failure = None;
        let mut after = ConversationId(Uuid::nil());
        loop {
            let page = self.users.memberships(user, after, PAGE_SIZE).await?;
            for conversation in &page {
                if Timestamp::now() >= until {
                    return failure.map_or(Ok(Progress::OutOfTime), Err);
                }
                match self.membership.change(*conversation, user, &[Action::LeaveDeleted]).await {
                    Ok(changed) => {
                        notify(&changed.applied).await;
                        failure = failure.or(changed.refusal);
                    }
                    // The first one stands for all: the worker meets each of them again.
                    Err(error) => failure = failure.or(Some(error.into())),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE_SIZE => after = *last,
                _ => return failure.map_or(Ok(Progress::Done), Err),
            }
        }
    }

    /// Queues a message so that the worker continues at once.
    pub async fn hand_over(&self, user: UserId) -> Result<(), StoreError> {
        self.relay.send_relay(RelayBody::User { user_id: user }, Duration::ZERO).await
    }
}
