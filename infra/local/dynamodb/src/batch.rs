//! `BatchWriteItem` as one transaction of SQLite.
//!
//! The engine commits each write of a batch by itself, which costs many times as much as the write. DynamoDB promises nothing about the order
//! of a batch's writes, so that all of them come at once is one of its outcomes.

use dynoxide::Database;
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, WriteRequest};
use dynoxide::actions::transact_write_items::{
    TransactDelete, TransactPut, TransactWriteItem, TransactWriteItemsRequest,
};
use dynoxide::types::ConsumedCapacity;
use serde_json::json;

use crate::Answer;

/// Most writes of a batch. A transaction may have more.
const MAX_WRITES: usize = 25;

/// A base table is charged twice for a write in a transaction, an index once.
const TRANSACTION_FACTOR: f64 = 2.0;

/// Carries out a batch. `None`: nothing was done, and the server has to answer.
pub(crate) fn run(database: &Database, body: &[u8]) -> Option<Answer> {
    let request: BatchWriteItemRequest = serde_json::from_slice(body).ok()?;
    let is_asked = match request.return_consumed_capacity.as_deref() {
        None | Some("NONE") => false,
        Some("TOTAL") => true,
        Some(_) => return None,
    };
    let count: usize = request.request_items.values().map(Vec::len).sum();
    if count > MAX_WRITES || request.request_items.values().any(Vec::is_empty) {
        return None;
    }
    if request.return_item_collection_metrics.is_some_and(|mode| mode != "NONE") {
        return None;
    }
    let tables = request.request_items.into_iter();
    let writes = tables.flat_map(|(table, writes)| writes.into_iter().map(move |request| write(&table, request)));
    let transaction = TransactWriteItemsRequest {
        transact_items: writes.collect::<Option<_>>()?,
        return_consumed_capacity: Some("INDEXES".to_owned()),
        ..TransactWriteItemsRequest::default()
    };
    // An error has changed nothing, so the server may do it again for its words.
    let done = database.transact_write_items(transaction).ok()?;
    let mut units: Vec<(String, f64)> = done.consumed_capacity.iter().flatten().map(units_of).collect();
    units.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut answer = json!({"UnprocessedItems": {}});
    if is_asked {
        let consumed = units.iter().map(|(table, units)| json!({"TableName": table, "CapacityUnits": units}));
        answer["ConsumedCapacity"] = consumed.collect();
    }
    Some(Answer { is_success: true, body: serde_json::to_vec(&answer).ok()?, units })
}

/// Returns `None` for a request that is neither a put nor a delete.
fn write(table: &str, request: WriteRequest) -> Option<TransactWriteItem> {
    let table_name = table.to_owned();
    match (request.put_request, request.delete_request) {
        (Some(put), None) => {
            let put = TransactPut { table_name, item: put.item, ..TransactPut::default() };
            Some(TransactWriteItem { put: Some(put), ..TransactWriteItem::default() })
        }
        (None, Some(delete)) => {
            let delete = TransactDelete { table_name, key: delete.key, ..TransactDelete::default() };
            Some(TransactWriteItem { delete: Some(delete), ..TransactWriteItem::default() })
        }
        _ => None,
    }
}

/// Returns a table and what a batch is charged for it.
fn units_of(consumed: &ConsumedCapacity) -> (String, f64) {
    let of_table = consumed.table.as_ref().map_or(consumed.capacity_units, |table| table.capacity_units);
    let units = consumed.capacity_units - of_table + of_table / TRANSACTION_FACTOR;
    (consumed.table_name.clone(), units)
}
