//! Queues that learn of what a function has failed to handle.

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::resource::Kind;
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::queue;

const DESTINATIONS: Shape = Shape { place: "`DestinationConfig`", supported: &["OnFailure"], ignored: &[] };
const ON_FAILURE: Shape = Shape { place: "`OnFailure`", supported: &["Destination", "Type"], ignored: &[] };

/// The logical id of the queue of `DestinationConfig.OnFailure`.
pub(super) fn on_failure(scope: &Scope<'_>, fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    let Some(destinations) = fields.object("DestinationConfig", &DESTINATIONS)? else {
        return Ok(None);
    };
    let Some(target) = destinations.object("OnFailure", &ON_FAILURE)? else {
        return Ok(None);
    };
    target.one_of("Type", &["SQS"])?;
    standard_queue(scope, &target, "Destination").map(Some)
}

/// The logical id of the standard queue whose ARN a key has.
pub(super) fn standard_queue(scope: &Scope<'_>, fields: &Fields<'_>, key: &str) -> Result<String, Fault> {
    let (arn, line) = (fields.required(key)?, fields.line(key));
    if arn.split(':').nth(2) != Some("sqs") {
        return Err(Fault::invalid(line, format!("only an SQS queue can be a destination locally, not `{arn}`")));
    }
    let queue = scope.find(Kind::Queue, "Arn", &arn, line)?;
    if queue::is_fifo(&queue.fields(scope, &queue::SHAPE)?)? {
        return Err(Fault::invalid(line, "Lambda sends discarded records to standard queues only, not to FIFO queues"));
    }
    Ok(queue.id.clone())
}
