//! Entries by which the processes of a stack share a log, where the stack has a cache for them.
//!
//! A process that has just started takes over what another one remembers, and uses it as its own: the proof of [`super`] asks neither
//! who read the log nor when. An entry that is old or missing costs a put, or the reads without it.

use std::sync::Arc;
use std::time::Duration;

use domain::{ConversationId, ConversationType, Timestamp};
use serde::{Deserialize, Serialize};
use store::dynamodb::members::Roster;
use store::dynamodb::messages::LogItem;
use store::shared_cache::{Key, SharedCache};

/// Most items that are shared of a log: some kilobytes.
const MAX_ITEMS: usize = 16;

/// Time for which an entry is kept: an older one would not be used.
const LIFETIME: Duration = Duration::from_mins(1);

/// The newest items of a log, without a hole and without their contents.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharedWindow {
    pub(super) items: Vec<LogItem>,
    /// When the newest of them was read or written.
    pub(super) seen: Timestamp,
}

/// The members of a group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharedRoster {
    pub(super) roster: Arc<Roster>,
    /// When they were read.
    pub(super) read: Timestamp,
}

impl SharedWindow {
    /// Creates the entry of these items.
    pub(super) fn of(items: &[LogItem], seen: Timestamp) -> Self {
        Self { items: items[items.len().saturating_sub(MAX_ITEMS)..].to_vec(), seen }
    }

    /// Returns the entry of a log.
    pub(super) async fn get(cache: &SharedCache, conversation: ConversationId) -> Option<Self> {
        let window: Self = cache.get(Key::Window(conversation)).await?;
        let is_of = |item: &LogItem| item.conversation_id == conversation;
        Some(window).filter(|window| window.items.iter().all(is_of))
    }

    /// Sets the entry of a log; false if it may not be set.
    pub(super) async fn set(&self, cache: &SharedCache, conversation: ConversationId) -> bool {
        cache.set(Key::Window(conversation), self, LIFETIME).await
    }
}

impl SharedRoster {
    /// Creates the entry of a group; `None` for other conversations. In a private one a block has to hold after a second, whatever
    /// the clocks of machines say.
    pub(super) fn of(roster: &Arc<Roster>, read: Timestamp) -> Option<Self> {
        let is_group = roster.conversation.kind == ConversationType::Group;
        is_group.then(|| Self { roster: Arc::clone(roster), read })
    }

    /// Returns the entry of a group.
    pub(super) async fn get(cache: &SharedCache, conversation: ConversationId) -> Option<Self> {
        let Self { roster, read } = cache.get(Key::Roster(conversation)).await?;
        Self::of(&roster, read).filter(|_| roster.conversation.conversation_id == conversation)
    }

    /// Sets the entry of a group; false if it may not be set.
    pub(super) async fn set(&self, cache: &SharedCache, conversation: ConversationId) -> bool {
        cache.set(Key::Roster(conversation), self, LIFETIME).await
    }
}
