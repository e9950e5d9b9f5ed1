//! Items of a conversation that an import brings, in the tables `messages`, `members`, `delivery_status` and `read_status`.
//!
//! Nobody else writes under the id of such a conversation: a writer needs its item `#conversation`, which is put after everything that
//! its log has. So these puts have no condition, and a repeated one writes the same item.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use domain::receipt::Watermark;
use domain::{ConversationId, ReceiptKind, Seq, UserId};
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_dynamo::to_item;

use super::batch::write_batch;
use super::members::{self, ActiveMember, ConversationItem, FormerMember};
use super::messages::LogItem;
use super::watermarks;
use super::{Item, Watermarks};
use crate::StoreError;

/// Writes of one request.
const WRITES_PER_BATCH: usize = 25;

/// Requests that are under way at once. Items are written in their order but for these, so that few are missing before a late one.
const BATCHES_AT_ONCE: usize = 16;

/// Writes and removes what belongs to a conversation that an import brings.
#[derive(Clone, Debug)]
pub struct ImportedItems {
    client: Client,
    /// Names of the tables.
    messages: String,
    members: String,
    watermarks: Watermarks,
}

impl ImportedItems {
    /// The tables `messages` and `members` with these names.
    pub fn new(client: Client, messages: String, members: String, watermarks: Watermarks) -> Self {
        Self { client, messages, members, watermarks }
    }

    /// Writes items of logs. Cost: a request for each 25, and a write unit for each KB of an item.
    pub async fn put_log(&self, items: impl Iterator<Item = &LogItem>) -> Result<(), StoreError> {
        let writes = items.map(|item| Ok(put(to_item(item)?))).collect::<Result<_, StoreError>>()?;
        self.write(&self.messages, writes).await
    }

    /// Writes the items of members and former members. Cost: as above.
    pub async fn put_members(&self, active: &[ActiveMember], former: &[FormerMember]) -> Result<(), StoreError> {
        let entry = |mut item: Item, entry: String| {
            item.insert("entry".to_owned(), AttributeValue::S(entry));
            put(item)
        };
        let active = active.iter().map(|member| Ok(entry(to_item(member)?, members::active(member.user_id))));
        let former = former.iter().map(|member| Ok(entry(to_item(member)?, members::former(member.user_id))));
        self.write(&self.members, active.chain(former).collect::<Result<_, StoreError>>()?).await
    }

    /// Puts the item `#conversation`, unless it is there: from then on there are readers and writers. Returns false if it is there. Cost: a
    /// write unit.
    pub async fn put_conversation(&self, conversation: &ConversationItem) -> Result<bool, StoreError> {
        let mut item: Item = to_item(conversation)?;
        item.insert("entry".to_owned(), AttributeValue::S(members::CONVERSATION.to_owned()));
        let put = self.client.put_item().table_name(&self.members).set_item(Some(item));
        match put.condition_expression("attribute_not_exists(entry)").send().await {
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            result => result.map(|_| true).map_err(StoreError::dynamodb),
        }
    }

    /// Writes the watermarks of users who have received and read everything. Cost: two write units for each user.
    pub async fn put_watermarks(&self, marks: &[(ConversationId, UserId, Watermark)]) -> Result<(), StoreError> {
        let of_kind = |kind| {
            let item = |(conversation, user, mark): &(ConversationId, UserId, Watermark)| {
                put(watermarks::watermark_item(*conversation, *user, *mark))
            };
            self.write(self.watermarks.table(kind), marks.iter().map(item).collect())
        };
        try_join(of_kind(ReceiptKind::Delivered), of_kind(ReceiptKind::Read)).await.map(drop)
    }

    /// Deletes all items of the log, and of its index of the archive. Returns the seq of the last row. Cost: reading them, and a write unit for
    /// each KB.
    pub async fn clear_log(&self, conversation: ConversationId) -> Result<Seq, StoreError> {
        let (mut last, mut start) = (Seq::ZERO, None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.messages)
                .key_condition_expression("conversation_id = :conversation")
                .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
                .projection_expression("conversation_id, seq")
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            let keys = page.items.unwrap_or_default();
            // Index items have negative seqs.
            let seq = |item: &Item| item.get("seq")?.as_n().ok()?.parse().ok().map(Seq);
            last = keys.iter().filter_map(seq).next_back().unwrap_or(last);
            self.write(&self.messages, keys.into_iter().map(delete).collect()).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(last);
            }
        }
    }

    /// Deletes the items of members. Cost: reading them, and a write unit for each.
    pub async fn clear_members(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.members)
                .key_condition_expression("conversation_id = :conversation")
                .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
                .projection_expression("conversation_id, entry")
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            let keys = page.items.unwrap_or_default();
            self.write(&self.members, keys.into_iter().map(delete).collect()).await?;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    async fn write(&self, table: &str, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut writes = writes.into_iter();
        let batches = std::iter::from_fn(|| {
            let batch: Vec<WriteRequest> = writes.by_ref().take(WRITES_PER_BATCH).collect();
            (!batch.is_empty()).then(|| write_batch(&self.client, table, batch))
        });
        stream::iter(batches).buffered(BATCHES_AT_ONCE).try_collect().await
    }
}

fn put(item: Item) -> WriteRequest {
    let put = PutRequest::builder().set_item(Some(item)).build().expect("an item was set");
    WriteRequest::builder().put_request(put).build()
}

fn delete(key: Item) -> WriteRequest {
    let delete = DeleteRequest::builder().set_key(Some(key)).build().expect("a key was set");
    WriteRequest::builder().delete_request(delete).build()
}
