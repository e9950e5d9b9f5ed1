//! Cost of writes that a condition refused: DynamoDB bills them without saying how much.

use dynoxide::Item;
use dynoxide::types::{TRANSACTIONAL_CAPACITY_FACTOR, item_size, table_write_capacity_units};
use serde_json::Value;

use super::Tables;
use super::writes::{Write, writes};

impl Tables {
    /// Write units, by table, of a request that was refused with `ConditionalCheckFailedException` or
    /// `TransactionCanceledException`: those of the larger of the existing item and the new one, at least one
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>).
    /// The size that an update would have given its item is unknown. AWS does not document the cost of a cancelled transaction;
    /// it is counted in full, at twice the units.
    pub fn refused_write_units(&self, operation: &str, input: &Value) -> Vec<(String, f64)> {
        let factor = if operation == "TransactWriteItems" { TRANSACTIONAL_CAPACITY_FACTOR } else { 1.0 };
        let writes = writes(operation, input);
        writes.iter().map(|write| (write.table.to_owned(), factor * self.units_of(write))).collect()
    }

    fn units_of(&self, write: &Write<'_>) -> f64 {
        let brought = write.item.and_then(|item| serde_json::from_value::<Item>(item.clone()).ok());
        let there = match self.item(write.table, &self.key_of(write.table, write.key)) {
            Ok(there) => there,
            Err(error) => {
                tracing::debug!(%error, "write units are counted without the existing item");
                None
            }
        };
        table_write_capacity_units(there.as_ref().map(item_size), brought.as_ref().map(item_size))
    }
}
