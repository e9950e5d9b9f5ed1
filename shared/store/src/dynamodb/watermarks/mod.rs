//! Tables `delivery_status` and `read_status`: the watermarks of each user, with their times.
//!
//! | `pk` (S, partition key) | `sk` (S, sort key) | |
//! |---|---|---|
//! | user | conversation | the watermark: `seq`, `at` (ms), `revision`; in `read_status` also the user's settings (`settings.rs`) |
//! | `<conversation>#<user>` | seq, 16 digits | an older receipt: `at` (ms), `ttl` |
//!
//! In `read_status` also the partitions `mentions#<user>`, of [`Mentions`](super::Mentions).
//!
//! A message was delivered to, or read by, a user at the earliest time among their receipts at or above its seq. An older
//! receipt is never later than one above it, so the first at or above a seq has the time. A receipt that arrives out of order
//! rewrites the ones below it with the earlier time. It does so in one transaction with `revision`, so that concurrent late
//! receipts do not overwrite each other. Receipts in order, which are nearly all, need no transaction.

mod late;
mod removal;
mod settings;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::receipt::Watermark;
use domain::settings::ConversationSettings;
use domain::{ConversationId, Receipt, ReceiptKind, Seq, Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Item;
use super::batch::get_all;
use super::retry::back_off;
use crate::StoreError;
use late::Brought;

/// Time for which older receipts are kept: until then the times are exact.
const RETENTION: Duration = Duration::from_hours(90 * 24);

/// Attempts before a write to a contended watermark fails.
const MAX_ROUNDS: u32 = 10;

/// Users whose older receipts are read concurrently.
const CONCURRENCY: usize = 16;

/// The change that a receipt made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The watermark moved forward from this seq.
    From(Seq),
    /// It did not: the receipt is a repeat or came late.
    Stayed,
}

/// The outcome of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub advance: Advance,
    /// The settings, if the receipt has ended `marked_unread`.
    pub unmarked: Option<ConversationSettings>,
}

/// The item of a user and a conversation.
#[derive(Clone, Copy, Debug)]
struct Stored {
    mark: Watermark,
    revision: u64,
    /// Time at which the user has called the conversation unread.
    marked_unread_at: Option<Timestamp>,
}

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
    ) -> Result<Option<Watermark>, StoreError> {
        Ok(self.find(kind, conversation, user).await?.map(|found| found.mark))
    }

    /// The user's read watermark and settings, read consistently. Cost: one read unit.
    pub async fn read_state(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<(Option<Watermark>, ConversationSettings), StoreError> {
        let Some(item) = self.item(ReceiptKind::Read, conversation, user).await? else {
            return Ok((None, ConversationSettings::default()));
        };
        let mark = parse_watermark(&item)?;
        // Settings came before any receipt.
        Ok(((mark.seq > Seq::ZERO).then_some(mark), settings::parse(&item)?))
    }

    async fn find(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Stored>, StoreError> {
        let Some(item) = self.item(kind, conversation, user).await? else { return Ok(None) };
        let revision = if item.contains_key("revision") { number(&item, "revision")? } else { 0 };
        let marked_unread_at = settings::marked_unread_at(&item)?;
        Ok(Some(Stored { mark: parse_watermark(&item)?, revision, marked_unread_at }))
    }

    async fn item(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(self.table(kind))
            .set_key(Some(watermark_key(conversation, user)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item)
    }

    /// Reads the watermarks of these users, as far as they exist. Cost: one read unit per user, one request per hundred users.
    pub async fn of(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, Watermark>, StoreError> {
        let keys = users.iter().map(|user| watermark_key(conversation, *user)).collect();
        let items = get_all(&self.client, self.table(kind), keys, true).await?;
        items.iter().map(|item| Ok((watermark_user(item)?, parse_watermark(item)?))).collect()
    }

    /// Returns the time at which `seq` was delivered to, or read by, each of these users: the earliest time among their
    /// receipts at or above it. Cost: one request per hundred users, and one for each user whose watermark is at or above
    /// `seq`.
    pub async fn reached(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        users: &[UserId],
        seq: Seq,
    ) -> Result<BTreeMap<UserId, Timestamp>, StoreError> {
        let marks = self.of(kind, conversation, users).await?;
        let reached = marks.into_iter().filter(|(_, mark)| mark.seq >= seq);
        let earliest = stream::iter(reached).map(|(user, mark)| async move {
            let older = self.smallest_older(kind, conversation, user, seq).await?;
            Ok((user, older.map_or(mark.at, |older| older.at.min(mark.at))))
        });
        earliest.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Records a receipt whose seq is already clamped to what the user can see.
    ///
    /// Moving forward takes two writes (one where there was no watermark): the former watermark becomes an older receipt, then
    /// the watermark moves, on the condition that it has not changed since it was read. A crash in between leaves an extra,
    /// correct row; a repeat finds everything done. Only a late receipt with an earlier time than the stored ones costs more:
    /// two reads, and a transaction with each older receipt that it rewrites. A read of a conversation that was marked unread
    /// before costs one more write.
    pub async fn record(&self, receipt: &Receipt) -> Result<Moved, StoreError> {
        let Receipt { kind, conversation_id, user_id, .. } = *receipt;
        let mut round = 0;
        while round < MAX_ROUNDS {
            let found = self.find(kind, conversation_id, user_id).await?;
            let before = found.map_or(Seq::ZERO, |found| found.mark.seq);
            let advance = if before < receipt.seq { Advance::From(before) } else { Advance::Stayed };
            let recorded = match found {
                None => self.move_watermark(receipt, None).await?,
                // Settings came before any receipt.
                Some(Stored { mark, .. }) if mark.seq == Seq::ZERO => self.move_watermark(receipt, Some(mark)).await?,
                Some(Stored { mark, .. }) if receipt.seq > mark.seq && receipt.at > mark.at => {
                    self.put_older(receipt, mark).await? && self.move_watermark(receipt, Some(mark)).await?
                }
                Some(Stored { mark, revision, .. }) => match self.bring_forward(receipt, mark, revision).await? {
                    Brought::Everything => true,
                    // The remaining receipts need another round, which is not contention.
                    Brought::Some => continue,
                    Brought::Nothing => false,
                },
            };
            if recorded {
                let marked_at = found.and_then(|found| found.marked_unread_at).filter(|marked| *marked <= receipt.at);
                let unmarked = match marked_at {
                    Some(marked_at) => self.unmark(conversation_id, user_id, marked_at).await?,
                    None => None,
                };
                return Ok(Moved { advance, unmarked });
            }
            back_off(round).await;
            round += 1;
        }
        Err(StoreError::Inconsistent("a watermark changed on every attempt to write it".to_owned()))
    }

    /// The smallest older receipt at or above `seq`.
    async fn smallest_older(
        &self,
        kind: ReceiptKind,
        conversation: ConversationId,
        user: UserId,
        seq: Seq,
    ) -> Result<Option<Watermark>, StoreError> {
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
        first.map(|item| Ok(Watermark { seq: text_number(&item, "sk")?, at: millis(&item)? })).transpose()
    }

    /// Stores `mark` as an older receipt; if there is one for its seq, the earlier time is kept. Returns false if a transaction
    /// was in progress.
    async fn put_older(&self, receipt: &Receipt, mark: Watermark) -> Result<bool, StoreError> {
        let result = self
            .client
            .put_item()
            .table_name(self.table(receipt.kind))
            .set_item(Some(older_item(receipt, mark)))
            .condition_expression("attribute_not_exists(pk) OR #at > :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", AttributeValue::N(mark.at.epoch_millis().to_string()))
            .send()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(true),
                Some(PutItemError::TransactionConflictException(_)) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    /// Moves the watermark to the receipt, if it still is `from`; whether it did.
    async fn move_watermark(&self, receipt: &Receipt, from: Option<Watermark>) -> Result<bool, StoreError> {
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
            Err(error) => match error.as_service_error() {
                Some(
                    UpdateItemError::ConditionalCheckFailedException(_)
                    | UpdateItemError::TransactionConflictException(_),
                ) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    pub(super) fn table(&self, kind: ReceiptKind) -> &str {
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

/// Returns the item of a watermark that nobody has moved yet.
pub(super) fn watermark_item(conversation: ConversationId, user: UserId, mark: Watermark) -> Item {
    let mut item = watermark_key(conversation, user);
    item.insert("seq".to_owned(), AttributeValue::N(mark.seq.to_string()));
    item.insert("at".to_owned(), AttributeValue::N(mark.at.epoch_millis().to_string()));
    item
}

fn older_item(receipt: &Receipt, mark: Watermark) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(older_partition(receipt.conversation_id, receipt.user_id))),
        ("sk".to_owned(), AttributeValue::S(older_sort(mark.seq))),
        ("at".to_owned(), AttributeValue::N(mark.at.epoch_millis().to_string())),
        ("ttl".to_owned(), AttributeValue::N(mark.at.plus(RETENTION).epoch_seconds().to_string())),
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
    user.ok_or_else(|| StoreError::Inconsistent("a watermark without a user".to_owned()))
}

fn parse_watermark(item: &Item) -> Result<Watermark, StoreError> {
    Ok(Watermark { seq: Seq(number(item, "seq")?), at: millis(item)? })
}

fn millis(item: &Item) -> Result<Timestamp, StoreError> {
    number(item, "at").map(Timestamp::nearest)
}

fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, StoreError> {
    let value = item.get(name).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok());
    value.ok_or_else(|| StoreError::Inconsistent(format!("a receipt without `{name}`")))
}

fn text_number(item: &Item, name: &str) -> Result<Seq, StoreError> {
    let value = item.get(name).and_then(|value| value.as_s().ok()).and_then(|text| text.parse().ok());
    value.map(Seq).ok_or_else(|| StoreError::Inconsistent(format!("a receipt without `{name}`")))
}
