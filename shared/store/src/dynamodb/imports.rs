//! Table `imports`: imports and their progress.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `import_id` | S | partition key; the other attributes are those of [`ImportItem`] |
//! | `ttl` | N | epoch seconds after which the item expires |
//!
//! A worker claims an import before it works on it, with an id of its own, and every later write of it is on the condition that the claim
//! still stands. So of two workers one goes on.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::import::{ImportCounts, ImportError, ImportFailure, ImportState, ImportedUsers};
use domain::{ImportId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, to_attribute_value, to_item};
use uuid::Uuid;

use super::conditional::unless_refused;
use super::{Item, millis};
use crate::StoreError;

/// Time for which an item is kept after its last change.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An import, as the table stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportItem {
    pub import_id: ImportId,
    /// The client of the issuer that requested it.
    pub client_id: String,
    /// Issuer of the tokens of all users.
    pub issuer: String,
    pub source: String,
    pub users: ImportedUsers,
    /// Number of bytes of the file.
    pub size: u64,
    pub state: ImportState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ImportFailure>,
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// Time of the last claim or step.
    #[serde(with = "millis")]
    pub progressed_at: Timestamp,
    #[serde(default)]
    pub counts: ImportCounts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ImportError>,
    /// The worker that works on it, or was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<Uuid>,
    /// End of its claim.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub claimed_until: Option<Timestamp>,
    /// Name of the object with the progress; `None` before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl ImportItem {
    /// Returns true if a worker may still write what belongs to the import.
    pub fn may_be_at_work(&self, now: Timestamp) -> bool {
        !self.state.is_given_up() || self.claimed_until.is_some_and(|until| until >= now)
    }
}

/// A change of an import by the worker that has claimed it.
#[derive(Clone, Debug)]
pub enum ImportProgress<'a> {
    /// A step is done.
    Checkpoint {
        name: &'a str,
        counts: ImportCounts,
    },
    Done(ImportCounts),
    Failed {
        reason: ImportFailure,
        counts: ImportCounts,
        errors: &'a [ImportError],
    },
    /// Another worker may go on.
    HandedOver,
}

/// Table `imports`: what exists, and how far it is.
#[derive(Clone, Debug)]
pub struct Imports {
    client: Client,
    table: String,
}

impl Imports {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads an import consistently. Cost: a read unit for each 4 KB.
    pub async fn get(&self, import: ImportId) -> Result<Option<ImportItem>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(import))).consistent_read(true);
        let found = get.send().await.map_err(StoreError::dynamodb)?.item;
        Ok(found.map(from_item).transpose()?)
    }

    /// Records a new import. Cost: a write unit.
    pub async fn create(&self, import: &ImportItem) -> Result<(), StoreError> {
        let mut item: Item = to_item(import)?;
        let ttl = import.created_at.plus(KEPT).epoch_seconds();
        item.insert("ttl".to_owned(), AttributeValue::N(ttl.to_string()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).map_err(StoreError::dynamodb)
    }

    /// Starts an import that waits. Returns false if it does not. Cost: a write unit.
    pub async fn start(&self, import: ImportId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(import, now)
            .update_expression("SET #state = :running, progressed_at = :now, #ttl = :ttl")
            .condition_expression("#state = :waiting")
            .expression_attribute_values(":waiting", state(ImportState::Waiting))
            .expression_attribute_values(":running", state(ImportState::Running))
            .expression_attribute_values(":now", number(now.epoch_millis()));
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Claims a running import until a time, for the worker `by`. Returns `None` if it is not running, or claimed by another one. Cost: a
    /// write unit for each KB.
    pub async fn claim(
        &self,
        import: ImportId,
        by: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ImportItem>, StoreError> {
        let update = self
            .update(import, now)
            .update_expression("SET claimed_by = :by, claimed_until = :until, progressed_at = :now, #ttl = :ttl")
            .condition_expression(
                "#state = :running AND (attribute_not_exists(claimed_until) OR claimed_until < :now OR claimed_by = :by)",
            )
            .expression_attribute_values(":running", state(ImportState::Running))
            .expression_attribute_values(":by", AttributeValue::S(by.to_string()))
            .expression_attribute_values(":until", number(until.epoch_millis()))
            .expression_attribute_values(":now", number(now.epoch_millis()))
            .return_values(ReturnValue::AllNew);
        Ok(unless_refused(update.send().await)?.map(from_item).transpose()?)
    }

    /// Records progress of the worker that has claimed a running import. Returns false if it has no claim any more, or the import is not
    /// running. Cost: a write unit for each KB.
    pub async fn progress(
        &self,
        import: ImportId,
        by: Uuid,
        now: Timestamp,
        progress: &ImportProgress<'_>,
    ) -> Result<bool, StoreError> {
        let (expression, values): (&str, Vec<(&str, AttributeValue)>) = match progress {
            ImportProgress::Checkpoint { name, counts } => (
                "checkpoint = :checkpoint, counts = :counts",
                vec![(":checkpoint", AttributeValue::S((*name).to_owned())), (":counts", to_attribute_value(counts)?)],
            ),
            ImportProgress::Done(counts) => (
                "#state = :done, counts = :counts, claimed_until = :long_ago",
                vec![
                    (":done", state(ImportState::Done)),
                    (":counts", to_attribute_value(counts)?),
                    (":long_ago", number(0)),
                ],
            ),
            // Its claim stands while it deletes what is not whole.
            ImportProgress::Failed { reason, counts, errors } => (
                "#state = :failed, reason = :reason, counts = :counts, errors = :errors",
                vec![
                    (":failed", state(ImportState::Failed)),
                    (":reason", to_attribute_value(reason)?),
                    (":counts", to_attribute_value(counts)?),
                    (":errors", to_attribute_value(errors)?),
                ],
            ),
            ImportProgress::HandedOver => ("claimed_until = :long_ago", vec![(":long_ago", number(0))]),
        };
        let mut update = self
            .update(import, now)
            .update_expression(format!("SET {expression}, progressed_at = :now, #ttl = :ttl"))
            .condition_expression("#state = :running AND claimed_by = :by")
            .expression_attribute_values(":running", state(ImportState::Running))
            .expression_attribute_values(":now", number(now.epoch_millis()))
            .expression_attribute_values(":by", AttributeValue::S(by.to_string()));
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Cancels an import that waits or runs. Returns false if it does neither. Safe to repeat. Cost: a write unit for each KB.
    pub async fn cancel(&self, import: ImportId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(import, now)
            .update_expression("SET #state = :cancelled, #ttl = :ttl")
            .condition_expression("#state = :waiting OR #state = :running")
            .expression_attribute_values(":waiting", state(ImportState::Waiting))
            .expression_attribute_values(":running", state(ImportState::Running))
            .expression_attribute_values(":cancelled", state(ImportState::Cancelled));
        Ok(unless_refused(update.send().await)?.is_some())
    }

    fn update(&self, import: ImportId, now: Timestamp) -> UpdateItemFluentBuilder {
        let ttl = now.plus(KEPT).epoch_seconds();
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(import)))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(ttl))
    }
}

fn state(state: ImportState) -> AttributeValue {
    AttributeValue::S(state.as_str().to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(import: ImportId) -> Item {
    HashMap::from([("import_id".to_owned(), AttributeValue::S(import.to_string()))])
}
