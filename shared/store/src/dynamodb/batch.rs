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

/// The items that exist, in no order. One request per hundred keys, all at once; what the service leaves unprocessed
/// is asked for again until it is there or the service refuses.
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
    let wanted = KeysAndAttributes::builder().consistent_read(consistent).set_keys(Some(keys)).build();
    let mut request = Some(wanted.map_err(StoreError::building)?);
    let mut items = Vec::new();
    let mut round = 0;
    while let Some(keys) = request.take() {
        let page = client.batch_get_item().request_items(table, keys).send().await.map_err(StoreError::dynamodb)?;
        items.extend(page.responses.into_iter().flat_map(HashMap::into_values).flatten());
        request = page.unprocessed_keys.and_then(|mut rest| rest.remove(table));
        if request.is_some() {
            back_off(round).await;
            round += 1;
        }
    }
    Ok(items)
}

/// Carries out writes of different items, in no order. One request for each 25, all at once; what the service leaves
/// unprocessed is asked for again until it is done or the service refuses.
pub(super) async fn write_all(client: &Client, table: &str, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
    let batches = writes.chunks(WRITES_PER_BATCH).map(|writes| write_batch(client, table, writes.to_vec()));
    try_join_all(batches).await?;
    Ok(())
}

async fn write_batch(client: &Client, table: &str, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
    let mut request = Some(writes);
    let mut round = 0;
    while let Some(writes) = request.take() {
        let written = client.batch_write_item().request_items(table, writes).send().await;
        request = written.map_err(StoreError::dynamodb)?.unprocessed_items.and_then(|mut rest| rest.remove(table));
        if request.is_some() {
            back_off(round).await;
            round += 1;
        }
    }
    Ok(())
}
