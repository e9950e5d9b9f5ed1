//! Notifications of a bucket, from its own properties and from the events of functions.

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::BucketNotification;
use super::super::shape::Shape;

const FILTER: Shape = Shape { place: "`Filter`", supported: &["S3Key"], ignored: &[] };
const S3_KEY: Shape = Shape { place: "`S3Key`", supported: &["Rules"], ignored: &[] };
const RULE: Shape = Shape { place: "a rule", supported: &["Name", "Value"], ignored: &[] };

/// Events of objects that occur locally.
pub(super) const EVENTS: [&str; 7] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
];

/// Buckets have neither region nor account in their ARN.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// Reads the events below `key` and the filter beside it.
pub(super) fn notification(
    id: String,
    function: String,
    fields: &Fields<'_>,
    key: &str,
) -> Result<BucketNotification, Fault> {
    let events = fields.texts(key)?;
    if events.is_empty() {
        return Err(fields.missing(key));
    }
    if let Some(other) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        return Err(Fault::unknown_value(fields.line(key), "the event", other, EVENTS));
    }
    let (mut prefix, mut suffix) = (String::new(), String::new());
    let filter = fields.object("Filter", &FILTER)?.map(|filter| filter.object("S3Key", &S3_KEY)).transpose()?.flatten();
    let rules = filter.map(|key| key.objects("Rules", &RULE)).transpose()?.unwrap_or_default();
    for rule in rules {
        let name = rule.required("Name")?;
        let value = rule.required("Value")?;
        match name.to_lowercase().as_str() {
            "prefix" => prefix = value,
            "suffix" => suffix = value,
            _ => return Err(Fault::unknown_value(rule.line("Name"), "`Name`", &name, ["prefix", "suffix"])),
        }
    }
    Ok(BucketNotification { id, function, events, prefix, suffix })
}
