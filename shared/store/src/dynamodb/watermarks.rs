//! Tables `delivery_status` and `read_status`: up to where, and since when.
//!
//! | `pk` (S, partition key) | `sk` (S, sort key) | |
//! |---|---|---|
//! | user | conversation | the watermark: `seq`, `at` (ms) |
//! | `<conversation>#<user>` | seq, 16 digits | an older receipt: `at` (ms), `ttl` |
//!
//! A message was delivered to, or read by, a user at the earliest time among their receipts at or above its seq. Of older receipts
//! none is later than one above it: the first at or above a seq tells the time. Receipts that come in another order than they were
//! given bring those below them forward. So that this holds however many are recorded at once, whoever puts an older receipt looks
//! at both its neighbours after that: of two who meet, the one who comes second sees the other.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::receipt::Mark;
use domain::{ConversationId, Receipt, ReceiptKind, Seq, Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Item;
use super::batch::get_all;
use super::retry::back_off;
use crate::StoreError;

/// How long older receipts are kept: until then the times are exact.
const KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// Rounds before contention on one watermark is given up.
const MAX_ROUNDS: u32 = 10;

/// Users whose older receipts are looked through at once.
const CONCURRENCY: usize = 16;

/// What a receipt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The watermark moved forward, from here.
    From(Seq),
    /// It did not: the receipt is a repeat or came late.
    Stayed,
}

/// The two tables.
#[derive(Clone, Debug)]
pub struct Watermarks {
    client: Client,
    delivery_status: String,
    read_status: String,
}

impl Watermarks {
    /// The tables with these names.
    pub fn new(client: Client, delivery_status: String, read_status: String) -> Self {
        Self { client, delivery_status, read_status }
    }

    /// The watermark, read consistently.
    pub async fn get(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Mark>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(self.table(kind))
            .set_key(Some(watermark_key(conversation, user)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        found.item.as_ref().map(parse_watermark).transpose()
    }

    /// The watermarks of these users, as far as they have one: a read unit each, one request per hundred.
    pub async fn of(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, Mark>, StoreError> {
        let keys = users.iter().map(|user| watermark_key(conversation, *user)).collect();
        let items = get_all(&self.client, self.table(kind), keys, true).await?;
        items.iter().map(|item| Ok((watermark_user(item)?, parse_watermark(item)?))).collect()
    }

    /// Since when `seq` was delivered to, or read by, each of these users: the earliest time among their receipts at or above it.
    /// One request per hundred users, and one for each who has got there.
    pub async fn reached(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        users: &[UserId],
        seq: Seq,
    ) -> Result<BTreeMap<UserId, Timestamp>, StoreError> {
        let marks = self.of(kind, conversation, users).await?;
        let there = marks.into_iter().filter(|(_, mark)| mark.seq >= seq);
        let earliest = stream::iter(there).map(|(user, mark)| async move {
            let older = self.smallest_older(kind, conversation, user, seq).await?;
            Ok((user, older.map_or(mark.at, |older| older.at.min(mark.at))))
        });
        earliest.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Records a receipt whose place is already clamped to what the user can see.
    ///
    /// Moving forward takes two writes (one where there was no watermark): the former watermark becomes an older
    /// receipt, then the watermark moves, on the condition that it still is what was read. A crash in between leaves
    /// an extra row that says the truth; a repeat finds everything done. Only a receipt that is earlier than what is known of
    /// its place, because it came late, costs more: a write for each older receipt that it brings forward, and three reads.
    pub async fn record(&self, receipt: &Receipt) -> Result<Advance, StoreError> {
        for round in 0..MAX_ROUNDS {
            let mark = self.get(receipt.kind, receipt.conversation_id, receipt.user_id).await?;
            match mark {
                None => {}
                Some(mark) if receipt.seq < mark.seq || (receipt.seq == mark.seq && receipt.at >= mark.at) => {
                    self.record_late(receipt, mark).await?;
                    return Ok(Advance::Stayed);
                }
                Some(mark) if receipt.at > mark.at => self.put_older(receipt, mark).await?,
                // It reaches as far and is no later: the place of the former watermark was reached at this time already.
                Some(mark) => {
                    self.bring_forward(receipt, mark.seq, receipt.at).await?;
                    if mark.seq < receipt.seq {
                        self.put_older(receipt, Mark { seq: mark.seq, at: receipt.at }).await?;
                    }
                }
            }
            if self.move_watermark(receipt, mark).await? {
                if let Some(mark) = mark.filter(|mark| receipt.at <= mark.at) {
                    // Who came late at the same time may have looked up before it moved.
                    self.bring_forward(receipt, mark.seq, receipt.at).await?;
                }
                let before = mark.map_or(Seq::ZERO, |mark| mark.seq);
                return Ok(if before < receipt.seq { Advance::From(before) } else { Advance::Stayed });
            }
            back_off(round).await;
        }
        Err(StoreError::Inconsistent("a watermark that never stays what it was".to_owned()))
    }

    /// A receipt below the watermark says something only if it is earlier than what is known for its place. One that is known may
    /// not have been done with.
    async fn record_late(&self, receipt: &Receipt, mark: Mark) -> Result<(), StoreError> {
        let Receipt { kind, conversation_id, user_id, seq, at } = *receipt;
        let known = self.smallest_older(kind, conversation_id, user_id, seq).await?.unwrap_or(mark);
        if at < known.at {
            self.bring_forward(receipt, seq, at).await?;
            self.put_older(receipt, Mark { seq, at }).await?;
        } else if known != (Mark { seq, at }) {
            return Ok(());
        }
        let above = match self.smallest_older(kind, conversation_id, user_id, seq.next()).await? {
            None => self.get(kind, conversation_id, user_id).await?,
            above => above,
        };
        let earlier = above.map(|above| above.at).filter(|earlier| *earlier < at);
        if let Some(at) = earlier {
            self.put_older(receipt, Mark { seq, at }).await?;
        }
        self.bring_forward(receipt, seq, earlier.unwrap_or(at)).await
    }

    /// Gives this time to older receipts below `seq` that are later: what they cover was reached by then. The lowest comes
    /// first, so that after a crash the repeat finds those that are left by going down. Goes on until there are none: others may
    /// have come below those that were found.
    async fn bring_forward(&self, receipt: &Receipt, mut seq: Seq, at: Timestamp) -> Result<(), StoreError> {
        loop {
            let later = self.later_below(receipt, seq, at).await?;
            let Some(lowest) = later.last() else { return Ok(()) };
            seq = *lowest;
            for seq in later.into_iter().rev() {
                self.put_older(receipt, Mark { seq, at }).await?;
            }
        }
    }

    /// The places of older receipts below `seq` that are later than `at`, going down until one is not.
    async fn later_below(&self, receipt: &Receipt, seq: Seq, at: Timestamp) -> Result<Vec<Seq>, StoreError> {
        let mut below = self
            .client
            .query()
            .table_name(self.table(receipt.kind))
            .key_condition_expression("pk = :pk AND sk < :sk")
            .expression_attribute_values(
                ":pk",
                AttributeValue::S(older_partition(receipt.conversation_id, receipt.user_id)),
            )
            .expression_attribute_values(":sk", AttributeValue::S(older_sort(seq)))
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut later = Vec::new();
        while let Some(item) = below.try_next().await.map_err(StoreError::dynamodb)? {
            if millis(&item)? <= at {
                break;
            }
            later.push(text_number(&item, "sk")?);
        }
        Ok(later)
    }

    /// The smallest older receipt at or above `seq`.
    async fn smallest_older(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        user: UserId,
        seq: Seq,
    ) -> Result<Option<Mark>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(self.table(kind))
            .key_condition_expression("pk = :pk AND sk >= :sk")
            .expression_attribute_values(":pk", AttributeValue::S(older_partition(conversation, user)))
            .expression_attribute_values(":sk", AttributeValue::S(older_sort(seq)))
            .limit(1)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        let first = page.items.unwrap_or_default().pop();
        first.map(|item| Ok(Mark { seq: text_number(&item, "sk")?, at: millis(&item)? })).transpose()
    }

    /// Keeps `mark` as an older receipt; where there is one for its place, the earlier time stays.
    async fn put_older(&self, receipt: &Receipt, mark: Mark) -> Result<(), StoreError> {
        let ttl = mark.at.plus(KEPT_FOR).epoch_seconds();
        let result = self
            .client
            .put_item()
            .table_name(self.table(receipt.kind))
            .item("pk", AttributeValue::S(older_partition(receipt.conversation_id, receipt.user_id)))
            .item("sk", AttributeValue::S(older_sort(mark.seq)))
            .item("at", AttributeValue::N(mark.at.epoch_millis().to_string()))
            .item("ttl", AttributeValue::N(ttl.to_string()))
            .condition_expression("attribute_not_exists(pk) OR #at > :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", AttributeValue::N(mark.at.epoch_millis().to_string()))
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// Moves the watermark to the receipt, if it still is `from`; whether it did.
    async fn move_watermark(&self, receipt: &Receipt, from: Option<Mark>) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.table(receipt.kind))
            .set_key(Some(watermark_key(receipt.conversation_id, receipt.user_id)))
            .update_expression("SET seq = :seq, #at = :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":seq", AttributeValue::N(receipt.seq.to_string()))
            .expression_attribute_values(":at", AttributeValue::N(receipt.at.epoch_millis().to_string()));
        let update = match from {
            None => update.condition_expression("attribute_not_exists(pk)"),
            Some(mark) => update
                .condition_expression("seq = :from AND #at = :since")
                .expression_attribute_values(":from", AttributeValue::N(mark.seq.to_string()))
                .expression_attribute_values(":since", AttributeValue::N(mark.at.epoch_millis().to_string())),
        };
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    fn table(&self, kind: ReceiptKind) -> &str {
        match kind {
            ReceiptKind::Delivered => &self.delivery_status,
            ReceiptKind::Read => &self.read_status,
        }
    }
}

fn watermark_key(conversation: ConversationId, user: UserId) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(user.to_string())),
        ("sk".to_owned(), AttributeValue::S(conversation.to_string())),
    ])
}

fn older_partition(conversation: ConversationId, user: UserId) -> String {
    format!("{conversation}#{user}")
}

/// As text in the order of the numbers.
fn older_sort(seq: Seq) -> String {
    format!("{:016}", seq.0)
}

fn watermark_user(item: &Item) -> Result<UserId, StoreError> {
    let user = item.get("pk").and_then(|value| value.as_s().ok()).and_then(|text| text.parse().ok());
    user.ok_or_else(|| StoreError::Inconsistent("a watermark of nobody".to_owned()))
}

fn parse_watermark(item: &Item) -> Result<Mark, StoreError> {
    Ok(Mark { seq: Seq(number(item, "seq")?), at: millis(item)? })
}

fn millis(item: &Item) -> Result<Timestamp, StoreError> {
    number(item, "at").map(Timestamp::from_epoch_millis)
}

fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, StoreError> {
    let value = item.get(name).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok());
    value.ok_or_else(|| StoreError::Inconsistent(format!("a receipt without `{name}`")))
}

fn text_number(item: &Item, name: &str) -> Result<Seq, StoreError> {
    let value = item.get(name).and_then(|value| value.as_s().ok()).and_then(|text| text.parse().ok());
    value.map(Seq).ok_or_else(|| StoreError::Inconsistent(format!("a receipt without `{name}`")))
}
