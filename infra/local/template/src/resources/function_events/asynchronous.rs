//! `EventInvokeConfig` and `DeadLetterQueue` of a function: what becomes of asynchronous events that fail.

use std::time::Duration;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::model::AsynchronousEvents;
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::destination::{on_failure, standard_queue};

const CONFIG: Shape = Shape {
    place: "`EventInvokeConfig`",
    supported: &["DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"],
    ignored: &[],
};

const DEAD_LETTERS: Shape = Shape { place: "`DeadLetterQueue`", supported: &["TargetArn", "Type"], ignored: &[] };

/// Reads both from a function's properties. AWS's limits:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html>.
pub(crate) fn asynchronous_events(scope: &Scope<'_>, function: &Fields<'_>) -> Result<AsynchronousEvents, Fault> {
    let mut events = AsynchronousEvents::default();
    if let Some(config) = function.object("EventInvokeConfig", &CONFIG)? {
        if let Some(seconds) = config.number("MaximumEventAgeInSeconds", 60..=21_600)? {
            events.maximum_age = Duration::from_secs(seconds);
        }
        if let Some(retries) = config.number("MaximumRetryAttempts", 0..=2)? {
            events.maximum_retries = retries;
        }
        events.on_failure = on_failure(scope, &config)?;
    }
    if let Some(queue) = function.object("DeadLetterQueue", &DEAD_LETTERS)? {
        queue.one_of("Type", &["SQS"])?;
        events.dead_letter_queue = Some(standard_queue(scope, &queue, "TargetArn")?);
    }
    Ok(events)
}
