//! The connections of users that some process of the stack has just read, where the stack has a cache for it.
//!
//! They are used for two seconds after they were read, by the clocks of the cache and of the machines, whichever says less, and a
//! process does not remember them: so nobody uses older ones than a client's second sync, three seconds after connecting, makes up
//! for.

use std::time::Duration;

use domain::{Connection, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::clock::Moment;
use store::dynamodb::connections::Found;
use store::shared_cache::{Key, SharedCache};

/// Time for which connections are used.
const LIFETIME: Duration = Duration::from_secs(2);

/// The connections of one user.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<C> {
    /// When they were read.
    read: Timestamp,
    connections: Vec<C>,
}

/// Finds the connections of users in the cache; returns them, and the users of whom it has none. Cost: one round trip to the cache.
pub(super) async fn find(cache: &SharedCache, users: Vec<UserId>) -> (Vec<Connection>, Vec<UserId>) {
    let keys: Vec<Key> = users.iter().map(|user| Key::Connections(*user)).collect();
    let entries = cache.get_all::<Entry<Connection>>(&keys).await;
    let now = Timestamp::now();
    // A clock that is ahead or behind makes an entry useless, and never older.
    let is_recent = |entry: &Entry<_>| now.since(entry.read).max(entry.read.since(now)) < LIFETIME;
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for (user, entry) in users.into_iter().zip(entries) {
        match entry.filter(is_recent) {
            Some(entry) => found.extend(entry.connections.into_iter().filter(|one| one.user_id == user)),
            None => unknown.push(user),
        }
    }
    // The function that finds one with an ended token in the table tells its client.
    (Found::of(found, now).live, unknown)
}

/// Shares the connections of these users, which were read from the moment `read` on. Cost: one round trip to the cache.
pub(super) async fn share(cache: &SharedCache, users: &[UserId], connections: &[Connection], read: Moment) {
    let Some(lifetime) = LIFETIME.checked_sub(read.age()) else { return };
    let entry = |user: &UserId| {
        let connections: Vec<&Connection> = connections.iter().filter(|one| one.user_id == *user).collect();
        (Key::Connections(*user), Entry { read: read.time(), connections })
    };
    cache.set_all(users.iter().map(entry), lifetime).await;
}
