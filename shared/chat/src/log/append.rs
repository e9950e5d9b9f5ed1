//! Append: *you may write n + 1 once you have read everything up to n.*
//!
//! The client says the last seq that it has seen. That one number makes the log its own index, its own lock and its own
//! duplicate filter:
//!
//! * **No holes**: nobody can write n + 1 without having read n.
//! * **No reuse**: the key is the seq, and a put happens only where its place is free.
//! * **No duplicates, ever**: an attempt reads every item that any other attempt of the same message can have written
//!   since the client first tried, because a resend repeats the first `after_seq`, and because whoever loses a place
//!   reads what took it.
//! * **No words of a removed member**: every item carries `members_seq`, the place of the newest change of membership.
//!   A writer has to know the members, and their own membership, as of the head's change or a later one; whoever does not
//!   reads them again.

use std::time::Duration;

use domain::flood::RecentSenders;
use domain::period::{Periods, SeqRange};
use domain::protocol::CheckedDraft;
use domain::reaction::Reactions;
use domain::{
    Attachment, ClientMessageId, Content, ConversationId, FileId, MessageId, MessageKind, Seq, Timestamp, UserId,
};
use uuid::Uuid;

use super::{Log, SendError};
use store::StoreError;
use store::dynamodb::FileItem;
use store::dynamodb::members::{ActiveMember, ConversationItem, Roster};
use store::dynamodb::messages::{LogItem, Order, PutOutcome};
use store::dynamodb::retry::back_off;

/// How many items a client may be behind and still send; more, and it has to sync first.
const MAX_BEHIND: u64 = 500;

/// How many items are read after a lost place. Should more have come, the next put finds its place taken and goes on from there.
const READ_AHEAD_ITEMS: usize = 100;

/// Places that one send tries for before it reports contention. Writers who lose a place meet again only by chance, so
/// this is reached above the rate that one conversation can take.
const MAX_ROUNDS: u32 = 12;

/// A message that wants a place.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where to.
    pub conversation_id: ConversationId,
    /// The token's user.
    pub sender_id: UserId,
    /// The same on every resend.
    pub client_message_id: ClientMessageId,
    /// The last seq that the client has seen, the same on every resend; `None`: the send is at-least-once.
    pub after_seq: Option<Seq>,
    /// What to say, without the files.
    pub content: Content,
    /// FileItems that the message is to carry.
    pub attachment_ids: Vec<FileId>,
}

impl Draft {
    /// What this user wants to say here.
    pub fn new(conversation_id: ConversationId, sender_id: UserId, draft: CheckedDraft) -> Self {
        let CheckedDraft { client_message_id, after_seq, content, attachment_ids } = draft;
        Self { conversation_id, sender_id, client_message_id, after_seq, content, attachment_ids }
    }
}

/// A message that has its place.
#[derive(Debug)]
pub struct Appended {
    /// The item as it stands in the log.
    pub item: LogItem,
    /// Whether an earlier attempt had written it.
    pub duplicate: bool,
    /// Who is in the conversation at that place.
    pub roster: Roster,
    /// How many puts it took; 0 for a duplicate that was found at once.
    pub puts: u32,
}

/// A draft whose writer has read everything up to the head and may write.
#[derive(Debug)]
pub struct Opened<'a> {
    log: &'a Log,
    draft: &'a Draft,
    /// What the message will carry.
    attachments: Vec<Attachment>,
    seen: Vec<LogItem>,
    roster: Roster,
    /// The newest change of membership of which it is known that the sender is a member after it.
    member_as_of: Option<Seq>,
}

impl Log {
    /// Reads what came after the draft's `after_seq`, and the roster, at the same time.
    pub async fn open<'a>(&'a self, draft: &'a Draft) -> Result<Opened<'a>, SendError> {
        let conversation = draft.conversation_id;
        let (seen, roster) =
            tokio::try_join!(self.seen_since(draft), self.members.roster_for(draft.sender_id, conversation, false))?;
        let roster = if let Some(roster) = roster {
            roster
        } else {
            // A conversation that began a moment ago may not show in an eventually consistent read.
            let roster = self.members.roster_for(draft.sender_id, conversation, true).await?;
            roster.ok_or(SendError::NotAMember)?
        };
        let member_as_of = roster.has(draft.sender_id).then_some(roster.conversation.members_seq);
        let mut opened = Opened { log: self, draft, attachments: Vec::new(), seen, roster, member_as_of };
        // Whoever sent it while a member hears of its place, even if they have left since, and however far behind they are.
        if opened.earlier_attempt().is_some() {
            return Ok(opened);
        }
        if !opened.may_write() || opened.check_send_rules().is_err() {
            opened.authorise_again().await?;
            if opened.earlier_attempt().is_some() {
                return Ok(opened);
            }
        }
        // From here on the sender is a member: what is said of the head below goes to nobody else.
        let after = draft.after_seq.unwrap_or(Seq::MAX);
        match opened.seen.last() {
            None => Err(SendError::Ahead),
            Some(last) if last.seq.0.saturating_sub(after.0) > MAX_BEHIND => Err(SendError::Behind),
            Some(_) => Ok(opened),
        }
    }

    /// Everything from the draft's `after_seq` on, or just the head where none is given; one item more than a client may be
    /// behind by, at most. Empty where nothing is at `after_seq`.
    async fn seen_since(&self, draft: &Draft) -> Result<Vec<LogItem>, StoreError> {
        for consistent in [false, true] {
            let seen = match draft.after_seq {
                None => Vec::from_iter(self.messages.head(draft.conversation_id, consistent).await?),
                Some(after) => {
                    let range = SeqRange { first: after.max(Seq(1)), last: Seq::MAX };
                    let limit = usize::try_from(MAX_BEHIND).unwrap_or(usize::MAX) + 2;
                    self.messages.read(draft.conversation_id, range, Order::Ascending, limit, consistent).await?
                }
            };
            let first = draft.after_seq.map(|after| after.max(Seq(1)));
            // An eventually consistent read may lag behind what the client has seen.
            if seen.first().is_some_and(|item| first.is_none_or(|first| item.seq == first)) {
                return Ok(seen);
            }
        }
        Ok(Vec::new())
    }
}

impl Opened<'_> {
    /// Who is in the conversation, as far as is known before the message has its place.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Gives the message the files that its draft names, of those that were found. FileItems that cannot be attached are a refusal,
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
        // What was seen may lag behind the log.
        while self.earlier_attempt().is_none() {
            if !self.read_on().await? {
                return Err(SendError::FileNotReady);
            }
        }
        Ok(())
    }

    /// Gives the message its place: one conditional put unless others write at the same time.
    pub async fn append(mut self) -> Result<Appended, SendError> {
        let attempt = Uuid::new_v4();
        let digest = self.draft.content.digest(&self.draft.attachment_ids);
        let mut puts = 0;
        for round in 0..MAX_ROUNDS {
            if self.earlier_attempt().is_none() && !self.may_write() {
                self.authorise_again().await?;
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
                // What was seen may lag behind the log, and an earlier attempt be there already.
                Err(_) if self.read_on().await? => continue,
                Err(wait) => return Err(SendError::RateLimited(wait)),
            };
            let item = self.next_item(attempt, &digest, recent_senders)?;
            puts += 1;
            match self.log.messages.put(&item).await? {
                PutOutcome::Written => {
                    return Ok(Appended { item, duplicate: false, roster: self.roster, puts });
                }
                // The SDK sent the request again after it had been carried out.
                PutOutcome::Taken(existing) if existing.attempt == attempt => {
                    return Ok(Appended { item: *existing, duplicate: false, roster: self.roster, puts });
                }
                // A change of membership or an event is about to take the place, or to fail.
                PutOutcome::Contended => back_off(puts).await,
                PutOutcome::Taken(existing) => {
                    back_off(round).await;
                    self.read_from(*existing).await?;
                }
            }
        }
        Err(SendError::Contended)
    }

    /// The item that another attempt of this message wrote, if any is among those seen.
    fn earlier_attempt(&self) -> Option<&LogItem> {
        let (sender, id) = (self.draft.sender_id, Some(self.draft.client_message_id));
        self.seen.iter().find(|item| item.sender_id == sender && item.client_message_id == id)
    }

    /// Reads the roster again where it is from before the newest change that the item knows of: whoever was put out by it, and let
    /// in again since, would be told of what was said while they were away.
    async fn refresh_roster_at(&mut self, item: &LogItem) -> Result<(), SendError> {
        if self.roster.conversation.members_seq < item.members_seq {
            let roster = self.log.members.roster(self.draft.conversation_id, true).await?;
            self.roster = roster.ok_or(SendError::NotAMember)?;
        }
        Ok(())
    }

    /// What stands at n + 1 if the put succeeds; n is the last that was seen.
    fn next_item(&self, attempt: Uuid, digest: &str, recent_senders: RecentSenders) -> Result<LogItem, StoreError> {
        let head =
            self.seen.last().ok_or_else(|| StoreError::Inconsistent("an opened log without a head".to_owned()))?;
        // Time never runs backwards in a conversation, whatever the clocks of the machines say.
        let sent_at = Timestamp::now().max(head.sent_at.next());
        Ok(LogItem {
            conversation_id: self.draft.conversation_id,
            seq: head.seq.next(),
            message_id: MessageId::generate(sent_at),
            sender_id: self.draft.sender_id,
            sent_at,
            members_seq: head.members_seq,
            attempt,
            client_message_id: Some(self.draft.client_message_id),
            digest: Some(digest.to_owned()),
            recent_senders,
            edits: Vec::new(),
            reactions: Reactions::default(),
            file_count: (!self.attachments.is_empty()).then_some(self.attachments.len()),
            amended: None,
            kind: MessageKind::Text(Content { attachments: self.attachments.clone(), ..self.draft.content.clone() }),
        })
    }

    /// How much everybody has said with this message, or how long its sender has to wait. System messages carry no counts: those
    /// before them hold.
    fn recent_senders(&self) -> Result<RecentSenders, Duration> {
        let Some(limit) = self.log.flood_limit else { return Ok(RecentSenders::default()) };
        let newest = self.seen.iter().rev().map(|item| &item.recent_senders).find(|counts| !counts.is_empty());
        newest.unwrap_or(&RecentSenders::default()).after(self.draft.sender_id, Timestamp::now(), limit)
    }

    /// Reads what follows the last that was seen; whether there was anything.
    async fn read_on(&mut self) -> Result<bool, StoreError> {
        let Some(last) = self.seen.last() else { return Ok(false) };
        let range = SeqRange { first: last.seq.next(), last: Seq::MAX };
        let conversation = self.draft.conversation_id;
        let later = self.log.messages.read(conversation, range, Order::Ascending, READ_AHEAD_ITEMS, true).await?;
        let any = !later.is_empty();
        self.seen.extend(later);
        Ok(any)
    }

    /// After a lost place: the item that took it and all that followed are what has been seen now.
    async fn read_from(&mut self, taken: LogItem) -> Result<(), StoreError> {
        let range = SeqRange { first: taken.seq.next(), last: Seq::MAX };
        let conversation = self.draft.conversation_id;
        let later = self.log.messages.read(conversation, range, Order::Ascending, READ_AHEAD_ITEMS, true).await?;
        self.seen = std::iter::once(taken).chain(later).collect();
        Ok(())
    }

    /// Whether the roster, and that the sender is a member, are known as of every change of membership that the head knows of.
    fn may_write(&self) -> bool {
        let change = self.seen.last().map_or(Seq::ZERO, |head| head.members_seq);
        self.roster.conversation.members_seq >= change && self.member_as_of.is_some_and(|known| known >= change)
    }

    /// Whether the sender, as the roster has them, may send.
    fn check_send_rules(&self) -> Result<(), SendError> {
        let sender = self.roster.member(self.draft.sender_id);
        sender.map_or(Ok(()), |sender| may_send(&self.roster.conversation, sender))
    }

    /// Decides by what is true now. The sender's own membership is read together with the conversation, in one transaction: a
    /// query could show the one from before a change and the other from after it. The roster is no proof of it: it is read at
    /// the same time, but not at the same moment.
    ///
    /// Where this ends well, the sender may write, or an earlier attempt is among the items that have been seen.
    async fn authorise_again(&mut self) -> Result<(), SendError> {
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
            self.read_to_the_end_of(&view.periods).await?;
            return if self.earlier_attempt().is_some() { Ok(()) } else { Err(refusal) };
        }
        self.member_as_of = None;
        self.read_to_the_end_of(&view.periods).await?;
        if self.earlier_attempt().is_some() { Ok(()) } else { Err(SendError::NotAMember) }
    }

    /// Reads what a sender who may not write any more can have written since the log was read: a refusal is final, so it has to be certain that no
    /// earlier attempt stands. What has been seen reaches that far already unless the read was stale or the sender has just
    /// been put out.
    async fn read_to_the_end_of(&mut self, periods: &Periods) -> Result<(), StoreError> {
        let (Some(seen), Some(last)) = (self.seen.last(), periods.last_visible(Seq::MAX)) else { return Ok(()) };
        let range = SeqRange { first: seen.seq.next(), last };
        if range.first <= range.last {
            let conversation = self.draft.conversation_id;
            let later = self.log.messages.read(conversation, range, Order::Ascending, READ_AHEAD_ITEMS, true).await?;
            self.seen.extend(later);
        }
        Ok(())
    }
}

/// Whether an active member may send.
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
