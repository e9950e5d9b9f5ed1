//! A table's stream, record by record.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::{Database, DynoxideError};
use local_template::model::Table;
use serde_json::{Value, json};

use super::Tables;

/// The most that DynamoDB gives at once.
const MAX_READ_RECORDS: usize = 1000;

/// The stream of one table. Cheap to clone.
#[derive(Clone)]
pub struct Stream {
    tables: Tables,
    /// The stream's ARN in the stack; the engine has its own name for it.
    arn: String,
    region: String,
    partition_key: String,
    /// There is one, for the life of the table.
    pub shard: String,
}

/// One change of an item.
#[derive(Debug, Clone)]
pub struct Change {
    /// All have the same number of digits, so they sort as texts.
    pub sequence_number: String,
    /// `ApproximateCreationDateTime`, to the second.
    pub written: SystemTime,
    /// The same for all changes of an item.
    pub lane: u64,
    /// An entry of `Records`.
    pub record: Value,
}

impl Stream {
    /// `arn` is what the stack calls the stream of `table`.
    pub fn new(tables: &Tables, table: &Table, arn: &str) -> Self {
        let keys = table.create_table["KeySchema"].as_array().into_iter().flatten();
        let partition_key = keys.into_iter().find(|key| key["KeyType"] == "HASH");
        Self {
            tables: tables.clone(),
            arn: arn.to_owned(),
            region: arn.split(':').nth(3).unwrap_or_default().to_owned(),
            partition_key: partition_key.and_then(|key| key["AttributeName"].as_str()).unwrap_or_default().to_owned(),
            shard: dynoxide::streams::shard_id(&table.name),
        }
    }

    /// The number of the last record; `None` for an empty stream.
    pub async fn last(&self) -> Result<Option<String>, DynoxideError> {
        let request = DescribeStreamRequest { stream_arn: self.arn.clone(), ..DescribeStreamRequest::default() };
        let described = self.blocking(move |database| database.describe_stream(request)).await?;
        let shard = described.stream_description.shards.into_iter().next();
        Ok(shard.and_then(|shard| shard.sequence_number_range.ending_sequence_number))
    }

    /// The records after that number, or from the oldest on; the oldest first, at most 1,000.
    ///
    /// A write that changes nothing is not among them, if the stream has both images. The engine records it, and without
    /// the images it cannot be distinguished from a change.
    pub async fn after(&self, number: Option<&str>, limit: usize) -> Result<Read, DynoxideError> {
        let (stream_arn, shard_id) = (self.arn.clone(), self.shard.clone());
        let kind = if number.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let request = GetShardIteratorRequest {
            stream_arn,
            shard_id,
            shard_iterator_type: kind.to_owned(),
            sequence_number: number.map(str::to_owned),
        };
        let limit = limit.clamp(1, MAX_READ_RECORDS);
        let read = move |database: &Database| {
            let iterator = database.get_shard_iterator(request)?.shard_iterator.unwrap_or_default();
            database.get_records(GetRecordsRequest { shard_iterator: iterator, limit: Some(limit) })
        };
        let records = self.blocking(read).await?.records;
        if !records.is_empty() {
            // A reader that has got further than the disk would miss what is written in the place of a lost record.
            let flushed = self.tables.flushed().await;
            flushed.map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        }
        let through = records.last().map(|record| record.dynamodb.sequence_number.clone());
        let more = records.len() == limit;
        let changes = records.into_iter().filter(|record| !changes_nothing(record)).map(|record| self.change(record));
        Ok(Read { changes: changes.collect(), through, more })
    }

    fn change(&self, record: Record) -> Change {
        let Record { event_id, event_name, dynamodb, user_identity, .. } = record;
        let written =
            UNIX_EPOCH + Duration::try_from_secs_f64(dynamodb.approximate_creation_date_time).unwrap_or_default();
        let sequence_number = dynamodb.sequence_number.clone();
        let mut dynamodb = json!(dynamodb);
        // As a whole number, which is how DynamoDB writes it.
        dynamodb["ApproximateCreationDateTime"] =
            json!(written.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        let mut hasher = DefaultHasher::new();
        dynamodb["Keys"][&self.partition_key].to_string().hash(&mut hasher);
        let mut record = json!({
            "eventID": event_id,
            "eventName": event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": dynamodb,
            "eventSourceARN": self.arn,
        });
        if let Some(identity) = user_identity {
            record["userIdentity"] = json!(identity);
        }
        Change { sequence_number, written, lane: hasher.finish(), record }
    }

    async fn blocking<T, F>(&self, read: F) -> Result<T, DynoxideError>
    where
        T: Send + 'static,
        F: FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    {
        let database = self.tables.database.clone();
        let result = tokio::task::spawn_blocking(move || read(&database)).await;
        result.unwrap_or_else(|error| Err(DynoxideError::InternalServerError(error.to_string())))
    }
}

/// The result of one poll of a stream.
pub struct Read {
    pub changes: Vec<Change>,
    /// The last record that was looked at; `None` if there was none.
    pub through: Option<String>,
    /// True if there may be more.
    pub more: bool,
}

fn changes_nothing(record: &Record) -> bool {
    match (&record.dynamodb.old_image, &record.dynamodb.new_image) {
        (Some(old), Some(new)) => json!(old) == json!(new),
        _ => false,
    }
}
