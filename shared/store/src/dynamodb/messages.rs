//! Table `messages`: the logs of all conversations.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `conversation_id` | S | partition key |
//! | `seq` | N | sort key: 1, 2, 3, … without holes |
//! | `message_id`, `sender_id`, `sent_at`, `kind` and the fields of the kind | | the message |
//! | `client_message_id`, `digest` | S | of texts: by these a resend is recognised |
//! | `attempt` | S | random per invocation: tells the SDK's own retry from another writer |
//! | `members_seq` | N | place of the newest change of membership up to here, itself included |
//!
//! An item is written once, on the condition that its place is free, and its place is never given again.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure};
use domain::period::SeqRange;
use domain::{ClientMessageId, ConversationId, Message, MessageId, MessageKind, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items, to_item};
use uuid::Uuid;

use super::millis;
use crate::StoreError;

/// The place is free.
const IS_FREE: &str = "attribute_not_exists(conversation_id)";

/// One item of a log, as it stands in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogItem {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// The message's id.
    pub message_id: MessageId,
    /// Who said or did it.
    pub sender_id: UserId,
    /// When; later than the item before.
    #[serde(with = "millis")]
    pub sent_at: Timestamp,
    /// Place of the newest change of membership up to here.
    pub members_seq: Seq,
    /// The invocation that wrote it.
    pub attempt: Uuid,
    /// The sender's id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// Fingerprint of the content as it was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub kind: MessageKind,
}

impl From<LogItem> for Message {
    fn from(item: LogItem) -> Self {
        Self {
            conversation_id: item.conversation_id,
            seq: item.seq,
            message_id: item.message_id,
            sender_id: item.sender_id,
            sent_at: item.sent_at,
            client_message_id: item.client_message_id,
            kind: item.kind,
        }
    }
}

/// What became of a [`Messages::put`].
#[derive(Debug)]
pub enum PutOutcome {
    /// The item has its place.
    Written,
    /// The place was taken, by this.
    Taken(Box<LogItem>),
}

/// From which end to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Lowest seq first.
    Ascending,
    /// Highest seq first.
    Descending,
}

/// The table.
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

    /// The newest item, read consistently or not. Half a read unit, or one where consistent, for items up to 4 KB.
    pub async fn head(&self, conversation: ConversationId, consistent: bool) -> Result<Option<LogItem>, StoreError> {
        let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
        Ok(self.read(conversation, everything, Order::Descending, 1, consistent).await?.pop())
    }

    /// Up to `limit` items of a range. One request unless they exceed 1 MB.
    pub async fn read(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        order: Order,
        limit: usize,
        consistent: bool,
    ) -> Result<Vec<LogItem>, StoreError> {
        let mut items: Vec<LogItem> = Vec::new();
        let mut start = None;
        while items.len() < limit {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("conversation_id = :conversation AND seq BETWEEN :first AND :last")
                .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
                .expression_attribute_values(":first", AttributeValue::N(range.first.to_string()))
                .expression_attribute_values(":last", AttributeValue::N(range.last.to_string()))
                .scan_index_forward(order == Order::Ascending)
                .limit(i32::try_from(limit - items.len()).unwrap_or(i32::MAX))
                .consistent_read(consistent)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            items.extend(from_items::<_, LogItem>(page.items.unwrap_or_default())?);
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// Writes the item if its place is free. One write unit per KB, taken or not; the item that stands there comes
    /// back free of charge.
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
        if let Some(PutItemError::ConditionalCheckFailedException(failure)) = error.as_service_error()
            && let Some(existing) = failure.item()
        {
            return Ok(PutOutcome::Taken(Box::new(from_item(existing.clone())?)));
        }
        Err(StoreError::dynamodb(error))
    }

    /// The same write as part of a transaction.
    pub(crate) fn put_in_transaction(&self, item: &LogItem) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(item)?))
            .condition_expression(IS_FREE)
            .build()
            .map_err(StoreError::building)
    }
}
