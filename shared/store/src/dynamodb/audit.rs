//! Table `audit`: what backends have done with server tokens, an item for each request.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `shard` | S | partition key: `<client>#<day>#<shard>`, the day in UTC |
//! | `entry` | S | sort key: time and id of the request, as [`AuditCursor`] writes them |
//! | `client_id`, `at`, `request_id`, `route`, `path`, `acted_as`, `user_ids` | | see [`AuditEntry`] |
//! | `outcome` | M | the answer; absent while the request is under way |
//! | `ttl` | N | epoch seconds after which the item expires |
//!
//! A request writes its item twice: before it takes effect, and, with its outcome, before it is answered. A day of a client is
//! spread over a few partitions, since one takes a thousand writes a second; a page reads all of them.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::protocol::http::{AuditCursor, AuditDay, AuditEntry};
use futures_util::future::try_join_all;
use serde_dynamo::{from_items, to_item};

use super::Item;
use crate::StoreError;

/// A reserved word of DynamoDB's expressions.
const SHARD: &str = "shard";

/// Partitions of a day of a client: together they take 2,000 requests a second.
const SHARDS: u32 = 4;

/// The audit of backends.
#[derive(Clone, Debug)]
pub struct Audit {
    client: Client,
    table: String,
    /// Time for which entries are kept.
    kept: Duration,
}

impl Audit {
    /// The table with this name, whose entries are kept for a time.
    pub fn new(client: Client, table: String, kept: Duration) -> Self {
        Self { client, table, kept }
    }

    /// Writes an entry, in place of an earlier one of the same request that has no outcome or less. Cost: one write unit for each KB.
    pub async fn put(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut item: Item = to_item(entry)?;
        let shard = shard(&entry.client_id, AuditDay::of(entry.at), shard_of(&entry.request_id));
        item.insert(SHARD.to_owned(), AttributeValue::S(shard));
        item.insert("entry".to_owned(), AttributeValue::S(entry.cursor().to_string()));
        let ttl = entry.at.plus(self.kept).epoch_seconds();
        item.insert("ttl".to_owned(), AttributeValue::N(ttl.to_string()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        // A late repetition of the first write must not remove the outcome.
        let put =
            put.set_condition_expression(entry.outcome.is_none().then(|| "attribute_not_exists(outcome)".to_owned()));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// Reads the first `limit` entries of a day of a client after a position, oldest first. Cost: four concurrent requests, each a
    /// read unit for each 4 KB.
    pub async fn page(
        &self,
        client_id: &str,
        day: AuditDay,
        after: Option<&AuditCursor>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        // The smallest text that a key may have sorts before every entry.
        let after = after.map_or_else(|| " ".to_owned(), ToString::to_string);
        let reads = (0..SHARDS).map(|number| self.of_shard(shard(client_id, day, number), after.clone(), limit));
        let mut entries: Vec<AuditEntry> = try_join_all(reads).await?.into_iter().flatten().collect();
        entries.sort_by_cached_key(AuditEntry::cursor);
        entries.truncate(limit);
        Ok(entries)
    }

    async fn of_shard(&self, shard: String, after: String, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let (mut entries, mut start) = (Vec::<AuditEntry>::new(), None);
        loop {
            let left = limit.saturating_sub(entries.len());
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("#shard = :shard AND entry > :after")
                .expression_attribute_names("#shard", SHARD)
                .expression_attribute_values(":shard", AttributeValue::S(shard.clone()))
                .expression_attribute_values(":after", AttributeValue::S(after.clone()))
                .consistent_read(true)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            let read: Vec<AuditEntry> = from_items(page.items.unwrap_or_default())?;
            entries.extend(read);
            start = page.last_evaluated_key;
            // A query ends after 1 MB as well.
            if start.is_none() || entries.len() >= limit {
                return Ok(entries);
            }
        }
    }
}

fn shard(client_id: &str, day: AuditDay, number: u32) -> String {
    format!("{client_id}#{day}#{number}")
}

/// Returns the shard of a request: its id is random, and ends with a hexadecimal digit.
fn shard_of(request_id: &str) -> u32 {
    request_id.chars().last().and_then(|last| last.to_digit(16)).unwrap_or_default() % SHARDS
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn shards_are_used_evenly() {
        let mut counts = [0; SHARDS as usize];
        for digit in "0123456789abcdef".chars() {
            counts[shard_of(&format!("6f0d5a63-{digit}")) as usize] += 1;
        }
        assert_eq!(counts, [4; SHARDS as usize]);
        assert_eq!(shard("web", AuditDay::of(Timestamp::MIN), 3), "web#1970-01-01#3");
    }
}
