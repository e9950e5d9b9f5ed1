//! Recording receipts as watermarks, and finding the users to notify.

use domain::period::SeqRange;
use domain::protocol::Unread;
use domain::settings::ConversationSettings;
use domain::{ConversationType, HistoryPolicy, MessageKind, Receipt, ReceiptKind, Seq, UserId};
use store::StoreError;
use store::dynamodb::Watermarks;
use store::dynamodb::members::{MemberView, Roster};
use store::dynamodb::messages::Order;
use store::dynamodb::watermarks::{Advance, Moved};

use crate::log::Log;
use crate::membership::blocks::hidden_of;

/// Number of the newest visible seqs, among those that a receipt newly covers, whose senders are notified.
const MAX_NOTIFIED_MESSAGES: usize = 50;

/// Most megabytes that are read for them in one membership period. Beyond, older senders are not notified.
const MAX_MEGABYTES_PER_PERIOD: usize = 2;

/// Number of members up to which all are notified of reads; in larger conversations only the senders are.
const MAX_MEMBERS_NOTIFIED_OF_READS: u32 = 32;

/// A receipt that moved a watermark, or ended `marked_unread`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The receipt as recorded: clamped to the seqs that its user can see.
    pub receipt: Receipt,
    /// Other users to notify.
    pub audience: Vec<UserId>,
    /// Unread count of the user; only after a read receipt.
    pub unread: Option<Unread>,
    /// The user's settings, if a read receipt has ended `marked_unread`.
    pub unmarked: Option<ConversationSettings>,
}

/// The tables that receipts touch.
#[derive(Clone, Debug)]
pub struct Receipts {
    pub log: Log,
    pub watermarks: Watermarks,
}

impl Receipts {
    /// Records one receipt. `None` if there is nothing to notify of: a repeat, a late receipt, a user who can see nothing
    /// there, or a delivery in a public conversation. Safe to repeat.
    pub async fn record(&self, receipt: Receipt) -> Result<Option<Recorded>, StoreError> {
        let (view, head) = tokio::try_join!(
            self.log.members.view(receipt.conversation_id, receipt.user_id),
            self.log.messages.head(receipt.conversation_id, true)
        )?;
        let (Some(mut view), Some(head)) = (view, head) else { return Ok(None) };
        if view.conversation.members_seq < head.members_seq {
            let Some(newer) = self.log.members.view(receipt.conversation_id, receipt.user_id).await? else {
                return Ok(None);
            };
            view = newer;
        }
        let public = view.conversation.kind == ConversationType::Public;
        if view.user_deleted || (public && receipt.kind == ReceiptKind::Delivered) {
            return Ok(None);
        }
        let Some(seq) = view.periods.last_visible(receipt.seq.min(head.seq)) else { return Ok(None) };
        let receipt = Receipt { seq, ..receipt };
        let Moved { advance, unmarked } = self.watermarks.record(&receipt).await?;
        let Advance::From(before) = advance else {
            return Ok(unmarked.map(|settings| Recorded {
                receipt,
                audience: Vec::new(),
                unread: None,
                unmarked: Some(settings),
            }));
        };
        let (audience, unread) =
            tokio::try_join!(self.audience(&view, &receipt, before), self.unread(&view, &receipt))?;
        Ok(Some(Recorded { receipt, audience, unread, unmarked }))
    }

    /// Returns the members to notify, without the receipt's user: of reads all of them in a small conversation, else the
    /// senders of the messages that it covers. A member who cannot see its seq is not notified, nor is one whom the receipt's user
    /// blocks; none in a private conversation in which one of the two blocks the other.
    async fn audience(&self, view: &MemberView, receipt: &Receipt, before: Seq) -> Result<Vec<UserId>, StoreError> {
        let roster = async { self.log.members.roster(receipt.conversation_id, false).await };
        let to_all =
            receipt.kind == ReceiptKind::Read && view.conversation.member_count <= MAX_MEMBERS_NOTIFIED_OF_READS;
        let (roster, mut users) = if to_all {
            let roster = roster.await?;
            let users = roster.as_ref().map(Roster::user_ids).unwrap_or_default();
            (roster, users)
        } else {
            tokio::try_join!(roster, self.senders(view, receipt, before))?
        };
        let Some(roster) = roster else { return Ok(Vec::new()) };
        users.retain(|user| *user != receipt.user_id);
        let hidden = hidden_of(&self.log.members, &view.conversation, receipt.user_id, &users).await?;
        users.retain(|user| !hidden.contains(user));
        let mut audience = Vec::new();
        for user in users {
            if self.sees(&roster, user, receipt).await? {
                audience.push(user);
            }
        }
        Ok(audience)
    }

    /// Returns true if the user is a member and can see the receipt's seq. Cost: nothing, unless the roster does not hold all
    /// members.
    async fn sees(&self, roster: &Roster, user: UserId, receipt: &Receipt) -> Result<bool, StoreError> {
        let everything = roster.conversation.history == HistoryPolicy::Full;
        match roster.member(user) {
            Some(member) => Ok(everything || member.joined_seq <= receipt.seq),
            None if roster.is_cut_off() => {
                let view = self.log.members.view(receipt.conversation_id, user).await?;
                Ok(view.is_some_and(|view| view.active.is_some() && view.periods.covers(receipt.seq)))
            }
            None => Ok(false),
        }
    }

    /// Returns the senders of the newest texts that the receipt newly covers and its user can see. Cost: one request per
    /// membership period in between.
    async fn senders(&self, view: &MemberView, receipt: &Receipt, before: Seq) -> Result<Vec<UserId>, StoreError> {
        let ranges: Vec<SeqRange> = view.periods.within(before.next(), receipt.seq).collect();
        let mut items = Vec::new();
        for range in ranges.into_iter().rev() {
            let missing = MAX_NOTIFIED_MESSAGES - items.len();
            if missing == 0 {
                break;
            }
            let messages = self.log.items();
            let (order, megabytes) = (Order::Descending, MAX_MEGABYTES_PER_PERIOD);
            let read = messages.read_bounded(receipt.conversation_id, range, order, missing, megabytes, false).await?;
            items.extend(read.items);
        }
        let texts = items.iter().filter(|item| matches!(item.kind, MessageKind::Text(_)));
        let mut senders: Vec<UserId> = texts.map(|item| item.sender_id).collect();
        senders.sort_unstable();
        senders.dedup();
        Ok(senders)
    }

    /// Counts the unread messages after a read.
    async fn unread(&self, view: &MemberView, receipt: &Receipt) -> Result<Option<Unread>, StoreError> {
        let (conversation_id, user, read_seq) = (receipt.conversation_id, receipt.user_id, receipt.seq);
        if receipt.kind != ReceiptKind::Read {
            return Ok(None);
        }
        let left = SeqRange { first: read_seq.next(), last: Seq::MAX };
        let counted = self.log.unread(conversation_id, user, &view.periods, left).await?;
        // The membership changed meanwhile, so the count may be wrong.
        let known = counted.membership_seq <= view.conversation.members_seq;
        Ok(known.then_some(Unread { conversation_id, read_seq, unread: counted.unread }))
    }
}
