//! Table `messages`: what is deleted of a log because it has expired.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::period::SeqRange;
use domain::{ConversationId, Seq};
use serde_dynamo::from_items;

use super::chunks::ChunkItem;
use super::messages::{LogItem, items_of, key};
use crate::StoreError;

/// Reads and deletes the oldest items of logs.
#[derive(Clone, Debug)]
pub struct ExpiredItems {
    client: Client,
    /// Name of the table `messages`.
    table: String,
}

impl ExpiredItems {
    /// The table `messages` with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads up to `limit` of the oldest rows up to a seq, consistently. Cost: a read unit for each 4 KB.
    pub async fn rows(
        &self,
        conversation: ConversationId,
        expired_seq: Seq,
        limit: i32,
    ) -> Result<Vec<LogItem>, StoreError> {
        let range = SeqRange { first: Seq(1), last: expired_seq };
        let page = items_of(&self.client, &self.table, conversation, range)
            .limit(limit)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(from_items(page.items.unwrap_or_default())?)
    }

    /// Deletes a row. Safe to repeat. Cost: a write unit for each KB.
    pub async fn delete_row(&self, conversation: ConversationId, seq: Seq) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(conversation, seq)));
        delete.send().await.map(drop).map_err(StoreError::dynamodb)
    }

    /// Deletes the index item of a segment, if it is still this one.
    pub async fn delete_segment(&self, chunk: &ChunkItem) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(chunk.conversation_id, chunk.place)))
            .condition_expression("attribute_not_exists(conversation_id) OR generation = :generation")
            .expression_attribute_values(":generation", AttributeValue::N(chunk.generation.to_string()))
            .send()
            .await;
        match deleted {
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                // Another worker has put a newer one there, which is deleted in the next step.
                Ok(())
            }
            deleted => deleted.map(drop).map_err(StoreError::dynamodb),
        }
    }
}
