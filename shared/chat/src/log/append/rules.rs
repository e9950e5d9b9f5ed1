//! The sender's right to send, and how a writer proves it.

use domain::period::{Periods, SeqRange};
use domain::{ConversationType, MessageKind, Seq, Timestamp};
use store::clock::Moment;
use store::dynamodb::members::{ActiveMember, ConversationItem, MemberView};
use store::dynamodb::messages::LogItem;

use super::open::MAX_BEHIND;
use super::{Draft, Opened};
use crate::log::SendError;

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
    /// * A mute counts by the time at which the attempt began.
    /// * An item after `after_seq` that mutes or unmutes the sender, and a membership that began after `after_seq`, is a break for each
    ///   attempt of this message, whenever it comes: `Behind`, after which a client syncs and sends with the new cursor.
    ///
    /// A block leaves no item, and holds up to a second late anyway.
    fn may_send_without_break(&self, conversation: &ConversationItem, sender: &ActiveMember) -> Result<(), SendError> {
        may_send_at(conversation, sender, self.begun_at)?;
        let Some(after) = self.drafts[0].after_seq else { return Ok(()) };
        // A user who joins a public conversation has seen all before, without an item. First members begin with the log.
        let seen = if conversation.kind == ConversationType::Public { after.next() } else { after };
        if (sender.joined_seq > Seq(1) && sender.joined_seq > seen) || self.was_muted_since {
            return Err(SendError::Behind);
        }
        Ok(())
    }

    /// Authorises the sender again if what was read since may have changed their rights.
    pub(super) async fn verify_sender(&mut self) -> Result<(), SendError> {
        if self.may_write() { Ok(()) } else { self.reauthorise().await }
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
        if view.user_deleted {
            return Err(SendError::UserDeleted);
        }
        self.member_as_of = None;
        let active = view.active.as_ref().ok_or(SendError::NotAMember);
        let Err(refusal) = active.and_then(|active| self.may_send_without_break(&view.conversation, active)) else {
            self.member_as_of = Some(view.conversation.members_seq);
            return Ok(());
        };
        self.read_until_end_of(&view.periods).await?;
        Err(refusal)
    }

    /// Reads the remaining items that a former member can have written. A refusal is final, so it has to be certain that no
    /// earlier attempt exists. Usually the items that were read reach that far, unless the read was stale or the sender has
    /// just been removed. Somebody who is further behind than a member may be has to sync first as well.
    async fn read_until_end_of(&mut self, periods: &Periods) -> Result<(), SendError> {
        let (Some(last), Some(after)) = (periods.last_visible(Seq::MAX), self.drafts[0].after_seq) else {
            return Ok(());
        };
        while let Some(first) = self.turn.head().map(|head| head.seq.next()).filter(|first| *first <= last) {
            let later = self.read_ahead(SeqRange { first, last }).await?;
            if later.is_empty() {
                break;
            }
            self.add(later);
            if first.0.saturating_sub(after.0) > MAX_BEHIND {
                return Err(SendError::Behind);
            }
        }
        Ok(())
    }
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
