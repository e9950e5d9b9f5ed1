//! Single entries of the table, for the comparison with SQL and its repairs.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::{ConversationId, UserId};
use serde::Serialize;
use serde_dynamo::{from_items, to_item};

use super::{ACTIVE, ActiveMember, CONVERSATION, ConversationItem, FORMER, FormerMember, Members, active, former, key};
use crate::StoreError;
use crate::dynamodb::Item;

/// After every id of a user.
const LAST: &str = "~";

impl Members {
    /// Reads the items of all active and former members after `after`, up to and including `last`. Cost: two consistent requests,
    /// and more above 1 MB.
    pub async fn entries(
        &self,
        conversation: ConversationId,
        after: UserId,
        last: Option<UserId>,
    ) -> Result<(Vec<ActiveMember>, Vec<FormerMember>), StoreError> {
        let mut active: Vec<ActiveMember> = from_items(self.with_prefix(conversation, ACTIVE, after, last).await?)?;
        let mut former: Vec<FormerMember> = from_items(self.with_prefix(conversation, FORMER, after, last).await?)?;
        // A range of keys includes both of its ends.
        active.retain(|member| member.user_id != after);
        former.retain(|member| member.user_id != after);
        Ok((active, former))
    }

    async fn with_prefix(
        &self,
        conversation: ConversationId,
        prefix: &str,
        after: UserId,
        last: Option<UserId>,
    ) -> Result<Vec<Item>, StoreError> {
        let last = last.map_or_else(|| LAST.to_owned(), |user| user.to_string());
        self.between(conversation.to_string(), format!("{prefix}{after}"), format!("{prefix}{last}")).await
    }

    /// Reads all items of a partition from one entry up to another, both included. Cost: one consistent request, and more above 1 MB.
    pub(super) async fn between(
        &self,
        partition: String,
        first: String,
        last: String,
    ) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :partition AND entry BETWEEN :first AND :last")
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(":last", AttributeValue::S(last))
            .consistent_read(true);
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let page = query.clone().set_exclusive_start_key(start).send().await.map_err(StoreError::dynamodb)?;
            found.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Returns the write that makes a conversation's item this one, on the condition that it still has the version `before`, or
    /// does not exist.
    pub fn put_conversation(
        &self,
        item: &ConversationItem,
        before: Option<u64>,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(entry(item, CONVERSATION.to_owned())?));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(conversation_id)"),
            Some(version) => put
                .condition_expression("version = :before")
                .expression_attribute_values(":before", AttributeValue::N(version.to_string())),
        };
        put.build().map(|put| TransactWriteItem::builder().put(put).build()).map_err(StoreError::building)
    }

    /// Returns the write that makes the item of a former member this one.
    pub fn put_former(&self, member: &FormerMember) -> Result<TransactWriteItem, StoreError> {
        self.put_entry(member, former(member.user_id))
    }

    /// Returns the write that makes the item of an active member this one.
    pub fn put_active(&self, member: &ActiveMember) -> Result<TransactWriteItem, StoreError> {
        self.put_entry(member, active(member.user_id))
    }

    fn put_entry(&self, item: &impl Serialize, sort_key: String) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(entry(item, sort_key)?)).build();
        put.map(|put| TransactWriteItem::builder().put(put).build()).map_err(StoreError::building)
    }

    /// Returns the write that removes the item of an active member.
    pub fn delete_active(&self, conversation: ConversationId, user: UserId) -> Result<TransactWriteItem, StoreError> {
        self.delete_entry(key(conversation, active(user)))
    }

    /// Returns the write that removes the item of a former member.
    pub fn delete_former(&self, conversation: ConversationId, user: UserId) -> Result<TransactWriteItem, StoreError> {
        self.delete_entry(key(conversation, former(user)))
    }

    fn delete_entry(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
        delete.map(|delete| TransactWriteItem::builder().delete(delete).build()).map_err(StoreError::building)
    }
}

fn entry(item: &impl Serialize, entry: String) -> Result<Item, StoreError> {
    let mut attributes: Item = to_item(item)?;
    attributes.insert("entry".to_owned(), AttributeValue::S(entry));
    Ok(attributes)
}
