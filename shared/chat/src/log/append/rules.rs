//! The sender's right to send, and how a writer proves it.

use std::time::Duration;

use domain::period::{Left, SeqRange};
use domain::{ConversationType, MessageKind, Seq, Timestamp};
use store::clock::Moment;
use store::dynamodb::members::{ActiveMember, ConversationItem, MemberView};
use store::dynamodb::messages::LogItem;

use super::cache::MAX_AGE_OF_PAIR;
use super::open::MAX_BEHIND;
use super::{Draft, Opened};
use crate::log::SendError;

/// Time for which an attempt may still put by rights that its sender has lost without an item: it begins its last put within ten
/// seconds, or reads the rights again, and the put arrives a moment later.
const UNDER_WAY: Duration = Duration::from_secs(15);

impl Opened<'_> {
    /// Returns true if the roster, and the sender's membership, are at least as new as the newest membership change before the
    /// head.
    pub(super) fn may_write(&self) -> bool {
        let Some(change) = self.turn.head().map(|head| head.members_seq) else { return false };
        self.roster.conversation.members_seq >= change && self.member_as_of.is_some_and(|known| known >= change)
    }

    /// Checks whether the sender may send, by the roster.
    pub(super) fn check_send_rules(&self) -> Result<(), SendError> {
        let sender = self.roster.member(self.sender_id);
        sender.map_or(Ok(()), |sender| self.may_send_without_break(&self.roster.conversation, sender))
    }

    /// Checks whether the sender may send, and could do so all the time since this send, or its first attempt, began.
    ///
    /// A refusal is final for its client, although an earlier attempt of the same message may still be under way. That one must not
    /// succeed because the sender has got the right back meanwhile:
    ///
    /// * A mute counts by the time at which the attempt began, and so does joining a public conversation, which writes no item.
    /// * An item after `after_seq` that mutes or unmutes the sender, and a membership that began after `after_seq`, is a break for each
    ///   attempt of this message, whenever it comes: `Behind`, after which a client syncs and sends with the new cursor.
    ///
    /// A block leaves no item, nor does leaving a public conversation: see [`Self::once_final`].
    fn may_send_without_break(&self, conversation: &ConversationItem, sender: &ActiveMember) -> Result<(), SendError> {
        may_send_at(conversation, sender, self.begun_at)?;
        let Some(after) = self.drafts[0].after_seq else { return Ok(()) };
        // A user who joins a public conversation has seen all before, without an item. First members begin with the log.
        let is_public = conversation.kind == ConversationType::Public;
        let seen = if is_public { after.next() } else { after };
        let has_joined = sender.joined_seq > Seq(1) && sender.joined_seq > seen;
        let has_joined_meanwhile = is_public && sender.joined_at > self.begun_at;
        if has_joined || has_joined_meanwhile || self.was_muted_since { Err(SendError::Behind) } else { Ok(()) }
    }

    /// Authorises the sender again if what was read since may have changed their rights.
    pub(super) async fn verify_sender(&mut self) -> Result<(), SendError> {
        if self.may_write() { Ok(()) } else { self.reauthorise().await }
    }

    /// Forgets that the sender may write if that was read a while ago, where a right may end without an item.
    pub(super) fn forget_old_rights(&mut self) {
        let may_end_without_item = self.roster.conversation.kind != ConversationType::Group;
        if may_end_without_item && self.rights_read.age() > MAX_AGE_OF_PAIR {
            self.member_as_of = None;
        }
    }

    /// Authorises the sender by consistent reads. The sender's own membership is read together with the conversation, in one
    /// transaction: a query could return the one from before a change and the other from after it. The roster proves nothing
    /// here: it is read concurrently, not at the same moment.
    ///
    /// After success the sender may write. After a refusal all earlier attempts are among the items that were read.
    pub(super) async fn reauthorise(&mut self) -> Result<(), SendError> {
        let (conversation_id, sender_id) = (self.conversation_id, self.sender_id);
        let read = Moment::now();
        // For a sender beyond the first members the roster is not outdated, although they are not in it.
        let is_outdated = self.turn.head().is_none_or(|head| self.roster.conversation.members_seq < head.members_seq);
        let members = &self.log.members;
        let roster = async {
            if is_outdated { members.roster_for(sender_id, conversation_id, true).await.map(Some) } else { Ok(None) }
        };
        let (view, roster) = tokio::try_join!(members.view(conversation_id, sender_id), roster)?;
        if let Some(roster) = roster {
            self.set_roster(roster, read)?;
        }
        let view = view.ok_or(SendError::NotAMember)?;
        self.member_as_of = None;
        let Err(refusal) = self.check_view(&view) else {
            (self.member_as_of, self.rights_read) = (Some(view.conversation.members_seq), read);
            return Ok(());
        };
        self.read_earlier_attempts(&view).await?;
        Err(self.once_final(refusal, &view))
    }

    fn check_view(&self, view: &MemberView) -> Result<(), SendError> {
        if view.user_deleted {
            return Err(SendError::UserDeleted);
        }
        let active = view.active.as_ref().ok_or(SendError::NotAMember)?;
        self.may_send_without_break(&view.conversation, active)
    }

    /// Reads the remaining items that a former member can have written. A refusal is final, so it has to be certain that no
    /// earlier attempt exists. Usually the items that were read reach that far, unless the read was stale or the sender has
    /// just been removed. Somebody who is further behind than a member may be has to sync first as well.
    async fn read_earlier_attempts(&mut self, view: &MemberView) -> Result<(), SendError> {
        let (Some(end), Some(after)) = (view.periods.last_visible(Seq::MAX), self.drafts[0].after_seq) else {
            return Ok(());
        };
        let until = left_public(view).map(|left| left.at.plus(UNDER_WAY));
        let last = if until.is_some() { Seq::MAX } else { end };
        while let Some(head) = self.turn.head() {
            let first = head.seq.next();
            if first > end && until.is_none_or(|until| head.sent_at > until) {
                break;
            }
            let later = self.read_ahead(SeqRange { first, last }).await?;
            if later.is_empty() {
                break;
            }
            self.add(later);
            if first <= end && first.0.saturating_sub(after.0) > MAX_BEHIND {
                return Err(SendError::Behind);
            }
        }
        Ok(())
    }

    /// Returns the refusal once no earlier attempt of the message can still be under way; before that, that the client has to ask
    /// again.
    ///
    /// An item that takes a right away stands between an earlier attempt and the head, so that attempt finds out. A block and leaving a public
    /// conversation write no item: for a while, an attempt that began before may still succeed. A message without `after_seq` does not
    /// ask what became of its earlier attempts.
    fn once_final(&self, refusal: SendError, view: &MemberView) -> SendError {
        let since = match refusal {
            SendError::Blocked => Some(view.conversation.changed_at),
            SendError::NotAMember | SendError::UserDeleted => {
                left_public(view).filter(|left| !self.has_item_of(left)).map(|left| left.at)
            }
            _ => None,
        };
        let since = since.filter(|_| self.drafts[0].after_seq.is_some());
        let wait = since.map_or(Duration::ZERO, |since| UNDER_WAY.saturating_sub(Timestamp::now().since(since)));
        if wait.is_zero() { refusal } else { SendError::UnderWay(wait) }
    }

    /// Returns true if an item took the membership away, or a later one has changed the members.
    fn has_item_of(&self, left: &Left) -> bool {
        let is_of = |item: &LogItem| item.seq == left.seq && item.sent_at == left.at;
        self.turn.items().iter().any(is_of) || self.turn.head().is_some_and(|head| head.members_seq > left.seq)
    }
}

/// Returns the end of the membership of a former member of a public conversation.
fn left_public(view: &MemberView) -> Option<Left> {
    let is_public = view.conversation.kind == ConversationType::Public;
    view.periods.end().filter(|_| is_public && view.active.is_none())
}

impl Draft {
    /// Returns true if an item after `after_seq` mutes or unmutes the sender.
    pub(super) fn is_muted_by(&self, items: &[LogItem]) -> bool {
        let Some(after) = self.after_seq else { return false };
        items.iter().any(|item| match item.kind {
            MessageKind::MemberMuted { user_id, .. } => user_id == self.sender_id && item.seq > after,
            _ => false,
        })
    }
}

/// Returns an error unless the user of this view may send.
pub fn require_may_send(view: &MemberView) -> Result<(), SendError> {
    may_send(&view.conversation, view.active.as_ref().ok_or(SendError::NotAMember)?)
}

/// Checks whether an active member, or the system, may send now.
pub(crate) fn may_send(conversation: &ConversationItem, sender: &ActiveMember) -> Result<(), SendError> {
    may_send_at(conversation, sender, Timestamp::now())
}

/// The same at another time.
fn may_send_at(conversation: &ConversationItem, sender: &ActiveMember, now: Timestamp) -> Result<(), SendError> {
    if conversation.closed {
        return Err(SendError::Closed);
    }
    if !conversation.blocked_by.is_empty() && !sender.user_id.is_system() {
        return Err(SendError::Blocked);
    }
    match sender.muted_until {
        Some(until) if until > now => Err(SendError::Muted(until)),
        _ => Ok(()),
    }
}
