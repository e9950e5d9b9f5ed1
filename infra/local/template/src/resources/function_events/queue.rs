//! `Events` of type `SQS`.

use std::time::Duration;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::model::QueueEvent;
use super::super::super::resource::{Kind, Resource};
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::queue;
use super::event::{QUEUE, enabled, filter, reports_batch_item_failures};

const SHAPE: Shape = Shape {
    place: "an event of type SQS",
    supported: &[
        "BatchSize",
        "Enabled",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    ],
    ignored: &[(&["KmsKeyArn"], "nothing is encrypted at rest"), (&["MetricsConfig"], "there are no metrics locally")],
};

const SCALING: Shape = Shape { place: "`ScalingConfig`", supported: &["MaximumConcurrency"], ignored: &[] };

/// The enabled event source mappings of a function. AWS's limits:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>.
pub(crate) fn queue_events(
    scope: &Scope<'_>,
    function: &Resource,
    timeout: Duration,
) -> Result<Vec<QueueEvent>, Fault> {
    let events = enabled(scope, function, QUEUE, &SHAPE)?;
    events.iter().map(|(_, fields)| read(scope, fields, timeout)).collect()
}

fn read(scope: &Scope<'_>, fields: &Fields<'_>, timeout: Duration) -> Result<QueueEvent, Fault> {
    let line = fields.line("Queue");
    let queue = scope.find(Kind::Queue, "Arn", &fields.required("Queue")?, line)?;
    let visibility = queue::visibility_timeout(scope, queue)?;
    if visibility < timeout {
        let sentence = format!(
            "Lambda refuses a queue whose visibility timeout ({} s) is less than the function's timeout ({} s)",
            visibility.as_secs(),
            timeout.as_secs()
        );
        return Err(Fault::invalid(line, sentence));
    }
    let batch_size = fields.number("BatchSize", 1..=10_000)?.unwrap_or(10);
    let window = fields.number("MaximumBatchingWindowInSeconds", 0..=300)?.unwrap_or(0);
    if batch_size > 10 && window == 0 {
        let sentence = "a `BatchSize` above 10 needs a `MaximumBatchingWindowInSeconds` of at least 1";
        return Err(Fault::invalid(fields.line("BatchSize"), sentence));
    }
    let maximum_concurrency = match fields.object("ScalingConfig", &SCALING)? {
        Some(scaling) => scaling.number("MaximumConcurrency", 2..=1000)?,
        None => None,
    };
    Ok(QueueEvent {
        queue: queue.id.clone(),
        batch_size,
        batching_window: Duration::from_secs(window),
        report_batch_item_failures: reports_batch_item_failures(fields)?,
        maximum_concurrency,
        filter: filter(fields)?,
    })
}
