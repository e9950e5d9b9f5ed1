//! `Events` of a function: what invokes it.

use std::time::Duration;

use super::super::error::Fault;
use super::super::model::QueueEvent;
use super::super::scope::Scope;
use super::super::shape::{Fields, Shape};
use super::super::yaml::Node;
use super::{Kind, Resource, find, queue};

const EVENT: Shape = Shape { place: "an event", honoured: &["Type", "Properties"], ignored: &[] };

/// `HttpApi`: a route to the function.
pub(super) const HTTP_API: &str = "HttpApi";
const SQS: &str = "SQS";

const QUEUE: Shape = Shape {
    place: "an event of type SQS",
    honoured: &[
        "BatchSize",
        "Enabled",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    ],
    ignored: &[(&["KmsKeyArn"], "nothing is encrypted at rest"), (&["MetricsConfig"], "there are no metrics locally")],
};

const SCALING: Shape = Shape { place: "`ScalingConfig`", honoured: &["MaximumConcurrency"], ignored: &[] };

const REPORT_BATCH_ITEM_FAILURES: &str = "ReportBatchItemFailures";

/// One entry of `Events`: its line, its type and its properties.
pub(super) struct Event<'a> {
    pub(super) line: usize,
    pub(super) kind: String,
    pub(super) properties: Option<&'a Node>,
}

/// All events of a function; any other type is an error.
pub(super) fn all<'a>(scope: &'a Scope<'a>, function: &'a Resource) -> Result<Vec<Event<'a>>, Fault> {
    let fields = function.fields(scope, &super::function::SHAPE)?;
    let mut events = Vec::new();
    for (entry, node) in fields.entries("Events")? {
        let Some(event) = Fields::open(scope, node, &EVENT)? else {
            continue;
        };
        let kind = event.one_of("Type", &[HTTP_API, SQS])?.ok_or_else(|| event.missing("Type"))?;
        events.push(Event { line: entry.line, kind, properties: event.node("Properties")? });
    }
    Ok(events)
}

/// The enabled event source mappings of a function. AWS's limits:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>.
pub(super) fn queue_events(
    scope: &Scope<'_>,
    function: &Resource,
    timeout: Duration,
) -> Result<Vec<QueueEvent>, Fault> {
    let mut queue_events = Vec::new();
    for event in all(scope, function)?.iter().filter(|event| event.kind == SQS) {
        let Some(properties) = event.properties else {
            return Err(Fault::missing(event.line, "Queue", QUEUE.place));
        };
        let Some(fields) = Fields::open(scope, properties, &QUEUE)? else {
            continue;
        };
        if fields.boolean("Enabled")? != Some(false) {
            queue_events.push(queue_event(scope, &fields, timeout)?);
        }
    }
    Ok(queue_events)
}

fn queue_event(scope: &Scope<'_>, fields: &Fields<'_>, timeout: Duration) -> Result<QueueEvent, Fault> {
    let line = fields.line("Queue");
    let queue = find(scope, Kind::Queue, "Arn", &fields.required("Queue")?, line)?;
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
    let responses = fields.texts("FunctionResponseTypes")?;
    if let Some(other) = responses.iter().find(|kind| *kind != REPORT_BATCH_ITEM_FAILURES) {
        let line = fields.line("FunctionResponseTypes");
        return Err(Fault::unknown_value(line, "the response type", other, [REPORT_BATCH_ITEM_FAILURES]));
    }
    let maximum_concurrency = match fields.object("ScalingConfig", &SCALING)? {
        Some(scaling) => scaling.number("MaximumConcurrency", 2..=1000)?,
        None => None,
    };
    Ok(QueueEvent {
        queue: queue.id.clone(),
        batch_size,
        batching_window: Duration::from_secs(window),
        report_batch_item_failures: !responses.is_empty(),
        maximum_concurrency,
    })
}
