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

use std::time::Duration;

use domain::flood::{Counted, RecentSenders};
use domain::period::{Periods, SeqRange};
use domain::protocol::CheckedDraft;
use domain::{
    Attachment, ClientMessageId, Content, ConversationId, FileId, HistoryPolicy, MessageKind, Seq, Timestamp, UserId,
};
use store::StoreError;
use store::clock::Stopwatch;
use store::dynamodb::FileItem;
use store::dynamodb::members::{ActiveMember, ConversationItem, MemberView, Roster};
use store::dynamodb::messages::{LogItem, Order, PutOutcome};
use store::dynamodb::retry::back_off;
use uuid::Uuid;

use super::{Log, SendError};

/// Most items that a client may be behind and still send; beyond that it has to sync first.
const MAX_BEHIND: u64 = 500;

/// Most megabytes of items that a client may be behind: their sender's function has room for them.
const MAX_BEHIND_MEGABYTES: usize = 8;

/// Number of items that are read after another writer took the seq. If there are more, the next put fails again and reads the
/// following ones.
const READ_AHEAD_ITEMS: usize = 100;

/// Number of seqs that one send tries before it reports contention. Writers who lose a seq collide again only by chance, so
/// this limit is reached only above the rate that one conversation supports.
const MAX_ROUNDS: u32 = 40;

/// Time after which a send does not try another seq: its client had better wait.
const MAX_CONTENTION: Duration = Duration::from_secs(5);

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
}

/// A message that was appended.
#[derive(Debug)]
pub struct Appended {
    pub item: LogItem,
    /// True if an earlier attempt had written it.
    pub duplicate: bool,
    /// The members at that seq.
    pub roster: Roster,
    /// Number of puts; 0 for a duplicate that was found in the first read.
    pub puts: u32,
}

/// A draft whose writer has read the log up to the head and may write.
#[derive(Debug)]
pub struct Opened<'a> {
    log: &'a Log,
    draft: &'a Draft,
    attachments: Vec<Attachment>,
    /// Mentioned users who are members, although the roster does not hold them.
    mentioned: Vec<UserId>,
    seen: Vec<LogItem>,
    roster: Roster,
    /// The newest change of membership of which it is known that the sender is a member after it.
    member_as_of: Option<Seq>,
}

impl Log {
    /// Reads the items after the draft's `after_seq` and, concurrently and consistently, the roster.
    pub async fn open<'a>(&'a self, draft: &'a Draft) -> Result<Opened<'a>, SendError> {
        let conversation = draft.conversation_id;
        // Consistent, since a block and leaving a public conversation write no item by which the log would prove the read outdated.
        let roster = self.members.roster_for(draft.sender_id, conversation, true);
        let ((seen, all_seen), roster) = tokio::try_join!(self.seen_since(draft), roster)?;
        let roster = roster.ok_or(SendError::NotAMember)?;
        let member_as_of = roster.has(draft.sender_id).then_some(roster.conversation.members_seq);
        let (attachments, mentioned) = (Vec::new(), Vec::new());
        let mut opened = Opened { log: self, draft, attachments, mentioned, seen, roster, member_as_of };
        // A sender whose earlier attempt succeeded gets its seq, even if they have left since or are far behind.
        if opened.earlier_attempt().is_some() {
            return Ok(opened);
        }
        if !opened.may_write() || opened.check_send_rules().is_err() {
            opened.reauthorise().await?;
            if opened.earlier_attempt().is_some() {
                return Ok(opened);
            }
        }
        // The sender is known to be a member below, so an error may reveal the head.
        let after = draft.after_seq.unwrap_or(Seq::MAX);
        match opened.seen.last() {
            None => Err(SendError::Ahead),
            Some(_) if !all_seen => Err(SendError::Behind),
            Some(last) if last.seq.0.saturating_sub(after.0) > MAX_BEHIND => Err(SendError::Behind),
            Some(_) => Ok(opened),
        }
    }

    /// Reads the message that the draft answers. Cost: one read unit for each 4 KB; nothing if there is none, or if it is among
    /// the items that [`Self::open`] reads.
    pub async fn reply_target(&self, draft: &Draft) -> Result<Option<LogItem>, SendError> {
        let first = draft.after_seq.map_or(Seq::MAX, |after| after.max(Seq(1)));
        match draft.content.reply_to_seq {
            Some(target) if target < first => Ok(self.messages.get(draft.conversation_id, target).await?),
            _ => Ok(None),
        }
    }

    /// Reads the items from the draft's `after_seq` on, or only the head if it has none. Reads at most one item more than a
    /// client may be behind; false if it did not reach the head. Empty if no item has the seq `after_seq`.
    async fn seen_since(&self, draft: &Draft) -> Result<(Vec<LogItem>, bool), StoreError> {
        for consistent in [false, true] {
            let (seen, all) = match draft.after_seq {
                None => (Vec::from_iter(self.messages.head(draft.conversation_id, consistent).await?), true),
                Some(after) => {
                    let range = SeqRange { first: after.max(Seq(1)), last: Seq::MAX };
                    let limit = usize::try_from(MAX_BEHIND).unwrap_or(usize::MAX) + 2;
                    let (order, megabytes) = (Order::Ascending, MAX_BEHIND_MEGABYTES);
                    let read =
                        self.messages.read_bounded(draft.conversation_id, range, order, limit, megabytes, consistent);
                    let read = read.await?;
                    let all = read.items.len() >= limit || !read.more;
                    (read.items, all)
                }
            };
            let first = draft.after_seq.map(|after| after.max(Seq(1)));
            let begins = seen.first().is_some_and(|item| first.is_none_or(|first| item.seq == first));
            // An eventually consistent read may lag behind what the client has seen, or leave out an item before later ones.
            if begins && (consistent || is_contiguous(&seen)) {
                return Ok((seen, all));
            }
        }
        Ok((Vec::new(), true))
    }
}

impl Opened<'_> {
    /// Returns the members that are known before the append.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Attaches the files that the draft names, out of those that were found. Files that cannot be attached are a refusal,
    /// unless an earlier attempt could.
    pub async fn attach(&mut self, found: &[FileItem]) -> Result<(), SendError> {
        let Draft { conversation_id, sender_id, attachment_ids, .. } = self.draft;
        let attachment = |file: &FileId| {
            let found = found.iter().find(|item| item.attachment.file_id == *file);
            found.filter(|item| item.may_be_attached(*sender_id, *conversation_id)).map(|item| item.attachment.clone())
        };
        if let Some(attachments) = attachment_ids.iter().map(attachment).collect() {
            self.attachments = attachments;
            return Ok(());
        }
        // The read may lag behind the log.
        while self.earlier_attempt().is_none() {
            if !self.read_on().await? {
                return Err(SendError::FileNotReady);
            }
        }
        Ok(())
    }

    /// Checks the message that the draft answers: `target`, or one of the items after `after_seq`. A reply to no visible message is
    /// a refusal, unless an earlier attempt could. Finds mentioned members as well, if the roster does not hold all members.
    ///
    /// Cost: nothing, unless the draft mentions users who are not in the roster, or answers a message from before the sender's
    /// membership period.
    pub async fn refer(&mut self, target: Option<LogItem>) -> Result<(), SendError> {
        if self.earlier_attempt().is_some() {
            return Ok(());
        }
        let draft = self.draft;
        let missing = draft.content.mentions.iter().copied().filter(|user| !self.roster.has(*user));
        let missing: Vec<UserId> = missing.collect();
        if !missing.is_empty() {
            let found = self.log.members.among(draft.conversation_id, &missing).await?;
            self.mentioned = found.into_iter().map(|member| member.user_id).collect();
        }
        let Some(seq) = draft.content.reply_to_seq else { return Ok(()) };
        loop {
            let found = self.seen.iter().chain(&target).find(|item| item.seq == seq);
            // An event is no message.
            let exists = found.map(|item| item.kind.target().is_none());
            if exists == Some(true) && self.may_see(seq).await? {
                return Ok(());
            }
            // The read may lag behind the log.
            if !self.read_on().await? {
                return Err(SendError::NoReplyTarget);
            }
            if self.earlier_attempt().is_some() {
                return Ok(());
            }
        }
    }

    /// Returns true if the sender may see the item at `seq`.
    async fn may_see(&self, seq: Seq) -> Result<bool, SendError> {
        let Draft { conversation_id, sender_id, .. } = *self.draft;
        let everything = self.roster.conversation.history == HistoryPolicy::Full;
        if self.roster.member(sender_id).is_some_and(|sender| everything || sender.joined_seq <= seq) {
            return Ok(true);
        }
        let view = self.log.members.view(conversation_id, sender_id).await?;
        Ok(view.is_some_and(|view| view.periods.covers(seq)))
    }

    /// Returns the members among the mentioned users, each once.
    fn mentions(&self) -> Vec<UserId> {
        self.draft.content.mentioned_members(|user| self.roster.has(user) || self.mentioned.contains(&user))
    }

    /// Appends the message. Cost: one conditional put unless others write at the same time.
    pub async fn append(mut self) -> Result<Appended, SendError> {
        let attempt = Uuid::new_v4();
        let digest = self.draft.content.digest(&self.draft.attachment_ids);
        let (begun, mut puts) = (Stopwatch::start(), 0);
        for round in 0..MAX_ROUNDS {
            if begun.elapsed() > MAX_CONTENTION {
                break;
            }
            if self.earlier_attempt().is_none() && !self.may_write() {
                self.reauthorise().await?;
            }
            if let Some(earlier) = self.earlier_attempt().cloned() {
                if earlier.digest.as_deref() != Some(&digest) {
                    return Err(SendError::IdempotencyMismatch);
                }
                self.refresh_roster_at(&earlier).await?;
                return Ok(Appended { item: earlier, duplicate: true, roster: self.roster, puts });
            }
            let recent_senders = match self.recent_senders() {
                Ok(recent_senders) => recent_senders,
                // The read may lag behind the log, and an earlier attempt may have been written already.
                Err(_) if self.read_on().await? => continue,
                Err(wait) => return Err(SendError::RateLimited(wait)),
            };
            let item = self.next_item(attempt, &digest, recent_senders)?;
            puts += 1;
            match self.log.messages.put(&item).await? {
                PutOutcome::Written => {
                    return Ok(Appended { item, duplicate: false, roster: self.roster, puts });
                }
                // The SDK repeated the request after it had succeeded.
                PutOutcome::Occupied(existing) if existing.attempt == attempt => {
                    return Ok(Appended { item: *existing, duplicate: false, roster: self.roster, puts });
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

    /// Returns the item that another attempt of this message wrote, if it is among the items read.
    fn earlier_attempt(&self) -> Option<&LogItem> {
        let (sender, id) = (self.draft.sender_id, Some(self.draft.client_message_id));
        self.seen.iter().find(|item| item.sender_id == sender && item.client_message_id == id)
    }

    /// Reads the roster again if it is older than the newest membership change before the item. An older roster could hold a
    /// member whom that change removed and who must not receive the message.
    async fn refresh_roster_at(&mut self, item: &LogItem) -> Result<(), SendError> {
        if self.roster.conversation.members_seq < item.members_seq {
            let roster = self.log.members.roster(self.draft.conversation_id, true).await?;
            self.roster = roster.ok_or(SendError::NotAMember)?;
        }
        Ok(())
    }

    /// Builds the item for n + 1; n is the last seq that was read.
    fn next_item(&self, attempt: Uuid, digest: &str, recent_senders: RecentSenders) -> Result<LogItem, StoreError> {
        let head = self.seen.last().ok_or_else(|| StoreError::Inconsistent("an open log without a head".to_owned()))?;
        let (attachments, mentions) = (self.attachments.clone(), self.mentions());
        let content = Content { attachments, mentions, ..self.draft.content.clone() };
        Ok(LogItem {
            attempt,
            client_message_id: Some(self.draft.client_message_id),
            digest: Some(digest.to_owned()),
            recent_senders,
            file_count: (!self.attachments.is_empty()).then_some(self.attachments.len()),
            ..head.next(self.draft.sender_id, MessageKind::Text(content))
        })
    }

    /// Returns the counts including this message, or the time that its sender has to wait.
    fn recent_senders(&self) -> Result<RecentSenders, Duration> {
        // Items of earlier versions may hold no counts: those of the item before them apply.
        let newest = self.seen.iter().rev().map(|item| &item.recent_senders).find(|counts| !counts.is_empty());
        let counts = newest.cloned().unwrap_or_default();
        let Some(limit) = self.log.flood_limit else { return Ok(counts) };
        counts.after(self.draft.sender_id, Counted::Message, Timestamp::now(), limit)
    }

    /// Reads the items after the last one that was read; returns true if there were any.
    async fn read_on(&mut self) -> Result<bool, StoreError> {
        let Some(last) = self.seen.last() else { return Ok(false) };
        let later = self.read_ahead(SeqRange { first: last.seq.next(), last: Seq::MAX }).await?;
        let any = !later.is_empty();
        self.seen.extend(later);
        Ok(any)
    }

    /// Restarts from the item that took the seq: reads everything after it.
    async fn read_from(&mut self, taken: LogItem) -> Result<(), StoreError> {
        let later = self.read_ahead(SeqRange { first: taken.seq.next(), last: Seq::MAX }).await?;
        self.seen = std::iter::once(taken).chain(later).collect();
        Ok(())
    }

    /// Returns true if the roster, and the sender's membership, are at least as new as the newest membership change before the
    /// head.
    fn may_write(&self) -> bool {
        let change = self.seen.last().map_or(Seq::ZERO, |head| head.members_seq);
        self.roster.conversation.members_seq >= change && self.member_as_of.is_some_and(|known| known >= change)
    }

    /// Checks whether the sender may send, by the roster.
    fn check_send_rules(&self) -> Result<(), SendError> {
        let sender = self.roster.member(self.draft.sender_id);
        sender.map_or(Ok(()), |sender| may_send(&self.roster.conversation, sender))
    }

    /// Authorises the sender by consistent reads. The sender's own membership is read together with the conversation, in one
    /// transaction: a query could return the one from before a change and the other from after it. The roster proves nothing
    /// here: it is read concurrently, not at the same moment.
    ///
    /// After success the sender may write, or an earlier attempt is among the items that were read.
    async fn reauthorise(&mut self) -> Result<(), SendError> {
        let (conversation_id, sender_id) = (self.draft.conversation_id, self.draft.sender_id);
        let (view, roster) = tokio::try_join!(
            self.log.members.view(conversation_id, sender_id),
            self.log.members.roster_for(sender_id, conversation_id, true)
        )?;
        self.roster = roster.ok_or(SendError::NotAMember)?;
        let view = view.ok_or(SendError::NotAMember)?;
        if view.user_deleted {
            return Err(SendError::UserDeleted);
        }
        if let Some(sender) = view.active {
            self.member_as_of = Some(view.conversation.members_seq);
            let Err(refusal) = may_send(&view.conversation, &sender) else { return Ok(()) };
            self.read_until_end_of(&view.periods).await?;
            return if self.earlier_attempt().is_some() { Ok(()) } else { Err(refusal) };
        }
        self.member_as_of = None;
        self.read_until_end_of(&view.periods).await?;
        if self.earlier_attempt().is_some() { Ok(()) } else { Err(SendError::NotAMember) }
    }

    /// Reads the remaining items that a former member can have written. A refusal is final, so it has to be certain that no
    /// earlier attempt exists. Usually the items that were read reach that far, unless the read was stale or the sender has
    /// just been removed.
    async fn read_until_end_of(&mut self, periods: &Periods) -> Result<(), StoreError> {
        let (Some(seen), Some(last)) = (self.seen.last(), periods.last_visible(Seq::MAX)) else { return Ok(()) };
        let range = SeqRange { first: seen.seq.next(), last };
        if range.first <= range.last {
            let later = self.read_ahead(range).await?;
            self.seen.extend(later);
        }
        Ok(())
    }

    async fn read_ahead(&self, range: SeqRange) -> Result<Vec<LogItem>, StoreError> {
        let (conversation, order, megabytes) = (self.draft.conversation_id, Order::Ascending, MAX_BEHIND_MEGABYTES);
        let messages = &self.log.messages;
        Ok(messages.read_bounded(conversation, range, order, READ_AHEAD_ITEMS, megabytes, true).await?.items)
    }
}

/// Returns true if no seq is missing between the items.
fn is_contiguous(items: &[LogItem]) -> bool {
    items.windows(2).all(|pair| pair[1].seq == pair[0].seq.next())
}

/// Returns an error unless the user of this view may send.
pub fn require_may_send(view: &MemberView) -> Result<(), SendError> {
    may_send(&view.conversation, view.active.as_ref().ok_or(SendError::NotAMember)?)
}

/// Checks whether an active member may send.
pub(crate) fn may_send(conversation: &ConversationItem, sender: &ActiveMember) -> Result<(), SendError> {
    if conversation.closed {
        return Err(SendError::Closed);
    }
    if !conversation.blocked_by.is_empty() {
        return Err(SendError::Blocked);
    }
    match sender.muted_until {
        Some(until) if until > Timestamp::now() => Err(SendError::Muted(until)),
        _ => Ok(()),
    }
}
