//! The connections of users that some process of the stack has just read, where the stack has a cache for it.
//!
//! An entry ends two seconds after it was set, by the clock of the cache alone, and a process does not remember it: so nobody uses
//! connections that are older than what a client's second sync, three seconds after connecting, makes up for.

use std::time::Duration;

use domain::{Connection, Timestamp, UserId};
use store::clock::Moment;
use store::dynamodb::connections::Found;
use store::shared_cache::{Key, SharedCache};

/// Time for which an entry is kept.
const LIFETIME: Duration = Duration::from_secs(2);

/// Age from which connections are not shared any more: they would be too old at the end of their entry.
const MAX_AGE: Duration = Duration::from_millis(500);

/// Finds the connections of users in the cache; returns them, and the users of whom it has none. Cost: one round trip to the cache.
pub(super) async fn find(cache: &SharedCache, users: Vec<UserId>) -> (Vec<Connection>, Vec<UserId>) {
    let keys: Vec<Key> = users.iter().map(|user| Key::Connections(*user)).collect();
    let entries = cache.get_all::<Vec<Connection>>(&keys).await;
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for (user, entry) in users.into_iter().zip(entries) {
        match entry {
            Some(connections) => found.extend(connections.into_iter().filter(|one| one.user_id == user)),
            None => unknown.push(user),
        }
    }
    // The function that finds one with an ended token in the table tells its client.
    (Found::of(found, Timestamp::now()).live, unknown)
}

/// Shares the connections of these users, which were read from the moment `read` on. Cost: one round trip to the cache.
pub(super) async fn share(cache: &SharedCache, users: &[UserId], connections: &[Connection], read: Moment) {
    if read.age() > MAX_AGE {
        return;
    }
    let own = |user: &UserId| connections.iter().filter(|one| one.user_id == *user).collect::<Vec<_>>();
    cache.set_all(users.iter().map(|user| (Key::Connections(*user), own(user))), LIFETIME).await;
}
