//! The resource type `AWS::SQS::Queue`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::Queue;
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::SQS::Queue";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &[
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "QueueName",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
    ],
    ignored: &[
        (&["KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "SqsManagedSseEnabled"], "nothing is encrypted at rest"),
        (&["RedriveAllowPolicy"], "all queues belong to one owner"),
        (&["Tags"], "for people and bills"),
    ],
};

const REDRIVE: Shape =
    Shape { place: "`RedrivePolicy`", supported: &["deadLetterTargetArn", "maxReceiveCount"], ignored: &[] };

/// Numeric attributes and their limits:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html>.
const NUMBERS: [(&str, u32, u32); 5] = [
    ("DelaySeconds", 0, 900),
    ("MaximumMessageSize", 1024, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ("VisibilityTimeout", 0, 43_200),
];

/// The visibility timeout of a queue that sets none.
const DEFAULT_VISIBILITY: Duration = Duration::from_secs(30);

pub(super) fn url(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    let addresses = scope.addresses;
    Ok(format!("http://{}/{}/{}", addresses.sqs, addresses.account, name(scope, resource)?))
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    match attribute {
        "Arn" => Ok(Some(scope.arn("sqs", &name(scope, resource)?))),
        "QueueName" => name(scope, resource).map(Some),
        "QueueUrl" => url(scope, resource).map(Some),
        _ => Ok(None),
    }
}

pub(super) fn visibility_timeout(scope: &Scope<'_>, resource: &Resource) -> Result<Duration, Fault> {
    let seconds = resource.fields(scope, &SHAPE)?.number("VisibilityTimeout", 0..=43_200)?;
    Ok(seconds.map_or(DEFAULT_VISIBILITY, Duration::from_secs))
}

/// Reads all queues, dead-letter queues before the queues that name them.
pub(crate) fn read_all(scope: &Scope<'_>, resources: &[&Resource]) -> Result<Vec<Queue>, Fault> {
    let mut waiting = Vec::new();
    for resource in resources {
        waiting.push((read(scope, resource)?, dead_letter_queue(scope, resource)?));
    }
    let mut queues: Vec<Queue> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for (queue, dead_letters) in waiting {
            let ready = dead_letters
                .as_ref()
                .is_none_or(|id| *id == queue.logical_id || queues.iter().any(|queue| queue.logical_id == *id));
            if ready {
                queues.push(queue);
            } else {
                later.push((queue, dead_letters));
            }
        }
        if later.len() == before {
            // Each is the other's dead-letter queue, so no order is better; SQS itself allows it.
            queues.extend(later.into_iter().map(|(queue, _)| queue));
            break;
        }
        waiting = later;
    }
    Ok(queues)
}

fn read(scope: &Scope<'_>, resource: &Resource) -> Result<Queue, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let mut attributes = BTreeMap::new();
    for (key, least, most) in NUMBERS {
        if let Some(number) = fields.number(key, least..=most)? {
            attributes.insert(key.to_owned(), number.to_string());
        }
    }
    let fifo = is_fifo(&fields)?;
    for key in ["FifoQueue", "ContentBasedDeduplication"] {
        // CreateQueue refuses these for a standard queue, even as `false`.
        if fifo && let Some(value) = fields.boolean(key)? {
            attributes.insert(key.to_owned(), value.to_string());
        }
    }
    for (key, values) in
        [("DeduplicationScope", ["queue", "messageGroup"]), ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"])]
    {
        if let Some(value) = fields.one_of(key, &values)? {
            attributes.insert(key.to_owned(), value);
        }
    }
    if let Some(redrive) = fields.object("RedrivePolicy", &REDRIVE)? {
        let policy = serde_json::json!({
            "deadLetterTargetArn": redrive.required("deadLetterTargetArn")?,
            "maxReceiveCount": redrive.number("maxReceiveCount", 1..=1000)?.ok_or_else(|| redrive.missing("maxReceiveCount"))?,
        });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    let name = name(scope, resource)?;
    if fifo != is_fifo_name(&name) {
        let sentence = "the name of a FIFO queue, and of no other, ends in `.fifo`";
        return Err(Fault::invalid(fields.line("QueueName"), sentence));
    }
    Ok(Queue {
        logical_id: resource.id.clone(),
        url: url(scope, resource)?,
        arn: scope.arn("sqs", &name),
        name,
        attributes,
    })
}

fn dead_letter_queue(scope: &Scope<'_>, resource: &Resource) -> Result<Option<String>, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let Some(redrive) = fields.object("RedrivePolicy", &REDRIVE)? else {
        return Ok(None);
    };
    let arn = redrive.required("deadLetterTargetArn")?;
    let queue = scope.find(Kind::Queue, "Arn", &arn, redrive.line("deadLetterTargetArn"))?;
    Ok(Some(queue.id.clone()))
}

/// The given name, or one made as CloudFormation does: that of a FIFO queue ends in `.fifo`.
fn name(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    let mut name = resource.name(scope, "QueueName")?;
    if resource.properties.get("QueueName").is_none() && is_fifo(&resource.fields(scope, &SHAPE)?)? {
        name.push_str(".fifo");
    }
    Ok(name)
}

pub(super) fn is_fifo(fields: &Fields<'_>) -> Result<bool, Fault> {
    Ok(fields.boolean("FifoQueue")?.unwrap_or(false))
}

/// The suffix is part of the name, not a file type: SQS compares it exactly.
fn is_fifo_name(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}
