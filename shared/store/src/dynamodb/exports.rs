//! Table `exports`: exports and their progress, and what each user has requested of late.
//!
//! | `entry` (S, partition key) | |
//! |---|---|
//! | `export#<id>` | an export, see [`ExportItem`] |
//! | `user#<id>`, for the system `conversation#<id>` | the newest export that was requested, see [`Requests`] |
//!
//! | further attribute | type | |
//! |---|---|---|
//! | `ttl` | N | epoch seconds after which the item expires |
//!
//! A worker claims an export before it works on it, with an id of its own, and every later write of it is on the condition that the claim
//! still stands. So of two workers one goes on.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, TransactWriteItem};
use domain::export::{ExportFailure, ExportState, Subject};
use domain::{ExportId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, to_item};
use uuid::Uuid;

use super::conditional::unless_refused;
use super::{Item, millis};
use crate::StoreError;

/// Time for which an item is kept after its last change.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An export, as the table stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportItem {
    pub export_id: ExportId,
    /// The user who requested it, or the system.
    pub requested_by: UserId,
    #[serde(flatten)]
    pub subject: Subject,
    pub files: bool,
    pub state: ExportState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ExportFailure>,
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// Time of the last claim or step.
    #[serde(with = "millis")]
    pub progressed_at: Timestamp,
    /// S3's id of the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// The worker that works on it, or was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<Uuid>,
    /// End of its claim.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub claimed_until: Option<Timestamp>,
    /// Name of the object with the progress; `None` before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub expires_at: Option<Timestamp>,
}

/// The exports that a user has requested of late, or the system of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// The newest export of the user.
    pub export_id: ExportId,
    /// Number of days since the epoch on which it was requested, in UTC.
    pub day: i64,
    /// Number of requests of that day.
    pub count: u32,
    /// Number of requests of all days.
    pub version: u64,
}

/// A change of an export by the worker that has claimed it.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The upload has begun.
    Began {
        upload_id: String,
    },
    /// A step is done.
    Checkpoint(String),
    Ready {
        size: u64,
        expires_at: Timestamp,
    },
    Failed(ExportFailure),
    /// Another worker may go on.
    HandedOver,
}

/// Table `exports`: what exists, and how far it is.
#[derive(Clone, Debug)]
pub struct Exports {
    client: Client,
    table: String,
}

impl Exports {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads an export consistently. Cost: a read unit.
    pub async fn get(&self, export: ExportId) -> Result<Option<ExportItem>, StoreError> {
        Ok(self.item(&export_entry(export)).await?.map(from_item).transpose()?)
    }

    /// Reads what was requested of late, consistently. Cost: a read unit.
    pub async fn requests(&self, requester: &str) -> Result<Option<Requests>, StoreError> {
        Ok(self.item(requester).await?.map(from_item).transpose()?)
    }

    /// Records a new export, unless another request was recorded since `requests` had the version before. Cost: four write units.
    pub async fn create(&self, export: &ExportItem, requester: &str, requests: &Requests) -> Result<bool, StoreError> {
        let ttl = export.created_at.plus(KEPT);
        let put = |entry: String, mut item: Item| {
            item.insert("entry".to_owned(), AttributeValue::S(entry));
            item.insert("ttl".to_owned(), AttributeValue::N(ttl.epoch_seconds().to_string()));
            Put::builder().table_name(&self.table).set_item(Some(item))
        };
        let export = put(export_entry(export.export_id), to_item(export)?);
        let export = export.condition_expression("attribute_not_exists(entry)");
        let requests_put = put(requester.to_owned(), to_item(requests)?)
            .condition_expression("attribute_not_exists(version) OR version = :before")
            .expression_attribute_values(":before", AttributeValue::N(requests.version.saturating_sub(1).to_string()));
        let writes = [export, requests_put].into_iter().map(|put| {
            let put = put.build().map_err(StoreError::building)?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        let writes = writes.collect::<Result<Vec<_>, StoreError>>()?;
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(TransactWriteItemsError::is_transaction_canceled_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::dynamodb(error)),
        }
    }

    /// Claims a running export until a time, for the worker `by`. Returns `None` if it is not running, or claimed by another one. Cost:
    /// a write unit for each KB.
    pub async fn claim(
        &self,
        export: ExportId,
        by: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ExportItem>, StoreError> {
        let update = self
            .update(export, now)
            .update_expression("SET claimed_by = :by, claimed_until = :until, progressed_at = :now, #ttl = :ttl")
            .condition_expression(
                "#state = :running AND (attribute_not_exists(claimed_until) OR claimed_until < :now OR claimed_by = :by)",
            )
            .expression_attribute_values(":by", AttributeValue::S(by.to_string()))
            .expression_attribute_values(":until", AttributeValue::N(until.epoch_millis().to_string()))
            .expression_attribute_values(":now", AttributeValue::N(now.epoch_millis().to_string()))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", running())
            .return_values(ReturnValue::AllNew);
        let claimed = unless_refused(update.send().await)?;
        Ok(claimed.map(from_item).transpose()?)
    }

    /// Records progress of the worker that has claimed a running export. Returns false if it has no claim any more, or the export is not
    /// running. Cost: a write unit for each KB.
    pub async fn progress(
        &self,
        export: ExportId,
        by: Uuid,
        now: Timestamp,
        progress: &Progress,
    ) -> Result<bool, StoreError> {
        let (expression, values): (&str, Vec<(&str, AttributeValue)>) = match progress {
            Progress::Began { upload_id } => {
                ("SET upload_id = :upload", vec![(":upload", AttributeValue::S(upload_id.clone()))])
            }
            Progress::Checkpoint(name) => {
                ("SET checkpoint = :checkpoint", vec![(":checkpoint", AttributeValue::S(name.clone()))])
            }
            Progress::Ready { size, expires_at } => (
                "SET #state = :ready, #size = :size, expires_at = :expires",
                vec![
                    (":ready", AttributeValue::S(ExportState::Ready.as_str().to_owned())),
                    (":size", AttributeValue::N(size.to_string())),
                    (":expires", AttributeValue::N(expires_at.epoch_millis().to_string())),
                ],
            ),
            Progress::Failed(reason) => (
                "SET #state = :failed, reason = :reason",
                vec![
                    (":failed", AttributeValue::S(ExportState::Failed.as_str().to_owned())),
                    (":reason", serde_dynamo::to_attribute_value(reason)?),
                ],
            ),
            Progress::HandedOver => {
                ("SET claimed_until = :long_ago", vec![(":long_ago", AttributeValue::N("0".to_owned()))])
            }
        };
        let mut update = self
            .update(export, now)
            .update_expression(format!("{expression}, progressed_at = :now, #ttl = :ttl"))
            .condition_expression("#state = :running AND claimed_by = :by")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", running())
            .expression_attribute_values(":now", AttributeValue::N(now.epoch_millis().to_string()))
            .expression_attribute_values(":by", AttributeValue::S(by.to_string()));
        if let Progress::Ready { .. } = progress {
            // A reserved word.
            update = update.expression_attribute_names("#size", "size");
        }
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Cancels an export that is running or ready. Returns it as it was; `None` if it was neither. Safe to repeat. Cost: a write unit for
    /// each KB.
    pub async fn cancel(&self, export: ExportId, now: Timestamp) -> Result<Option<ExportItem>, StoreError> {
        let update = self
            .update(export, now)
            .update_expression("SET #state = :cancelled, #ttl = :ttl")
            .condition_expression("#state = :running OR #state = :ready")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":running", running())
            .expression_attribute_values(":ready", AttributeValue::S(ExportState::Ready.as_str().to_owned()))
            .expression_attribute_values(":cancelled", AttributeValue::S(ExportState::Cancelled.as_str().to_owned()))
            .return_values(ReturnValue::AllOld);
        Ok(unless_refused(update.send().await)?.map(from_item).transpose()?)
    }

    fn update(&self, export: ExportId, now: Timestamp) -> UpdateItemFluentBuilder {
        let ttl = now.plus(KEPT).epoch_seconds();
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&export_entry(export))))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", AttributeValue::N(ttl.to_string()))
    }

    async fn item(&self, entry: &str) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(entry))).consistent_read(true);
        Ok(get.send().await.map_err(StoreError::dynamodb)?.item)
    }
}

fn running() -> AttributeValue {
    AttributeValue::S(ExportState::Running.as_str().to_owned())
}

fn export_entry(export: ExportId) -> String {
    format!("export#{export}")
}

fn key(entry: &str) -> Item {
    HashMap::from([("entry".to_owned(), AttributeValue::S(entry.to_owned()))])
}
