//! Receipts: a user has received, or read, everything up to a seq.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Seq, Timestamp, UserId};

/// Most receipts in one frame.
pub const MAX_RECEIPTS: usize = 100;

/// The kind of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// A device of the user has it.
    Delivered,
    /// The user has seen it; implies delivered.
    Read,
}

/// A watermark: at `at`, everything up to `seq` was delivered to, or read by, the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub conversation_id: ConversationId,
    pub user_id: UserId,
    /// Last seq that the receipt covers.
    pub seq: Seq,
    /// Time by the server's clock.
    pub at: Timestamp,
}

/// The status of a message for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RecipientStatus"))]
pub struct Status {
    pub user_id: UserId,
    /// Time of the first delivery to a device of the user; a read counts as delivery.
    pub delivered_at: Option<Timestamp>,
    /// Time at which the user read the message.
    pub read_at: Option<Timestamp>,
}

impl Status {
    /// Combines the times of both kinds for a message sent at this time. Clocks differ, so no returned time is earlier than the
    /// message.
    pub fn new(
        user_id: UserId,
        sent_at: Timestamp,
        delivered_at: Option<Timestamp>,
        read_at: Option<Timestamp>,
    ) -> Self {
        let earliest = delivered_at.into_iter().chain(read_at).min();
        let since = |at: Timestamp| at.max(sent_at);
        Self { user_id, delivered_at: earliest.map(since), read_at: read_at.map(since) }
    }
}

/// A seq and the time at which everything up to it was delivered or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Watermark {
    /// Last seq that the watermark covers.
    pub seq: Seq,
    pub at: Timestamp,
}

/// The watermarks of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberWatermarks {
    pub user_id: UserId,
    /// Delivery to a device of the member; a read counts as delivery.
    pub delivered: Option<Watermark>,
    pub read: Option<Watermark>,
}

impl MemberWatermarks {
    /// Combines the watermarks of both kinds; for equal seqs the earlier time counts.
    pub fn new(user_id: UserId, delivered: Option<Watermark>, read: Option<Watermark>) -> Self {
        let furthest = delivered.into_iter().chain(read).max_by_key(|mark| (mark.seq, Reverse(mark.at)));
        Self { user_id, delivered: furthest, read }
    }
}

/// Longest distance in time between receipts that become one, in milliseconds: times are exact to the second.
const MERGE_WINDOW_MILLIS: u128 = 1000;

/// Merges receipts of one user, conversation and kind that lie within a second: the highest seq stands for all, at the time
/// when it was reached; with an earlier time a message could be read before it was sent. Others keep their own rows. Returns
/// them by kind, conversation and user, then time.
pub fn merge(receipts: impl IntoIterator<Item = Receipt>) -> Vec<Receipt> {
    let mut streams: BTreeMap<(ReceiptKind, ConversationId, UserId), Vec<Receipt>> = BTreeMap::new();
    for receipt in receipts {
        streams.entry((receipt.kind, receipt.conversation_id, receipt.user_id)).or_default().push(receipt);
    }
    let mut merged: Vec<Receipt> = Vec::new();
    for mut stream in streams.into_values() {
        stream.sort_by_key(|receipt| (receipt.at, receipt.seq));
        let mut stream = stream.into_iter();
        let Some(mut current) = stream.next() else { continue };
        let mut first_at = current.at;
        for receipt in stream {
            if receipt.at.since(first_at).as_millis() >= MERGE_WINDOW_MILLIS {
                first_at = receipt.at;
                merged.push(std::mem::replace(&mut current, receipt));
            } else if receipt.seq > current.seq {
                current = receipt;
            }
        }
        merged.push(current);
    }
    merged
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn receipt(seq: u64, millis: i64) -> Receipt {
        Receipt {
            kind: ReceiptKind::Read,
            conversation_id: ConversationId(Uuid::from_u128(1)),
            user_id: UserId(Uuid::from_u128(2)),
            seq: Seq(seq),
            at: Timestamp::from_epoch_millis(millis),
        }
    }

    #[test]
    fn receipts_within_a_second_are_merged() {
        assert_eq!(merge([receipt(5, 100), receipt(7, 800), receipt(6, 0), receipt(7, 900)]), [receipt(7, 800)]);
        assert_eq!(merge([receipt(5, 0), receipt(7, 900), receipt(9, 1100)]), [receipt(7, 900), receipt(9, 1100)]);
    }

    #[test]
    fn receipts_further_apart_are_kept() {
        assert_eq!(merge([receipt(9, 1000), receipt(5, 0)]), [receipt(5, 0), receipt(9, 1000)]);
    }

    #[test]
    fn read_watermark_implies_delivery() {
        let watermark = |seq, millis| Some(Watermark { seq: Seq(seq), at: Timestamp::from_epoch_millis(millis) });
        let delivered = |delivered, read| MemberWatermarks::new(UserId(Uuid::from_u128(2)), delivered, read).delivered;
        assert_eq!(delivered(None, watermark(5, 10)), watermark(5, 10));
        assert_eq!(delivered(watermark(7, 10), watermark(5, 5)), watermark(7, 10));
        assert_eq!(delivered(watermark(5, 10), watermark(7, 20)), watermark(7, 20));
        assert_eq!(
            (delivered(watermark(5, 10), watermark(5, 5)), delivered(watermark(5, 5), watermark(5, 10))),
            (watermark(5, 5), watermark(5, 5))
        );
    }

    #[test]
    fn receipts_of_other_kinds_or_users_are_not_merged() {
        let delivered = Receipt { kind: ReceiptKind::Delivered, ..receipt(5, 0) };
        let other = Receipt { user_id: UserId(Uuid::from_u128(9)), ..receipt(5, 0) };
        assert_eq!(merge([receipt(5, 0), delivered, other]).len(), 3);
    }
}
