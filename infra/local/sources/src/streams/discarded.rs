//! The message to the on-failure destination of a mapping for discarded changes: their positions, not their contents.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>

use std::time::SystemTime;

use local_template::model::{Function, StreamEvent};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use super::batch::Batch;

const SECOND: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLISECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Reasons for which changes are discarded.
#[derive(Debug)]
pub(super) enum Reason {
    RecordAgeExceeded,
    /// `function_error`: the last failure was one, rather than a report of failed items.
    RetryAttemptsExhausted {
        function_error: bool,
    },
}

impl Reason {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::RetryAttemptsExhausted { .. } => "RetryAttemptsExhausted",
        }
    }
}

/// The message about a batch; `None` about an empty one. Its request id is one of its own, not that of an invocation.
pub(super) fn notice(
    batch: &Batch,
    reason: &Reason,
    function: &Function,
    event: &StreamEvent,
    shard: &str,
) -> Option<Value> {
    let (first, last) = (batch.changes.first()?, batch.changes.last()?);
    let mut notice = json!({
        "requestContext": {
            "requestId": Uuid::new_v4(),
            "functionArn": format!("{}:$LATEST", function.arn),
            "condition": reason.name(),
            "approximateInvokeCount": batch.failures,
        },
        "version": "1.0",
        "timestamp": text(SystemTime::now(), MILLISECOND),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": text(first.written, SECOND),
            "approximateArrivalOfLastRecord": text(last.written, SECOND),
            "batchSize": batch.changes.len(),
            "streamArn": event.stream_arn,
        },
    });
    if batch.failures > 0 {
        notice["responseContext"] = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
    }
    if matches!(reason, Reason::RetryAttemptsExhausted { function_error: true }) {
        notice["responseContext"]["functionError"] = json!("Unhandled");
    }
    Some(notice)
}

fn text(time: SystemTime, format: &[BorrowedFormatItem<'_>]) -> String {
    // A time that has all of these components; writing to memory does not fail.
    OffsetDateTime::from(time).format(format).unwrap_or_default()
}
