//! Receipts that arrive out of order.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::receipt::Watermark;
use domain::{Receipt, Seq};

use super::{Watermarks, millis, older_item, older_partition, older_sort, text_number, watermark_key};
use crate::StoreError;

/// Most older receipts that one transaction rewrites; DynamoDB allows a hundred items.
const MAX_ROWS_PER_TRANSACTION: usize = 90;

/// Outcome of a late receipt.
pub(super) enum Brought {
    /// The receipt adds nothing.
    Everything,
    /// So is a part of that.
    Some,
    /// A concurrent writer was faster.
    Nothing,
}

impl Watermarks {
    /// Records a receipt that is not later than the watermark, or not above it: everything below it was reached by its time.
    /// Writes nothing if the stored receipts imply that already.
    pub(super) async fn bring_forward(
        &self,
        receipt: &Receipt,
        mark: Watermark,
        revision: u64,
    ) -> Result<Brought, StoreError> {
        let Receipt { kind, conversation_id, user_id, seq, at } = *receipt;
        // The watermark covers every seq below it, regardless of an older receipt that was put concurrently.
        let known = match self.smallest_older(kind, conversation_id, user_id, seq).await? {
            Some(older) if seq <= mark.seq => older.at.min(mark.at),
            _ => mark.at,
        };
        if seq <= mark.seq && known <= at {
            return Ok(Brought::Everything);
        }
        let highest = if seq < mark.seq { seq.previous() } else { mark.seq };
        let mut later = self.later_up_to(receipt, highest).await?;
        let all = later.len() <= MAX_ROWS_PER_TRANSACTION;
        if all {
            if seq < mark.seq {
                later.insert(0, seq);
            } else if seq > mark.seq && later.first() != Some(&mark.seq) {
                later.insert(0, mark.seq);
            }
        }
        // The lowest seqs first: the remaining ones are above and may keep a later time.
        let older = later
            .into_iter()
            .rev()
            .take(MAX_ROWS_PER_TRANSACTION + 1)
            .map(|seq| self.older(receipt, Watermark { seq, at }));
        let older = older.map(|put| Ok(TransactWriteItem::builder().put(put?).build()));
        let watermark = Watermark { seq: seq.max(mark.seq), at: if seq < mark.seq { mark.at } else { at } };
        let watermark = self.revise(receipt, mark, revision, if all { watermark } else { mark });
        let watermark = watermark.map(|update| TransactWriteItem::builder().update(update).build());
        let writes = older.chain([watermark]).collect::<Result<Vec<_>, StoreError>>()?;
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) if all => Ok(Brought::Everything),
            Ok(_) => Ok(Brought::Some),
            Err(error) if is_cancelled(&error) => Ok(Brought::Nothing),
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// Returns the seqs of older receipts with a later time than this one, from `highest` down to the first that has none.
    async fn later_up_to(&self, receipt: &Receipt, highest: Seq) -> Result<Vec<Seq>, StoreError> {
        let partition = older_partition(receipt.conversation_id, receipt.user_id);
        let mut below = self
            .client
            .query()
            .table_name(self.table(receipt.kind))
            .key_condition_expression("pk = :pk AND sk <= :sk")
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .expression_attribute_values(":sk", AttributeValue::S(older_sort(highest)))
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut later = Vec::new();
        while let Some(item) = below.try_next().await.map_err(StoreError::dynamodb)? {
            if millis(&item)? <= receipt.at {
                break;
            }
            later.push(text_number(&item, "sk")?);
        }
        Ok(later)
    }

    /// Returns the write that stores `mark` as an older receipt and replaces any later one.
    fn older(&self, receipt: &Receipt, mark: Watermark) -> Result<Put, StoreError> {
        let put = Put::builder().table_name(self.table(receipt.kind)).set_item(Some(older_item(receipt, mark)));
        put.build().map_err(StoreError::building)
    }

    /// Returns the write that sets the watermark to `to` with the next revision, if it has not changed since it was read.
    fn revise(&self, receipt: &Receipt, from: Watermark, revision: u64, to: Watermark) -> Result<Update, StoreError> {
        let number = |number: String| AttributeValue::N(number);
        let unrevised = if revision == 0 { "attribute_not_exists(revision)" } else { "revision = :revision" };
        let mut update = Update::builder()
            .table_name(self.table(receipt.kind))
            .set_key(Some(watermark_key(receipt.conversation_id, receipt.user_id)))
            .update_expression("SET seq = :seq, #at = :at, revision = :next")
            .condition_expression(format!("seq = :from AND #at = :since AND {unrevised}"))
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":seq", number(to.seq.to_string()))
            .expression_attribute_values(":at", number(to.at.epoch_millis().to_string()))
            .expression_attribute_values(":from", number(from.seq.to_string()))
            .expression_attribute_values(":since", number(from.at.epoch_millis().to_string()))
            .expression_attribute_values(":next", number((revision + 1).to_string()));
        if revision > 0 {
            update = update.expression_attribute_values(":revision", number(revision.to_string()));
        }
        update.build().map_err(StoreError::building)
    }
}

/// Returns true if a condition failed, or if another write to one of the items was in progress.
fn is_cancelled(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
    matches!(error.as_service_error(), Some(TransactWriteItemsError::TransactionCanceledException(_)))
}
