//! `Events` of type `DynamoDB`.

use std::time::Duration;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::model::{StartingPosition, StreamEvent};
use super::super::super::resource::{Kind, Resource};
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::destination::on_failure;
use super::event::{STREAM, enabled, filter, reports_batch_item_failures};

const SHAPE: Shape = Shape {
    place: "an event of type DynamoDB",
    supported: &[
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "ParallelizationFactor",
        "StartingPosition",
        "Stream",
    ],
    ignored: &[(&["KmsKeyArn"], "nothing is encrypted at rest"), (&["MetricsConfig"], "there are no metrics locally")],
};

/// The enabled event source mappings of a function. AWS's limits:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html>.
pub(crate) fn stream_events(scope: &Scope<'_>, function: &Resource) -> Result<Vec<StreamEvent>, Fault> {
    let events = enabled(scope, function, STREAM, &SHAPE)?;
    events.iter().map(|(id, fields)| read(scope, format!("{}{id}", function.id), fields)).collect()
}

fn read(scope: &Scope<'_>, logical_id: String, fields: &Fields<'_>) -> Result<StreamEvent, Fault> {
    let stream_arn = fields.required("Stream")?;
    let table = scope.find(Kind::Table, "StreamArn", &stream_arn, fields.line("Stream"))?;
    if table.fields(scope, &super::super::table::SHAPE)?.node("StreamSpecification")?.is_none() {
        let sentence = format!("`{}` has no stream: it needs a `StreamSpecification`", table.id);
        return Err(Fault::invalid(fields.line("Stream"), sentence));
    }
    let starting_position = match fields.one_of("StartingPosition", &["TRIM_HORIZON", "LATEST"])?.as_deref() {
        None => return Err(fields.missing("StartingPosition")),
        Some("LATEST") => StartingPosition::Latest,
        Some(_) => StartingPosition::TrimHorizon,
    };
    let batch_size = fields.number("BatchSize", 1..=10_000)?.unwrap_or(100);
    let window = fields.number("MaximumBatchingWindowInSeconds", 0..=300)?.unwrap_or(0);
    Ok(StreamEvent {
        logical_id,
        table: table.id.clone(),
        stream_arn,
        starting_position,
        batch_size,
        batching_window: Duration::from_secs(window),
        parallelization_factor: fields.number("ParallelizationFactor", 1..=10)?.unwrap_or(1),
        // Less than nothing, -1, is AWS's word for no limit.
        maximum_retry_attempts: fields
            .number("MaximumRetryAttempts", -1..=10_000)?
            .and_then(|n: i64| n.try_into().ok()),
        maximum_record_age: maximum_record_age(fields)?,
        bisect_batch_on_function_error: fields.boolean("BisectBatchOnFunctionError")?.unwrap_or(false),
        report_batch_item_failures: reports_batch_item_failures(fields)?,
        on_failure: on_failure(scope, fields)?,
        filter: filter(fields)?,
    })
}

/// -1 for no limit, or at least a minute.
fn maximum_record_age(fields: &Fields<'_>) -> Result<Option<Duration>, Fault> {
    let key = "MaximumRecordAgeInSeconds";
    match fields.number(key, -1_i64..=604_800)?.map(u64::try_from) {
        None | Some(Err(_)) => Ok(None),
        Some(Ok(seconds @ 60..)) => Ok(Some(Duration::from_secs(seconds))),
        Some(Ok(_)) => {
            let sentence = "`MaximumRecordAgeInSeconds` is -1, for no limit, or at least 60";
            Err(Fault::invalid(fields.line(key), sentence))
        }
    }
}
