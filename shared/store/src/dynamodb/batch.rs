//! Reading and writing many items by key.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeysAndAttributes, WriteRequest};
use futures_util::future::try_join_all;

use super::Item;
use super::retry::back_off;
use crate::StoreError;

/// Most keys of one `BatchGetItem`.
const KEYS_PER_BATCH: usize = 100;

/// Most writes of one `BatchWriteItem`.
const WRITES_PER_BATCH: usize = 25;

/// Most requests for one batch. Each returns something, so that only a throttled table needs more.
const MAX_ROUNDS: u32 = 10;

/// Reads the items that exist, in no order. Cost: one request per hundred keys, sent concurrently. Unprocessed keys are
/// requested again, up to [`MAX_ROUNDS`] times in all.
pub(super) async fn get_all(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let batches = keys.chunks(KEYS_PER_BATCH).map(|keys| get_batch(client, table, keys.to_vec(), consistent));
    Ok(try_join_all(batches).await?.into_iter().flatten().collect())
}

async fn get_batch(client: &Client, table: &str, keys: Vec<Item>, consistent: bool) -> Result<Vec<Item>, StoreError> {
    let request = KeysAndAttributes::builder().consistent_read(consistent).set_keys(Some(keys)).build();
    let mut request = request.map_err(StoreError::building)?;
    let mut items = Vec::new();
    for round in 0..MAX_ROUNDS {
        let page = client.batch_get_item().request_items(table, request).send().await.map_err(StoreError::dynamodb)?;
        items.extend(page.responses.into_iter().flat_map(HashMap::into_values).flatten());
        let Some(rest) = page.unprocessed_keys.and_then(|mut rest| rest.remove(table)) else { return Ok(items) };
        request = rest;
        back_off(round).await;
    }
    Err(StoreError::Busy { service: "DynamoDB", source: Box::new(Unprocessed) })
}

/// Carries out writes of different items, in no order. Cost: one request per 25 writes, sent concurrently. Unprocessed writes
/// are sent again, up to [`MAX_ROUNDS`] times in all.
pub(super) async fn write_all(client: &Client, table: &str, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
    let batches = writes.chunks(WRITES_PER_BATCH).map(|writes| write_batch(client, table, writes.to_vec()));
    try_join_all(batches).await?;
    Ok(())
}

/// The same for one batch.
pub(super) async fn write_batch(client: &Client, table: &str, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
    for round in 0..MAX_ROUNDS {
        let written = client.batch_write_item().request_items(table, writes).send().await;
        let rest = written.map_err(StoreError::dynamodb)?.unprocessed_items.and_then(|mut rest| rest.remove(table));
        let Some(rest) = rest else { return Ok(()) };
        writes = rest;
        back_off(round).await;
    }
    Err(StoreError::Busy { service: "DynamoDB", source: Box::new(Unprocessed) })
}

/// DynamoDB left entries unprocessed after every retry.
#[derive(Debug, thiserror::Error)]
#[error("DynamoDB did not process all items of a batch")]
struct Unprocessed;
