//! The event that a function gets for a batch of messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustack_sqs_model::types::{Message, MessageAttributeValue};
use serde_json::{Map, Value, json};

/// One entry of `Records`. `arn` is the queue's.
pub(super) fn record(message: &Message, arn: &str) -> Value {
    let attributes = message.message_attributes.iter().map(|(name, value)| (name.clone(), attribute(value)));
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": attributes.collect::<Map<_, _>>(),
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(':').nth(3),
    });
    if let Some(digest) = &message.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = json!(digest);
    }
    record
}

fn attribute(value: &MessageAttributeValue) -> Value {
    // The lists are of SQS's reserve: always there, always empty.
    let mut attribute = json!({ "dataType": value.data_type, "stringListValues": [], "binaryListValues": [] });
    if let Some(text) = &value.string_value {
        attribute["stringValue"] = json!(text);
    }
    if let Some(bytes) = &value.binary_value {
        attribute["binaryValue"] = json!(STANDARD.encode(bytes));
    }
    attribute
}
