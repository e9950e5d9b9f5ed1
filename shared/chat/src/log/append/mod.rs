//! Append: *you may write n + 1 once you have read everything up to n.*
//!
//! The client sends the last seq that it has seen. That one number makes the log its own index, its own lock and its own
//! duplicate filter:
//!
//! * **No holes**: n + 1 can be written only by a writer that has read n. So a read with a hole is not of the log as it was at any
//!   moment: DynamoDB may keep one conversation's items on several partitions, whose copies lag apart.
//! * **No reuse**: the key is the seq, and a put succeeds only if its seq is free.
//! * **No duplicates, ever**: an attempt reads every item that any other attempt of the same message can have written since the
//!   client first tried, because a resend repeats the first `after_seq`, and because a writer that loses a seq reads the item
//!   that took it.
//! * **No messages of a removed member**: every item holds `members_seq`, the seq of the newest membership change. A writer
//!   must have read the members, and their own membership, as of the head's newest change or a later one; otherwise it reads
//!   them again.
//!
//! A process may know the log from sends before: a window of items without a hole up to n, and the members ([`LogCache`]). If the window begins at or before the client's last seq, the writer has read n; the condition of its put
//! proves that n was the head; and the head's `members_seq` proves whether the members are as new as its newest membership change. A
//! window or roster that is behind costs a put that fails, and never a wrong item. What no item proves is read again after a while: the
//! members of a private conversation, in which a block writes none. What amends a message changes its content, so that is not kept, and
//! a message that was sent before is read for its answer.
//!
//! A batch is several messages with one `after_seq`, and each keeps all of that. Every item that its writer reads is compared
//! with every message of the batch, those included whose turn comes later: so the writer of each message has read what the
//! writer of that message alone would have. Its own put is the head of the next one, which it need not read. The order holds,
//! because a writer puts a message only after it has put, or found, all those before it, and puts it after the last item that it
//! has seen: whoever finds a message finds those before it at lower seqs.

mod cache;
mod open;
mod rules;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use domain::flood::{Counted, RecentSenders};
use domain::period::SeqRange;
use domain::protocol::CheckedDraft;
use domain::{
    ApiError, Attachment, ClientMessageId, Content, ConversationId, FileId, MessageKind, Seq, Timestamp, UserId,
};
use store::StoreError;
use store::clock::{Moment, Stopwatch};
use store::dynamodb::members::Roster;
use store::dynamodb::messages::{LogItem, Order, PutOutcome};
use store::dynamodb::retry::back_off;
use uuid::Uuid;

use self::cache::Turn;
use crate::log::{Log, SendError};

pub use cache::{LogCache, PAIR_FORGOTTEN};
pub(crate) use rules::may_send;
pub use rules::require_may_send;

/// Most megabytes of items that a client may be behind: their sender's function has room for them.
const MAX_BEHIND_MEGABYTES: usize = 8;

/// Number of items that are read after another writer took the seq. If there are more, the next put fails again and reads the
/// following ones.
const READ_AHEAD_ITEMS: usize = 100;

/// Number of seqs that one message tries before its send reports contention. Writers who lose a seq collide again only by
/// chance, so this limit is reached only above the rate that one conversation supports.
const MAX_ROUNDS: u32 = 40;

/// Time after which a send tries no other seq and begins no other message of a batch: its client had better wait. With the pushes
/// that follow, the answer is out within ten seconds.
const MAX_APPEND_TIME: Duration = Duration::from_secs(5);

/// A message to append.
#[derive(Clone, Debug)]
pub struct Draft {
    pub conversation_id: ConversationId,
    pub sender_id: UserId,
    /// The same on every resend.
    pub client_message_id: ClientMessageId,
    /// The last seq that the client has seen, the same on every resend; `None`: the send is at-least-once.
    pub after_seq: Option<Seq>,
    /// The text, without the files.
    pub content: Content,
    /// Files that the message references.
    pub attachment_ids: Vec<FileId>,
}

impl Draft {
    /// Creates the draft of this user's message.
    pub fn new(conversation_id: ConversationId, sender_id: UserId, draft: CheckedDraft) -> Self {
        let CheckedDraft { client_message_id, after_seq, content, attachment_ids } = draft;
        Self { conversation_id, sender_id, client_message_id, after_seq, content, attachment_ids }
    }

    /// Creates the drafts of this user's batch.
    pub fn batch(conversation_id: ConversationId, sender_id: UserId, drafts: Vec<CheckedDraft>) -> Vec<Self> {
        drafts.into_iter().map(|draft| Self::new(conversation_id, sender_id, draft)).collect()
    }
}

/// A message that was appended.
#[derive(Debug)]
pub struct Appended {
    pub item: LogItem,
    /// True if an earlier attempt had written it.
    pub duplicate: bool,
    /// The members at that seq.
    pub roster: Arc<Roster>,
    /// Number of puts; 0 for a duplicate that was found in a read.
    pub puts: u32,
}

/// The messages of a send that have a seq, in the order of their drafts.
#[derive(Debug)]
pub struct AppendedBatch {
    /// All messages, or those before the first that has none.
    pub appended: Vec<Appended>,
    /// The reason for which the rest has no seq; `None` if there is no rest.
    pub refusal: Option<Refusal>,
}

/// A refusal, and the index of the draft that it is about. It may lie behind the first one without a seq: a batch is checked as a
/// whole before the first put.
#[derive(Debug)]
pub struct Refusal {
    pub index: usize,
    pub error: SendError,
}

impl Refusal {
    /// Returns the refusal as its sender receives it, with the place of its message in the list `messages`.
    pub fn in_batch(self) -> ApiError {
        let of_message = self.error.is_of_message();
        let error = ApiError::from(self.error);
        if of_message { error.in_element("messages", self.index) } else { error }
    }
}

impl<E: Into<SendError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { index: 0, error: error.into() }
    }
}

/// Drafts whose writer has read the log up to the head and may write. They have one conversation, sender and `after_seq`.
#[derive(Debug)]
pub struct Opened<'a> {
    log: &'a Log,
    conversation_id: ConversationId,
    sender_id: UserId,
    drafts: &'a [Draft],
    /// The start of the send, which bounds it.
    begun: Stopwatch,
    /// The time at which it began, before it waited for its turn.
    begun_at: Timestamp,
    /// True if an item after `after_seq` mutes or unmutes the sender.
    was_muted_since: bool,
    /// By draft: what an earlier attempt wrote, as far as it was read.
    earlier: Vec<Option<LogItem>>,
    /// Attachments of each draft, in the order of the drafts.
    attachments: Vec<Vec<Attachment>>,
    /// Mentioned users who are members, although the roster does not hold them.
    mentioned: Vec<UserId>,
    /// The turn to write to the log, with the items that were seen, up to the head.
    turn: Turn,
    /// Shared with the messages that have these members.
    roster: Arc<Roster>,
    /// The newest change of membership of which it is known that the sender is a member after it.
    member_as_of: Option<Seq>,
    /// The moment from which on the sender's rights were read.
    rights_read: Moment,
    /// The reason for which nothing is put any more: the send yields what earlier attempts wrote.
    refusal: Option<Refusal>,
}

impl Opened<'_> {
    /// Returns the members that are known before the append.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// Appends the message of a single draft. Cost: one conditional put unless others write at the same time.
    pub async fn append(self) -> Result<Appended, SendError> {
        let AppendedBatch { mut appended, refusal } = self.append_all().await;
        match (appended.pop(), refusal) {
            (_, Some(refusal)) => Err(refusal.error),
            (Some(appended), None) => Ok(appended),
            (None, None) => Err(StoreError::Inconsistent("a send without a draft".to_owned()).into()),
        }
    }

    /// Appends the messages one after the other, and stops at the first that cannot be appended. Cost: one conditional put for
    /// each unless others write at the same time.
    pub async fn append_all(mut self) -> AppendedBatch {
        let mut appended = Vec::with_capacity(self.drafts.len());
        for index in 0..self.drafts.len() {
            let refusal = self.refusal.take_if(|_| self.earlier[index].is_none());
            let outcome = match refusal {
                Some(refusal) => Err(refusal),
                None => self.append_at(index).await.map_err(|error| Refusal { index, error }),
            };
            match outcome {
                Ok(message) => appended.push(message),
                Err(refusal) => return AppendedBatch { appended, refusal: Some(refusal) },
            }
        }
        AppendedBatch { appended, refusal: None }
    }

    /// Appends the message of the draft at `index`, whose predecessors have been appended.
    async fn append_at(&mut self, index: usize) -> Result<Appended, SendError> {
        let draft = &self.drafts[index];
        let (attempt, digest) = (Uuid::new_v4(), draft.content.digest(&draft.attachment_ids));
        let mut puts = 0;
        for round in 0..MAX_ROUNDS {
            if index > 0 || round > 0 {
                self.forget_old_rights();
            }
            if self.earlier[index].is_none()
                && let Err(refusal) = self.verify_sender().await
                && self.earlier[index].is_none()
            {
                return Err(refusal);
            }
            if let Some(earlier) = self.earlier[index].clone() {
                if earlier.digest.as_deref() != Some(&digest) {
                    return Err(SendError::IdempotencyMismatch);
                }
                self.refresh_roster_at(&earlier).await?;
                return Ok(Appended { item: earlier, duplicate: true, roster: Arc::clone(&self.roster), puts });
            }
            if (index > 0 || round > 0) && self.begun.elapsed() > MAX_APPEND_TIME {
                break;
            }
            let recent_senders = match self.recent_senders() {
                Ok(recent_senders) => recent_senders,
                // The read may lag behind the log, and an earlier attempt may have been written already.
                Err(_) if self.read_on().await? => continue,
                Err(wait) => return Err(SendError::RateLimited(wait)),
            };
            let item = self.next_item(index, attempt, &digest, recent_senders)?;
            puts += 1;
            match self.log.messages.put(&item).await? {
                PutOutcome::Written => return Ok(self.written(item, puts)),
                // The SDK repeated the request after it had succeeded.
                PutOutcome::Occupied(existing) if existing.attempt == attempt => {
                    return Ok(self.written(*existing, puts));
                }
                // A transaction of a membership change or an event holds the seq; it will succeed or fail.
                PutOutcome::Contended => back_off(puts).await,
                PutOutcome::Occupied(existing) => {
                    back_off(round).await;
                    self.read_from(*existing).await?;
                }
            }
        }
        Err(SendError::Contended)
    }

    /// Makes an item that this send wrote the head for the message after it.
    fn written(&mut self, item: LogItem, puts: u32) -> Appended {
        self.turn.add([item.clone()]);
        Appended { item, duplicate: false, roster: Arc::clone(&self.roster), puts }
    }

    /// Adds items that were read, which are the next ones after those that were read before.
    fn add(&mut self, items: Vec<LogItem>) {
        for item in &items {
            let is_of = |draft: &Draft| draft.wrote(item);
            if let Some(index) = self.drafts.iter().position(is_of) {
                self.earlier[index].get_or_insert_with(|| item.clone());
            }
        }
        self.was_muted_since |= self.drafts[0].is_muted_by(&items);
        self.turn.add(items);
    }

    /// Reads the roster again if it is older than the newest membership change that was seen. An older roster could hold a member
    /// whom that change removed and who must not receive the message.
    async fn refresh_roster_at(&mut self, item: &LogItem) -> Result<(), SendError> {
        let newest = self.turn.head().map_or(item.members_seq, |head| head.members_seq.max(item.members_seq));
        if self.roster.conversation.members_seq < newest {
            let read = Moment::now();
            let roster = self.log.members.roster(self.conversation_id, true).await?;
            self.set_roster(roster, read)?;
        }
        Ok(())
    }

    /// Sets the members, which were read from the moment `read` on.
    fn set_roster(&mut self, roster: Option<Roster>, read: Moment) -> Result<(), SendError> {
        self.roster = roster.ok_or(SendError::NotAMember)?.into();
        self.turn.set_roster(&self.roster, read);
        Ok(())
    }

    /// Builds the item for n + 1; n is the last seq that was read.
    fn next_item(
        &self,
        index: usize,
        attempt: Uuid,
        digest: &str,
        recent_senders: RecentSenders,
    ) -> Result<LogItem, StoreError> {
        let head = self.turn.head().ok_or_else(|| StoreError::Inconsistent("an open log without a head".to_owned()))?;
        let (draft, attachments) = (&self.drafts[index], self.attachments[index].clone());
        let content = Content { attachments, mentions: self.mentions(draft), ..draft.content.clone() };
        let item = LogItem {
            attempt,
            client_message_id: Some(draft.client_message_id),
            digest: Some(digest.to_owned()),
            recent_senders,
            ..head.next(self.sender_id, MessageKind::Text(content))
        };
        Ok(item.counted())
    }

    /// Returns the members among the mentioned users, each once.
    fn mentions(&self, draft: &Draft) -> Vec<UserId> {
        draft.content.mentioned_members(|user| self.roster.has(user) || self.mentioned.contains(&user))
    }

    /// Returns the counts including one more message, or the time that its sender has to wait.
    fn recent_senders(&self) -> Result<RecentSenders, Duration> {
        // Items of earlier versions may hold no counts: those of the item before them apply.
        let newest = self.turn.items().iter().rev().map(|item| &item.recent_senders).find(|counts| !counts.is_empty());
        let counts = newest.cloned().unwrap_or_default();
        let Some(limit) = self.log.flood_limit else { return Ok(counts) };
        counts.after(self.sender_id, Counted::Message, Timestamp::now(), limit)
    }

    /// Reads the items after the last one that was read; returns true if there were any.
    async fn read_on(&mut self) -> Result<bool, StoreError> {
        let Some(first) = self.turn.head().map(|last| last.seq.next()) else { return Ok(false) };
        let later = self.read_ahead(SeqRange { first, last: Seq::MAX }).await?;
        let any = !later.is_empty();
        self.add(later);
        Ok(any)
    }

    /// Restarts from the item that took the seq: reads everything after it.
    async fn read_from(&mut self, taken: LogItem) -> Result<(), StoreError> {
        let later = self.read_ahead(SeqRange { first: taken.seq.next(), last: Seq::MAX }).await?;
        self.add(std::iter::once(taken).chain(later).collect());
        Ok(())
    }

    async fn read_ahead(&self, range: SeqRange) -> Result<Vec<LogItem>, StoreError> {
        let (conversation, order, megabytes) = (self.conversation_id, Order::Ascending, MAX_BEHIND_MEGABYTES);
        let messages = &self.log.messages;
        Ok(messages.read_bounded(conversation, range, order, READ_AHEAD_ITEMS, megabytes, true).await?.items)
    }
}
