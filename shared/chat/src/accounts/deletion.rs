//! Permanent deletion of a user.
//!
//! Tombstones are written first: in SQL, so that the user cannot be added to conversations, and in `connections`, so that the
//! user cannot connect. Then the memberships end. This may take longer than a request, so a message on the `relay` queue, sent
//! first, lets the worker finish: it splits the memberships into ranges, and queues each for an invocation of its own. So the
//! chain of queue messages is as short for a user with very many conversations. Every step is safe to repeat and to run
//! concurrently.

use domain::membership::Action;
use domain::{ApiError, Connection, ConversationId, IdRange, Timestamp, UserId};
use futures_util::{StreamExt, stream};
use store::StoreError;
use store::dynamodb::Connections;
use store::sql::Users;
use store::sqs::{Queue, RELAY_DELAY, RelayBody};
use uuid::Uuid;

use crate::membership::{Applied, Membership};

/// Number of memberships in one query.
const PAGE_SIZE: usize = 25;

/// Number of memberships that one queue message ends. Ten of these messages are a batch, for which the worker has half a minute.
const RANGE_SIZE: usize = 10;

/// Most ranges that one invocation queues, in one request for each ten: 50,000 memberships.
const MAX_RANGES: usize = 5_000;

/// Number of memberships that end at the same time, most of which is waiting for services.
const CONCURRENT_DEPARTURES: usize = 5;

/// The conversation after all others.
const LAST: ConversationId = ConversationId(Uuid::max());

#[derive(Clone, Debug)]
pub struct Deletion {
    pub users: Users,
    /// Sends no messages about changes.
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
        self.relay.send_relay(RelayBody::all_of(user), RELAY_DELAY).await?;
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

    /// Returns the range of all memberships of a user.
    pub const fn all_memberships() -> IdRange<ConversationId> {
        IdRange { after: ConversationId(Uuid::nil()), last: LAST }
    }

    /// Splits the memberships after a conversation into ranges, and queues each of them. Returns the range of memberships that are
    /// too few to be split. Cost: one SQL request, and one to SQS for each 100 memberships.
    pub async fn split(
        &self,
        user_id: UserId,
        after: ConversationId,
    ) -> Result<Option<IdRange<ConversationId>>, StoreError> {
        let all = IdRange { after, last: LAST };
        let borders = self.users.membership_borders(user_id, after, RANGE_SIZE, MAX_RANGES).await?;
        if borders.is_empty() {
            return Ok(Some(all));
        }
        // The rest of a user with more ranges is split by an invocation of its own.
        let parts = all.split_as_far_as_known(&borders, MAX_RANGES).into_iter();
        let bodies = parts.map(|(after, last)| RelayBody::User { user_id, after: Some(after), last });
        self.relay.send_all_relay(&bodies.collect::<Vec<_>>()).await?;
        Ok(None)
    }

    /// Ends the memberships of a deleted user in a range until none is left or it is `until`, some at the same time, and calls
    /// `notify` for each. A conversation that fails does not stop the others; a failure is returned in the end.
    ///
    /// No queue message is sent for a membership: whoever crashed between commit and relay has a message of this range or user,
    /// which is received again and relays first what was left.
    pub async fn leave(
        &self,
        user: UserId,
        mut range: IdRange<ConversationId>,
        until: Timestamp,
        notify: impl AsyncFn(&[Applied]),
    ) -> Result<Progress, ApiError> {
        let mut failure = None;
        for conversation in self.users.unrelayed(user, range).await? {
            match self.membership.finish(conversation).await {
                Ok(applied) => notify(&applied).await,
                Err(error) => failure = failure.or(Some(error.into())),
            }
        }
        loop {
            let page = self.users.memberships(user, range, PAGE_SIZE).await?;
            let departures = stream::iter(&page).map(async |conversation| {
                if Timestamp::now() >= until {
                    return Ok(Progress::OutOfTime);
                }
                let changed = self.membership.change(*conversation, user, &[Action::LeaveDeleted]).await?;
                notify(&changed.applied).await;
                changed.refusal.map_or(Ok(Progress::Done), Err)
            });
            let departures: Vec<Result<Progress, ApiError>> =
                departures.buffer_unordered(CONCURRENT_DEPARTURES).collect().await;
            let out_of_time = departures.iter().any(|departure| matches!(departure, Ok(Progress::OutOfTime)));
            // One stands for all: the worker meets each of them again.
            failure = failure.or(departures.into_iter().find_map(Result::err));
            if out_of_time {
                return failure.map_or(Ok(Progress::OutOfTime), Err);
            }
            match page.last() {
                Some(last) if page.len() == PAGE_SIZE => range.after = *last,
                _ => return failure.map_or(Ok(Progress::Done), Err),
            }
        }
    }
}
