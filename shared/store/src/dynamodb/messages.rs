//! Table `messages`: the logs of all conversations.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `conversation_id` | S | partition key |
//! | `seq` | N | sort key: 1, 2, 3, … without holes |
//! | `message_id`, `sender_id`, `sent_at`, `kind` and the fields of the kind | | the message |
//! | `client_message_id`, `digest` | S | of texts: by these a resend is recognised |
//! | `attempt` | S | random per invocation: distinguishes a retry of the SDK from another writer |
//! | `members_seq` | N | seq of the newest membership change up to this item, inclusive |
//! | `edits` | L | the text after each edit, and `custom` if the edit changed it |
//! | `reactions` | M | by emoji and user: the seqs of adding and withdrawing |
//! | `recent_senders` | L | counts of the last few senders, carried on by every item: see [`domain::flood`] |
//! | `file_count` | N | number of files that a text references; the filter of the stream uses it |
//! | `mention_count` | N | number of users that the newest text mentions; the filter of the stream uses it |
//! | `amended` | M | `seq` and `members_seq` of the newest event about this message |
//!
//! An item is put on the condition that its seq is free, and a seq is never reused. Only texts change afterwards: together with
//! the event of the change, in one transaction.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use domain::flood::RecentSenders;
use domain::message::{Edit, custom_after};
use domain::period::SeqRange;
use domain::reaction::Reactions;
use domain::{
    ClientMessageId, Content, ConversationId, Message, MessageId, MessageKind, Periods, Seq, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items, to_item};
use uuid::Uuid;

use super::batch::get_all;
use super::{Item, millis};
use crate::StoreError;

/// Condition that the seq is free.
const IS_FREE: &str = "attribute_not_exists(conversation_id)";

/// The newest event about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendedBy {
    pub seq: Seq,
    /// Seq of the newest membership change up to the event.
    pub members_seq: Seq,
}

/// One item of a log, as the table stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogItem {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub message_id: MessageId,
    pub sender_id: UserId,
    /// When; later than the item before.
    #[serde(with = "millis")]
    pub sent_at: Timestamp,
    /// Seq of the newest membership change up to this item, inclusive.
    pub members_seq: Seq,
    /// The invocation that wrote it.
    pub attempt: Uuid,
    /// The sender's id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// Fingerprint of the content as it was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Counts of the last few senders, for flood control: every item carries them on.
    #[serde(default, skip_serializing_if = "RecentSenders::is_empty")]
    pub recent_senders: RecentSenders,
    /// The text after each edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
    /// The reactions to a text.
    #[serde(default, skip_serializing_if = "Reactions::is_empty")]
    pub reactions: Reactions,
    /// Number of files that the message references; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_count: Option<usize>,
    /// Number of users that the newest text mentions; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mention_count: Option<usize>,
    /// The newest event about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amended: Option<AmendedBy>,
    #[serde(flatten)]
    pub kind: MessageKind,
}

impl LogItem {
    /// Creates an item without counts of senders, such as the first one of a log. [`Self::next`] creates all others.
    pub fn new(
        conversation_id: ConversationId,
        seq: Seq,
        sender_id: UserId,
        sent_at: Timestamp,
        members_seq: Seq,
        kind: MessageKind,
    ) -> Self {
        Self {
            conversation_id,
            seq,
            message_id: MessageId::generate(sent_at),
            sender_id,
            sent_at,
            members_seq,
            attempt: Uuid::new_v4(),
            client_message_id: None,
            digest: None,
            recent_senders: RecentSenders::default(),
            edits: Vec::new(),
            reactions: Reactions::default(),
            file_count: None,
            mention_count: None,
            amended: None,
            kind,
        }
    }

    /// Creates the item after this one, the head. It carries on the head's counts of senders, whatever its kind.
    #[must_use]
    pub fn next(&self, sender_id: UserId, kind: MessageKind) -> Self {
        // Times never decrease within a conversation, even if the clocks of machines differ.
        let sent_at = Timestamp::now().max(self.sent_at.next());
        let (seq, members_seq) = (self.seq.next(), self.members_seq);
        let item = Self::new(self.conversation_id, seq, sender_id, sent_at, members_seq, kind);
        Self { recent_senders: self.recent_senders.clone(), ..item }
    }

    /// Counts the files and the mentions of the item as it is: the filter of the stream passes what has some.
    #[must_use]
    pub fn counted(self) -> Self {
        let count = |count: usize| (count > 0).then_some(count);
        let (file_count, mention_count) = (count(self.kind.attachments().len()), count(self.mentions().len()));
        Self { file_count, mention_count, ..self }
    }

    /// Returns the users that the newest text mentions.
    pub fn mentions(&self) -> &[UserId] {
        match (&self.kind, self.edits.last()) {
            (MessageKind::Text(_), Some(edit)) => &edit.mentions,
            (MessageKind::Text(content), None) => &content.mentions,
            _ => &[],
        }
    }

    /// Returns the seq of the newest membership change that the writer of this item, or of its newest amendment, knew of. With
    /// periods from before that change it is unknown whether it may be shown.
    pub fn membership_seq(&self) -> Seq {
        self.amended.map_or(self.members_seq, |amended| amended.members_seq.max(self.members_seq))
    }

    /// Returns the message as a viewer with these periods sees it: with the newest text within them.
    pub fn shown_to(self, viewer: UserId, periods: &Periods) -> Message {
        let reactions = self.reactions.seen_by(viewer, periods);
        let edits: Vec<Edit> = self.edits.into_iter().filter(|edit| periods.covers(edit.seq)).collect();
        let edited_at = edits.last().map(|edit| edit.edited_at);
        let kind = match (self.kind, edits.last()) {
            (MessageKind::Text(original), Some(Edit { text, mentions, .. })) => {
                let custom = custom_after(&original, &edits).cloned();
                MessageKind::Text(Content { text: text.clone(), mentions: mentions.clone(), custom, ..original })
            }
            (MessageKind::Deleted { deleted_seq, .. }, _) if deleted_seq.is_some_and(|seq| !periods.covers(seq)) => {
                MessageKind::Deleted { deleted_by: None, deleted_seq: None, deleted_at: None }
            }
            (kind, _) => kind,
        };
        Message {
            conversation_id: self.conversation_id,
            seq: self.seq,
            message_id: self.message_id,
            sender_id: self.sender_id,
            sent_at: self.sent_at,
            client_message_id: self.client_message_id.filter(|_| self.sender_id == viewer),
            edited_at,
            reactions,
            kind,
        }
    }

    /// Returns the same message with the users who reacted.
    pub fn exported_to(self, viewer: UserId, periods: &Periods) -> Message {
        let reactions = self.reactions.named_to(viewer, periods);
        Message { reactions, ..self.shown_to(viewer, periods) }
    }

    /// Returns the message as a sender who never left sees it.
    pub fn shown_to_sender(self) -> Message {
        let sender = self.sender_id;
        self.shown_to(sender, &Periods::all())
    }
}

/// Outcome of [`Messages::put`] for one item.
#[derive(Debug)]
pub enum PutOutcome {
    /// The item was put at its seq.
    Written,
    /// This item already has the seq.
    Occupied(Box<LogItem>),
    /// A transaction in progress holds the seq; nothing was written.
    Contended,
}

/// Outcome of a transaction.
#[derive(Debug)]
pub enum Transacted {
    /// All of it is written.
    Written,
    /// None of it is: a condition did not hold, or another write to one of the items was under way.
    Refused(Box<dyn std::error::Error + Send + Sync>),
}

/// From which end to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// Items of a range of a log, in the order of the read.
#[derive(Debug)]
pub struct LogPart {
    pub items: Vec<LogItem>,
    /// Number of requests that DynamoDB ended because they had read 1 MB.
    pub megabytes: usize,
    /// True if items of the range may follow.
    pub more: bool,
}

#[derive(Clone, Debug)]
pub struct Messages {
    client: Client,
    table: String,
}

impl Messages {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads the newest item, consistently or not. Cost: half a read unit, or one if consistent, for items up to 4 KB.
    pub async fn head(&self, conversation: ConversationId, consistent: bool) -> Result<Option<LogItem>, StoreError> {
        let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
        Ok(self.read(conversation, everything, Order::Descending, 1, consistent).await?.pop())
    }

    /// Returns the seq of the newest item, read consistently; zero for an empty log. Cost: as [`Self::head`].
    pub async fn head_seq(&self, conversation: ConversationId) -> Result<Seq, StoreError> {
        Ok(self.head(conversation, true).await?.map_or(Seq::ZERO, |head| head.seq))
    }

    /// Reads up to `limit` items of a range. Cost: one request unless they exceed 1 MB.
    pub async fn read(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        order: Order,
        limit: usize,
        consistent: bool,
    ) -> Result<Vec<LogItem>, StoreError> {
        Ok(self.read_bounded(conversation, range, order, limit, usize::MAX, consistent).await?.items)
    }

    /// Reads up to `limit` items of a range, and at most `megabytes` of 1 MB: large items end the read before the limit.
    pub async fn read_bounded(
        &self,
        conversation: ConversationId,
        mut range: SeqRange,
        order: Order,
        limit: usize,
        megabytes: usize,
        consistent: bool,
    ) -> Result<LogPart, StoreError> {
        let mut part = LogPart { items: Vec::new(), megabytes: 0, more: false };
        while part.items.len() < limit && range.first <= range.last {
            let page = items_of(&self.client, &self.table, conversation, range)
                .scan_index_forward(order == Order::Ascending)
                .limit(i32::try_from(limit - part.items.len()).unwrap_or(i32::MAX))
                .consistent_read(consistent)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            part.items.extend(from_items::<_, LogItem>(page.items.unwrap_or_default())?);
            part.more = page.last_evaluated_key.is_some();
            let Some(last) = part.items.last().filter(|_| part.more) else { break };
            match order {
                Order::Ascending => range.first = last.seq.next(),
                Order::Descending => range.last = last.seq.previous(),
            }
            if part.items.len() < limit {
                part.megabytes += 1;
                if part.megabytes >= megabytes {
                    break;
                }
            }
        }
        Ok(part)
    }

    /// One item, read consistently: a read unit for each 4 KB.
    pub async fn get(&self, conversation: ConversationId, seq: Seq) -> Result<Option<LogItem>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, seq)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item.map(from_item).transpose()?)
    }

    /// Reads the existing items with these seqs, consistently and in no order. Cost: one request per hundred items.
    pub async fn get_all(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<Vec<LogItem>, StoreError> {
        let keys = seqs.iter().map(|seq| key(conversation, *seq)).collect();
        Ok(from_items(get_all(&self.client, &self.table, keys, true).await?)?)
    }

    /// Writes the item if its seq is free; otherwise returns the item that has it, free of charge. One write unit per KB in
    /// either case.
    pub async fn put(&self, item: &LogItem) -> Result<PutOutcome, StoreError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(item)?))
            .condition_expression(IS_FREE)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else { return Ok(PutOutcome::Written) };
        match error.as_service_error() {
            Some(PutItemError::TransactionConflictException(_)) => Ok(PutOutcome::Contended),
            Some(PutItemError::ConditionalCheckFailedException(failure)) if failure.item().is_some() => {
                let existing = failure.item().cloned().unwrap_or_default();
                Ok(PutOutcome::Occupied(Box::new(from_item(existing)?)))
            }
            _ => Err(StoreError::dynamodb(error)),
        }
    }

    /// The same write as part of a transaction.
    pub fn put_in_transaction(&self, item: &LogItem) -> Result<TransactWriteItem, StoreError> {
        let put =
            Put::builder().table_name(&self.table).set_item(Some(to_item(item)?)).condition_expression(IS_FREE).build();
        put.map(|put| TransactWriteItem::builder().put(put).build()).map_err(StoreError::building)
    }

    /// Replaces an item, on the condition that no event has amended it meanwhile. Returns false if one has, or if there is no row. Cost: a
    /// write unit for each KB.
    pub async fn replace(&self, item: &LogItem, before: Option<AmendedBy>) -> Result<bool, StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(to_item(item)?));
        let put = match before {
            None => put.condition_expression("attribute_exists(conversation_id) AND attribute_not_exists(amended)"),
            Some(before) => put
                .condition_expression("amended.seq = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.seq.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(
                    PutItemError::ConditionalCheckFailedException(_) | PutItemError::TransactionConflictException(_),
                ) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    /// Returns the write that replaces a message with its amended form, on the condition that no other event amended it
    /// meanwhile.
    pub fn replace_in_transaction(
        &self,
        item: &LogItem,
        before: Option<AmendedBy>,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(to_item(item)?));
        let put = match before {
            None => put.condition_expression("attribute_exists(conversation_id) AND attribute_not_exists(amended)"),
            Some(before) => put
                .condition_expression("amended.seq = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.seq.to_string())),
        };
        put.build().map(|put| TransactWriteItem::builder().put(put).build()).map_err(StoreError::building)
    }

    /// Executes a transaction of writes.
    pub async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Transacted, StoreError> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Transacted::Written),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => {
                    Ok(Transacted::Refused(Box::new(error)))
                }
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }
}

/// Begins a query for the items of a range of a log.
pub(super) fn items_of(
    client: &Client,
    table: &str,
    conversation: ConversationId,
    range: SeqRange,
) -> QueryFluentBuilder {
    client
        .query()
        .table_name(table)
        .key_condition_expression("conversation_id = :conversation AND seq BETWEEN :first AND :last")
        .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
        .expression_attribute_values(":first", AttributeValue::N(range.first.to_string()))
        .expression_attribute_values(":last", AttributeValue::N(range.last.to_string()))
}

/// Returns the key of the item at a seq, or of the index item at a negative one.
pub(super) fn key(conversation: ConversationId, seq: impl Display) -> Item {
    HashMap::from([
        ("conversation_id".to_owned(), AttributeValue::S(conversation.to_string())),
        ("seq".to_owned(), AttributeValue::N(seq.to_string())),
    ])
}
