//! What a process remembers of the logs that it writes to.
//!
//! Nothing here has to be current: see the proof in [`super`]. So there is no invalidation, and two processes may remember different
//! things.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::reaction::Reactions;
use domain::{Content, ConversationId, ConversationType, MessageKind, Seq, Timestamp};
use futures_util::future::OptionFuture;
use lru::LruCache;
use store::clock::{Moment, timeout};
use store::dynamodb::members::Roster;
use store::dynamodb::messages::LogItem;
use store::shared_cache::SharedCache;
use tokio::sync::OwnedMutexGuard;

use super::shared::{SharedRoster, SharedWindow};

/// Most bytes that a process remembers, by estimate.
const MAX_BYTES: usize = 16 << 20;

/// Most logs that a process remembers.
const MAX_LOGS: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// Most items that are remembered of one log: clients are seldom further behind.
const MAX_ITEMS: usize = 64;

/// Size of an item without its content, or of a member, by estimate.
const BYTES_EACH: usize = 500;

/// Age from which items are not used any more: behind a busy conversation by more, a writer would lose one place after the other.
const MAX_AGE_OF_ITEMS: Duration = Duration::from_mins(1);

/// The same for a message without `after_seq`, which does not show that its sender has seen no newer item.
const MAX_AGE_OF_HEAD: Duration = Duration::from_secs(2);

/// Age from which the shared cache is asked for something newer than what the process has seen itself.
const MAX_AGE_OF_OWN: Duration = Duration::from_secs(2);

/// Longest wait for the sends that came earlier. It only saves lost places.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Time for which a change may be half of what a query reads.
const TORN_FOR: Duration = Duration::from_secs(2);

/// Age from which the members of a private conversation are read again: a block writes no item that would prove them outdated.
pub(super) const MAX_AGE_OF_PAIR: Duration = Duration::from_millis(900);

/// Age from which the members of a group are read again. Items prove them current; this is for what repairs the table.
const MAX_AGE_OF_GROUP: Duration = Duration::from_mins(1);

/// Time after which no process acts on the members of a private conversation as they were before a change.
pub const PAIR_FORGOTTEN: Duration = Duration::from_secs(1);

/// The logs that a process has written to, as it last saw them. Bounded; the least recently used ones make room. Clones share it.
#[derive(Clone, Debug)]
pub struct LogCache {
    logs: Arc<Mutex<Logs>>,
    shared: Option<SharedCache>,
}

#[derive(Debug)]
struct Logs {
    by_conversation: LruCache<ConversationId, Remembered>,
    bytes: usize,
}

#[derive(Debug)]
struct Remembered {
    known: Arc<Lock>,
    bytes: usize,
}

type Lock = tokio::sync::Mutex<Known>;

impl Default for LogCache {
    fn default() -> Self {
        let logs = Logs { by_conversation: LruCache::new(MAX_LOGS), bytes: 0 };
        Self { logs: Arc::new(Mutex::new(logs)), shared: None }
    }
}

impl LogCache {
    /// Creates a memory that takes over what other processes have put into the shared cache.
    pub fn sharing(shared: Option<SharedCache>) -> Self {
        Self { shared, ..Self::default() }
    }

    /// Waits a moment until no other send of this process writes to the log. Sends that came earlier go first. If they take longer,
    /// the turn begins beside them and knows nothing.
    pub(super) async fn turn(&self, conversation: ConversationId) -> Turn {
        let log = self.logs(|logs| logs.entry(conversation));
        let Ok(mut known) = timeout(MAX_WAIT, log.lock_owned()).await else {
            return Turn { cache: None, conversation, known: Arc::<Lock>::default().lock_owned().await };
        };
        if let Some(shared) = &self.shared {
            known.take_over(shared, conversation).await;
        }
        Turn { cache: Some(self.clone()), conversation, known }
    }

    /// Shares what this process has learnt of a log with the others. Cost: one round trip to the shared cache, at most.
    pub async fn share(&self, conversation: ConversationId) {
        let Some(shared) = &self.shared else { return };
        let remembered = |logs: &mut Logs| Some(Arc::clone(&logs.by_conversation.peek(&conversation)?.known));
        let Some(known) = self.logs(remembered) else { return };
        let (window, roster) = {
            // A send whose turn it is shares more.
            let Ok(mut known) = known.try_lock() else { return };
            (known.window_to_share(), known.roster_to_share())
        };
        let window = OptionFuture::from(window.as_ref().map(|window| window.set(shared, conversation)));
        let roster = OptionFuture::from(roster.as_ref().map(|roster| roster.set(shared, conversation)));
        let (window, roster) = tokio::join!(window, roster);
        // A send whose turn it is finds out for itself.
        if let Ok(mut known) = known.try_lock() {
            known.unshare(window == Some(false), roster == Some(false));
        }
    }

    fn logs<T>(&self, work: impl FnOnce(&mut Logs) -> T) -> T {
        work(&mut self.logs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Logs {
    fn entry(&mut self, conversation: ConversationId) -> Arc<Lock> {
        if let Some(remembered) = self.by_conversation.get(&conversation) {
            return Arc::clone(&remembered.known);
        }
        let known = Arc::default();
        self.remember(conversation, Arc::clone(&known), BYTES_EACH);
        known
    }

    fn remember(&mut self, conversation: ConversationId, known: Arc<Lock>, bytes: usize) {
        let forgotten = self.by_conversation.push(conversation, Remembered { known, bytes });
        self.bytes = self.bytes + bytes - forgotten.map_or(0, |(_, forgotten)| forgotten.bytes);
        while self.bytes > MAX_BYTES
            && let Some((_, forgotten)) = self.by_conversation.pop_lru()
        {
            self.bytes -= forgotten.bytes;
        }
    }
}

/// The turn of a send to write to a log, with what its process knows of it.
#[derive(Debug)]
pub(super) struct Turn {
    /// Where to remember what the send learns; `None` for a turn beside another one.
    cache: Option<LogCache>,
    conversation: ConversationId,
    known: OwnedMutexGuard<Known>,
}

impl std::ops::Deref for Turn {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.known
    }
}

impl std::ops::DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Known {
        &mut self.known
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(cache) = &self.cache else { return };
        self.known.forget_oldest();
        let (known, bytes) = (Arc::clone(OwnedMutexGuard::mutex(&self.known)), self.known.bytes());
        cache.logs(|logs| logs.remember(self.conversation, known, bytes));
    }
}

/// A part of a log and its members, as they were read or written.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Items without their contents, which may change, and without a hole between them.
    items: Vec<LogItem>,
    /// When the newest of them was read or written.
    seen: Option<Moment>,
    roster: Option<(Arc<Roster>, Moment)>,
    /// The newest seq, and the time of the roster's read, that the shared cache has got from here or has given.
    shared_head: Option<Seq>,
    shared_read: Option<Timestamp>,
}

impl Known {
    /// Returns the newest item that was seen, without its content.
    pub(super) fn head(&self) -> Option<&LogItem> {
        self.items.last()
    }

    /// Returns the items, the oldest first, without their contents.
    pub(super) fn items(&self) -> &[LogItem] {
        &self.items
    }

    /// Returns the items from `after` on, or only the newest one without it; `None` if a part of them is not known.
    pub(super) fn since(&self, after: Option<Seq>) -> Option<&[LogItem]> {
        let (first, max_age) = match after {
            None => (self.head()?.seq, MAX_AGE_OF_HEAD),
            Some(after) => (after.max(Seq(1)), MAX_AGE_OF_ITEMS),
        };
        self.seen.filter(|seen| seen.age() < max_age)?;
        let begin = self.items.iter().position(|item| item.seq == first)?;
        Some(&self.items[begin..])
    }

    /// Adds items that were read or written just now. Those before a hole are forgotten.
    pub(super) fn add(&mut self, items: impl IntoIterator<Item = LogItem>) {
        for item in items {
            if self.head().is_some_and(|head| item.seq != head.seq.next()) {
                self.items.clear();
            }
            self.items.push(without_content(item));
            self.seen = Some(Moment::now());
        }
    }

    /// Forgets all items but the newest ones.
    fn forget_oldest(&mut self) {
        let forgotten = self.items.len().saturating_sub(MAX_ITEMS);
        self.items.drain(..forgotten);
        self.items.shrink_to(MAX_ITEMS);
    }

    pub(super) fn forget_items(&mut self) {
        self.items.clear();
    }

    /// Returns the members, unless they have to be read again.
    pub(super) fn roster(&self) -> Option<Arc<Roster>> {
        let (roster, read) = self.roster.as_ref()?;
        let max_age = match roster.conversation.kind {
            ConversationType::Private => MAX_AGE_OF_PAIR,
            ConversationType::Group => MAX_AGE_OF_GROUP,
            ConversationType::Public => return None,
        };
        (read.age() < max_age).then(|| Arc::clone(roster))
    }

    /// Remembers the members, which were read consistently from the moment `read` on, unless they may be those in the middle of a
    /// change. In a public conversation joining and leaving write no item that would prove them outdated.
    pub(super) fn set_roster(&mut self, roster: &Arc<Roster>, read: Moment) {
        let conversation = &roster.conversation;
        // The first version is whole if it has all members.
        let is_settled = conversation.version == 1 || read.time().since(conversation.changed_at) > TORN_FOR;
        let may_stay = is_settled && roster.is_whole() && conversation.kind != ConversationType::Public;
        self.roster = may_stay.then(|| (Arc::clone(roster), read));
    }

    /// Takes over what another process knows, unless this one has just seen the log. Cost: one round trip to the shared cache.
    async fn take_over(&mut self, shared: &SharedCache, conversation: ConversationId) {
        if self.seen.is_some_and(|seen| seen.age() < MAX_AGE_OF_OWN) {
            return;
        }
        let (window, roster) =
            tokio::join!(SharedWindow::get(shared, conversation), SharedRoster::get(shared, conversation));
        if let Some(SharedWindow { items, seen }) = window {
            let (own, head) = (self.head().map(|head| head.seq), items.last().map(|head| head.seq));
            if head > own {
                self.add(items.into_iter().filter(|item| Some(item.seq) > own));
                (self.seen, self.shared_head) = (Some(Moment::at(seen)), head);
            }
        }
        if let Some(SharedRoster { roster, read }) = roster
            && self.roster.as_ref().is_none_or(|(_, own)| own.time() < read)
        {
            self.set_roster(&roster, Moment::at(read));
            self.shared_read = Some(read);
        }
    }

    /// Forgets that others can know the items, or the members.
    fn unshare(&mut self, items: bool, members: bool) {
        self.shared_head = self.shared_head.filter(|_| !items);
        self.shared_read = self.shared_read.filter(|_| !members);
    }

    /// Returns the newest items, if others cannot know them yet.
    fn window_to_share(&mut self) -> Option<SharedWindow> {
        let (head, seen) = (self.head()?.seq, self.seen?.time());
        let is_new = self.shared_head.replace(head) != Some(head);
        is_new.then(|| SharedWindow::of(&self.items, seen))
    }

    /// Returns the members of a group, if others cannot know them yet.
    fn roster_to_share(&mut self) -> Option<SharedRoster> {
        let (roster, read) = self.roster.as_ref()?;
        let is_new = self.shared_read.replace(read.time()) != Some(read.time());
        SharedRoster::of(roster, read.time()).filter(|_| is_new)
    }

    fn bytes(&self) -> usize {
        let members = self.roster.as_ref().map_or(0, |(roster, _)| roster.members.len());
        BYTES_EACH * (1 + self.items.len() + members)
    }
}

/// Returns what stays of an item whatever amends it: its place, its sender, and what the items after it carry on.
fn without_content(item: LogItem) -> LogItem {
    let nothing = Content {
        text: String::new(),
        reply_to_seq: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        custom: None,
    };
    // The stored form of an event has no content, and a mute concerns its user's right to send.
    let is_kept = item.kind.is_event() || matches!(item.kind, MessageKind::MemberMuted { .. });
    let kind = if is_kept { item.kind } else { MessageKind::Text(nothing) };
    LogItem { kind, digest: None, edits: Vec::new(), reactions: Reactions::default(), ..item }
}
