//! The connections of users as a process has just read them.
//!
//! Nothing proves them, so they are believed for two seconds. A client syncs when it connects and again three seconds later, which
//! brings what was sent meanwhile; a connection that has ended answers a post with 410.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Connection, UserId};
use lru::LruCache;
use store::clock::Moment;

/// Age from which connections are read again.
const MAX_AGE: Duration = Duration::from_secs(2);

/// Most users whose connections are remembered: some megabytes.
const MAX_USERS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Number of users whose connections are always read: one read unit, beside the put of the message.
pub(super) const ALWAYS_READ: usize = 2;

/// The registered connections of users. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct RecentConnections(Arc<Mutex<Users>>);

/// The registered connections of each user, and the moment from which on they were read.
type Users = LruCache<UserId, (Vec<Connection>, Moment)>;

impl Default for RecentConnections {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MAX_USERS))))
    }
}

impl RecentConnections {
    /// Returns the connections that need not be read, and the users whose connections have to be.
    pub(super) fn split(&self, users: Vec<UserId>) -> (Vec<Connection>, Vec<UserId>) {
        let mut recent = Vec::new();
        let unknown = self.users(|known| {
            let is_unknown = |user: &UserId| match known.get(user) {
                Some((connections, read)) if read.age() < MAX_AGE => {
                    recent.extend(connections.iter().cloned());
                    false
                }
                _ => true,
            };
            users.into_iter().filter(is_unknown).collect()
        });
        (recent, unknown)
    }

    /// Remembers the connections of these users, which were read from the moment `read` on.
    pub(super) fn remember(&self, users: &[UserId], connections: &[Connection], read: Moment) {
        self.users(|known| {
            for user in users {
                let own = connections.iter().filter(|connection| connection.user_id == *user).cloned().collect();
                known.put(*user, (own, read));
            }
        });
    }

    /// Forgets the connections of these users.
    pub(super) fn forget(&self, users: impl IntoIterator<Item = UserId>) {
        self.users(|known| {
            for user in users {
                known.pop(&user);
            }
        });
    }

    fn users<T>(&self, work: impl FnOnce(&mut Users) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
