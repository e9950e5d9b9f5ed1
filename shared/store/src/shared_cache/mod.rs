//! The cache that processes share: Valkey or Redis, where the stack has one.
//!
//! It saves reads and decides nothing. An entry that is missing, and one that cannot be read, are the same, so a cache that is empty,
//! slow or gone costs the reads without it. Entries hold no text of a message, nor its digest. The cache is trusted like the
//! functions: whoever can write to it can damage logs.
//!
//! | key, after the stack's own part | entry |
//! |---|---|
//! | `window:<conversation>` | the newest items of a log, see `chat::log` |
//! | `roster:<conversation>` | the members of a group |
//! | `connections:<user>` | the connections of a user |
//! | `typing:<conversation>:<user>` | the newest notification of a user's typing |

mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::{ConversationId, UserId};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::redis::{ANSWER_TIMEOUT, InvalidUrl, RETRY_DELAY, Redis};

/// Version of the entries. Functions of another version neither read nor overwrite them.
const FORMAT: u32 = 1;

/// Entries by key. A failure is the same as a missing entry. A trait, so that a simulation can lose and delay entries.
pub trait Entries: fmt::Debug + Send + Sync {
    /// Connects during init, when time is free.
    fn warm_up(&self) -> BoxFuture<'_, ()>;

    /// Returns the entries, in the order of the keys; `None` for each that is missing, and for all if the cache cannot be reached.
    fn get(&self, keys: Vec<String>) -> BoxFuture<'_, Vec<Option<Vec<u8>>>>;

    /// Sets entries, which end after `lifetime`; false if some may not be set.
    fn set(&self, entries: Vec<(String, Vec<u8>)>, lifetime: Duration) -> BoxFuture<'_, bool>;
}

/// The key of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Window(ConversationId),
    Roster(ConversationId),
    Connections(UserId),
    Typing(ConversationId, UserId),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(conversation) => write!(f, "window:{conversation}"),
            Self::Roster(conversation) => write!(f, "roster:{conversation}"),
            Self::Connections(user) => write!(f, "connections:{user}"),
            Self::Typing(conversation, user) => write!(f, "typing:{conversation}:{user}"),
        }
    }
}

/// The cache of a stack. Clones share its connection.
#[derive(Clone, Debug)]
pub struct SharedCache {
    entries: Arc<dyn Entries>,
    stack: Arc<str>,
}

impl SharedCache {
    /// The entries of the stack with this name, which no other stack and no restored table may have.
    pub fn new(entries: Arc<dyn Entries>, stack: &str) -> Self {
        Self { entries, stack: stack.into() }
    }

    /// Connects during init, when time is free.
    pub async fn warm_up(&self) {
        self.entries.warm_up().await;
    }

    /// Returns the entry; `None` if it is missing or cannot be read.
    pub async fn get<T: DeserializeOwned>(&self, key: Key) -> Option<T> {
        self.get_all(&[key]).await.pop().flatten()
    }

    /// Returns entries of one kind, in the order of the keys.
    pub async fn get_all<T: DeserializeOwned>(&self, keys: &[Key]) -> Vec<Option<T>> {
        let found = self.entries.get(keys.iter().map(|key| self.name(*key)).collect()).await;
        let read = |(key, entry): (&Key, Option<Vec<u8>>)| {
            let read = serde_json::from_slice(&entry?);
            read.inspect_err(|error| tracing::warn!(%key, %error, "an entry of the shared cache cannot be read")).ok()
        };
        keys.iter().zip(found).map(read).collect()
    }

    /// Sets an entry, which ends after `lifetime`; false if it may not be set.
    pub async fn set<T: Serialize>(&self, key: Key, entry: &T, lifetime: Duration) -> bool {
        self.set_all([(key, entry)], lifetime).await
    }

    /// Sets entries, which end after `lifetime`; false if some may not be set.
    pub async fn set_all<T: Serialize>(&self, entries: impl IntoIterator<Item = (Key, T)>, lifetime: Duration) -> bool {
        let written = |(key, entry): (Key, T)| {
            let json = serde_json::to_vec(&entry);
            let json = json.inspect_err(|error| tracing::warn!(%key, %error, "an entry cannot be shared"));
            Some((self.name(key), json.ok()?))
        };
        let written: Vec<_> = entries.into_iter().filter_map(written).collect();
        written.is_empty() || self.entries.set(written, lifetime).await
    }

    fn name(&self, key: Key) -> String {
        format!("{}:{FORMAT}:{key}", self.stack)
    }
}
