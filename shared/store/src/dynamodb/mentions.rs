//! Table `read_status`, the partitions `mentions#<user>`: the messages that mention a user, an item for each.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `pk` | S | partition key: `mentions#<user>` |
//! | `sk` | S | sort key: time, conversation and seq of the message, as [`MentionPosition`] writes them |
//! | `ttl` | N | epoch seconds after which the item expires: [`KEPT`] after the message |
//!
//! An item only says where to look: the log decides whether the message still mentions the user, and whether they may see it. It has no
//! words, is written by the stream of `messages`, and never changes.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use domain::{MentionPosition, Timestamp, UserId};

use super::Item;
use super::batch::write_all;
use crate::StoreError;

/// Time for which a message stays in the list of those whom it mentions.
pub const KEPT: Duration = Duration::from_hours(90 * 24);

/// Items that one request removes the keys of.
const REMOVED_AT_ONCE: i32 = 250;

/// The messages that mention users.
#[derive(Clone, Debug)]
pub struct Mentions {
    client: Client,
    table: String,
}

impl Mentions {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Records that a message mentions these users, each once. Safe to repeat. Cost: a write unit for each user, a request for each 25 of them;
    /// nothing for a message that is too old.
    pub async fn add(&self, users: &[UserId], position: MentionPosition) -> Result<(), StoreError> {
        let expires_at = position.sent_at.plus(KEPT);
        if expires_at <= Timestamp::now() {
            return Ok(());
        }
        let put = |user: &UserId| {
            let mut item = key(*user, position.to_string());
            item.insert("ttl".to_owned(), AttributeValue::N(expires_at.epoch_seconds().to_string()));
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(StoreError::building)?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let writes: Result<Vec<_>, StoreError> = users.iter().map(put).collect();
        write_all(&self.client, &self.table, writes?).await
    }

    /// Returns up to `limit` positions before `before`, newest first, of messages that are not too old. Consistent. Cost: one request, a read unit
    /// for each 4 KB: some 35 positions.
    pub async fn newest(
        &self,
        user: UserId,
        before: Option<MentionPosition>,
        limit: usize,
    ) -> Result<Vec<MentionPosition>, StoreError> {
        // Items stay for days after they have expired.
        let oldest = MentionPosition::first_at(Timestamp::now().minus(KEPT));
        let newest = before.unwrap_or(MentionPosition::first_at(Timestamp::MAX));
        if newest <= oldest {
            return Ok(Vec::new());
        }
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :oldest AND :newest")
            .expression_attribute_values(":pk", AttributeValue::S(partition(user)))
            .expression_attribute_values(":oldest", AttributeValue::S(oldest.to_string()))
            .expression_attribute_values(":newest", AttributeValue::S(newest.to_string()))
            .scan_index_forward(false)
            .consistent_read(true)
            // The range has both of its ends, and the page has not.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let page = query.send().await.map_err(StoreError::dynamodb)?;
        let positions: Result<Vec<_>, StoreError> = page.items.unwrap_or_default().iter().map(position_of).collect();
        let mut positions = positions?;
        positions.retain(|position| Some(*position) != before);
        positions.truncate(limit);
        Ok(positions)
    }

    /// Removes all items of a user. Safe to repeat. Cost: a request for each 25 of them, and a write unit for each.
    pub async fn remove_all(&self, user: UserId) -> Result<(), StoreError> {
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(partition(user)))
                .projection_expression("pk, sk")
                .consistent_read(true)
                .limit(REMOVED_AT_ONCE)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            let deletions = page.items.unwrap_or_default().into_iter().map(|key| {
                let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(StoreError::building)?;
                Ok(WriteRequest::builder().delete_request(delete).build())
            });
            write_all(&self.client, &self.table, deletions.collect::<Result<_, StoreError>>()?).await?;
            if page.last_evaluated_key.is_none() {
                return Ok(());
            }
        }
    }
}

fn partition(user: UserId) -> String {
    format!("mentions#{user}")
}

fn key(user: UserId, position: String) -> Item {
    Item::from([("pk".to_owned(), AttributeValue::S(partition(user))), ("sk".to_owned(), AttributeValue::S(position))])
}

fn position_of(item: &Item) -> Result<MentionPosition, StoreError> {
    let position = item.get("sk").and_then(|sk| sk.as_s().ok()).and_then(|sk| sk.parse().ok());
    position.ok_or_else(|| StoreError::Inconsistent("a mention has no position".to_owned()))
}
