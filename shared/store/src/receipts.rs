//! From a receipt to a watermark, and to those who want to know.

use domain::period::SeqRange;
use domain::{Receipt, ReceiptKind, Seq, UserId};

use crate::StoreError;
use crate::dynamodb::members::View;
use crate::dynamodb::messages::Order;
use crate::dynamodb::watermarks::Advance;
use crate::dynamodb::{Members, Messages, Watermarks};

/// How many of the messages that a receipt newly covers are looked at for their senders.
const NEWEST: usize = 50;

/// Up to this many members, all are told of reads; in larger conversations only the senders are.
const TELL_ALL_MEMBERS: u32 = 32;

/// A receipt that moved a watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// As it was recorded: clamped to what its user can see.
    pub receipt: Receipt,
    /// Whom to tell.
    pub audience: Vec<UserId>,
}

/// The tables that receipts touch.
#[derive(Clone, Debug)]
pub struct Receipts {
    /// For the head and the senders.
    pub messages: Messages,
    /// For the stays.
    pub members: Members,
    /// For the result.
    pub watermarks: Watermarks,
}

impl Receipts {
    /// Records one receipt; `None` where it changes nothing that anyone is told of: a repeat, a late one, or one by
    /// somebody who can see nothing there. Safe to repeat.
    pub async fn record(&self, receipt: Receipt) -> Result<Option<Recorded>, StoreError> {
        let (view, head) = tokio::try_join!(
            self.members.view(receipt.conversation_id, receipt.user_id),
            self.messages.head(receipt.conversation_id, true)
        )?;
        let (Some(mut view), Some(head)) = (view, head) else { return Ok(None) };
        if view.conversation.members_seq < head.members_seq {
            let Some(newer) = self.members.view(receipt.conversation_id, receipt.user_id).await? else {
                return Ok(None);
            };
            view = newer;
        }
        if view.user_deleted {
            return Ok(None);
        }
        let Some(last) = view.periods.last_visible(head.seq) else { return Ok(None) };
        let receipt = Receipt { seq: receipt.seq.min(last), ..receipt };
        let Advance::From(before) = self.watermarks.record(&receipt).await? else { return Ok(None) };
        let to_all = receipt.kind == ReceiptKind::Read && view.conversation.member_count <= TELL_ALL_MEMBERS;
        let members = async { self.members.roster(receipt.conversation_id, false).await };
        let audience = if to_all {
            members.await?.map(|roster| roster.user_ids()).unwrap_or_default()
        } else {
            let (roster, mut senders) = tokio::try_join!(members, self.senders(&view, &receipt, before))?;
            // A sender who has left is told nothing of what came after them.
            senders.retain(|sender| roster.as_ref().is_some_and(|roster| roster.has(*sender)));
            senders
        };
        Ok(Some(Recorded { receipt, audience }))
    }

    /// The senders of the newest messages that the receipt newly covers, its own user excluded. What the user cannot
    /// see has not reached them.
    async fn senders(&self, view: &View, receipt: &Receipt, before: Seq) -> Result<Vec<UserId>, StoreError> {
        let range = SeqRange { first: before.next(), last: receipt.seq };
        let items = self.messages.read(receipt.conversation_id, range, Order::Descending, NEWEST, false).await?;
        let mut senders: Vec<UserId> =
            items.iter().filter(|item| view.periods.covers(item.seq)).map(|item| item.sender_id).collect();
        senders.sort_unstable();
        senders.dedup();
        senders.retain(|sender| *sender != receipt.user_id);
        Ok(senders)
    }
}
