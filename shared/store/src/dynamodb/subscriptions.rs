//! Table `subscriptions`: the connections that are subscribed to a public conversation.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `shard` | S | partition key: `<conversation>#<shard>`, see [`domain::subscription`] |
//! | `connection_id` | S | sort key: API Gateway's id |
//! | `user_id` | S | the subscribed user |
//! | `exp` | N | epoch seconds, also the TTL: nothing is pushed to the connection afterwards |
//!
//! A subscription does not imply membership: readers must check that the user still is a member.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use domain::error::causes;
use domain::subscription::{earlier_shards, shard};
use domain::{ConversationId, EndedConnection, Timestamp, UserId};

use super::Item;
use super::batch::write_all;
use crate::StoreError;

const SHARD: &str = "shard";
const CONNECTION: &str = "connection_id";
const USER: &str = "user_id";
const EXP: &str = "exp";

/// A connection that has a public conversation open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub conversation_id: ConversationId,
    pub shard: u32,
    pub user_id: UserId,
    /// API Gateway's id of it.
    pub connection_id: String,
    /// Expiry, in epoch seconds.
    pub exp: i64,
}

/// Subscriptions of one shard.
#[derive(Debug)]
pub struct Page {
    /// The valid subscriptions, ordered by connection id.
    pub subscriptions: Vec<Subscription>,
    /// Subscriptions that ended with the token of their connection, or with the connection.
    pub expired: Vec<Subscription>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl Subscription {
    /// Describes the connection of an expired subscription.
    pub fn ended(&self) -> EndedConnection {
        let (user_id, connection_id) = (self.user_id, self.connection_id.clone());
        EndedConnection { user_id, connection_id, at: Timestamp::nearest(self.exp.saturating_mul(1000)) }
    }
}

#[derive(Clone, Debug)]
pub struct Subscriptions {
    client: Client,
    table: String,
}

impl Subscriptions {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Adds or renews a subscription in the connection's shard for the current number of shards, and removes it from all
    /// others. Cost: one request with one write unit for one shard, up to seven for 64 shards.
    pub async fn put(&self, user: UserId, key: SubscriptionKey<'_>, exp: i64) -> Result<(), StoreError> {
        let SubscriptionKey { conversation_id, connection_id, shards } = key;
        let mut item = self::key(conversation_id, shard(connection_id, shards), connection_id);
        item.insert(USER.to_owned(), AttributeValue::S(user.to_string()));
        item.insert(EXP.to_owned(), AttributeValue::N(exp.to_string()));
        let put = PutRequest::builder().set_item(Some(item)).build().map_err(StoreError::building)?;
        let mut writes = vec![WriteRequest::builder().put_request(put).build()];
        for earlier in earlier_shards(connection_id, shards) {
            writes.push(delete(conversation_id, earlier, connection_id)?);
        }
        write_all(&self.client, &self.table, writes).await
    }

    /// Removes a subscription, if it exists. The cost is that of [`Subscriptions::put`].
    pub async fn remove(&self, key: SubscriptionKey<'_>) -> Result<(), StoreError> {
        let SubscriptionKey { conversation_id, connection_id, shards } = key;
        let all = earlier_shards(connection_id, shards).into_iter().chain([shard(connection_id, shards)]);
        let writes = all.map(|shard| delete(conversation_id, shard, connection_id)).collect::<Result<_, _>>()?;
        write_all(&self.client, &self.table, writes).await
    }

    /// Removes subscriptions whose connection is disconnected, or whose user is no longer a member. If that fails, the next
    /// push finds them again.
    pub async fn remove_stale(&self, stale: &[&Subscription]) {
        let deletes = stale.iter().map(|stale| delete(stale.conversation_id, stale.shard, &stale.connection_id));
        let removal = async { write_all(&self.client, &self.table, deletes.collect::<Result<_, _>>()?).await };
        if let Err(error) = removal.await {
            let conversation_id = stale.first().map(|stale| tracing::field::display(stale.conversation_id));
            let connection_ids: Vec<&str> = stale.iter().map(|stale| stale.connection_id.as_str()).collect();
            tracing::warn!(
                conversation_id,
                ?connection_ids,
                error = causes(&error),
                "stale subscriptions were not removed"
            );
        }
    }

    /// Reads the next `limit` subscriptions of a shard after a connection, and returns those valid at `now`. Cost: one
    /// consistent request, one read unit per twenty subscriptions.
    pub async fn page(
        &self,
        conversation: ConversationId,
        shard: u32,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#shard = :shard")
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_values(":shard", AttributeValue::S(partition(conversation, shard)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|connection_id| key(conversation, shard, connection_id)))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        let next = page.last_evaluated_key.as_ref().and_then(|key| text(key, CONNECTION)).map(str::to_owned);
        let all = page.items.unwrap_or_default();
        let (mut subscriptions, mut expired) = (Vec::with_capacity(all.len()), Vec::new());
        for item in &all {
            let subscription = parse(conversation, shard, item)
                .ok_or_else(|| StoreError::Inconsistent("an item of `subscriptions` is malformed".to_owned()))?;
            // DynamoDB deletes expired items with a delay.
            if subscription.exp > now.epoch_seconds() {
                subscriptions.push(subscription);
            } else {
                expired.push(subscription);
            }
        }
        Ok(Page { subscriptions, expired, next })
    }
}

/// The key of a connection's subscription.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionKey<'c> {
    pub conversation_id: ConversationId,
    /// API Gateway's id of the connection.
    pub connection_id: &'c str,
    /// Number of shards of the conversation.
    pub shards: u32,
}

fn partition(conversation: ConversationId, shard: u32) -> String {
    format!("{conversation}#{shard}")
}

fn key(conversation: ConversationId, shard: u32, connection_id: &str) -> Item {
    HashMap::from([
        (SHARD.to_owned(), AttributeValue::S(partition(conversation, shard))),
        (CONNECTION.to_owned(), AttributeValue::S(connection_id.to_owned())),
    ])
}

fn delete(conversation: ConversationId, shard: u32, connection_id: &str) -> Result<WriteRequest, StoreError> {
    let delete = DeleteRequest::builder().set_key(Some(key(conversation, shard, connection_id))).build();
    Ok(WriteRequest::builder().delete_request(delete.map_err(StoreError::building)?).build())
}

fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn parse(conversation_id: ConversationId, shard: u32, item: &Item) -> Option<Subscription> {
    Some(Subscription {
        conversation_id,
        shard,
        user_id: text(item, USER)?.parse().ok()?,
        connection_id: text(item, CONNECTION)?.to_owned(),
        exp: item.get(EXP)?.as_n().ok()?.parse().ok()?,
    })
}
