//! Limits of requests, in SQS's words:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.

use std::collections::{HashMap, HashSet};

use rustack_sqs_model::input::{ReceiveMessageInput, SendMessageInput};
use rustack_sqs_model::types::{MessageAttributeValue, MessageSystemAttributeValue};

use crate::attributes::{Attributes, MAX_MESSAGE_BYTES};
use crate::error::{
    EMPTY_BATCH, INVALID_CONTENTS, INVALID_ID, INVALID_VALUE, LARGE_BATCH, LONG_BATCH, REPEATED_ID, SqsError,
};
use crate::message::size;

/// Longest time for which a message can be hidden, in seconds.
pub(crate) const MAX_VISIBILITY: i32 = 43_200;

const MAX_DELAY: i32 = 900;
const MAX_WAIT: i32 = 20;
const MAX_MESSAGES: i32 = 10;
const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME_CHARS: usize = 256;
const MAX_ID_CHARS: usize = 80;
/// Longest id of a group or of a deduplication.
const MAX_TOKEN_CHARS: usize = 128;

const NOT_FOR_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type";

/// Checks a message before it is accepted.
pub(crate) fn check_send(input: &SendMessageInput, queue: &Attributes, is_fifo: bool) -> Result<(), SqsError> {
    if input.message_body.is_empty() {
        return Err(SqsError::missing("MessageBody"));
    }
    check_characters(&input.message_body, "message body")?;
    if let Some(delay) = input.delay_seconds {
        if !(0..=MAX_DELAY).contains(&delay) {
            let reason = format!("DelaySeconds must be >= 0 and <= {MAX_DELAY}.");
            return Err(SqsError::value(delay, "DelaySeconds", &reason));
        }
        if is_fifo && delay != 0 {
            return Err(SqsError::value(delay, "DelaySeconds", &format!("{NOT_FOR_THIS_TYPE}.")));
        }
    }
    check_attributes(&input.message_attributes)?;
    check_system_attributes(&input.message_system_attributes)?;
    check_token(input.message_group_id.as_deref(), "MessageGroupId")?;
    check_token(input.message_deduplication_id.as_deref(), "MessageDeduplicationId")?;
    match (is_fifo, &input.message_group_id, &input.message_deduplication_id) {
        (true, None, _) => return Err(SqsError::missing("MessageGroupId")),
        (true, _, None) if !queue.is("ContentBasedDeduplication", "true") => {
            let sentence = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";
            return Err(SqsError::new(INVALID_VALUE, sentence));
        }
        (false, _, Some(id)) => return Err(SqsError::value(id, "MessageDeduplicationId", NOT_FOR_THIS_TYPE)),
        _ => {}
    }
    let most = queue.number("MaximumMessageSize");
    if size(&input.message_body, &input.message_attributes) as u64 > most {
        let sentence =
            format!("One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.");
        return Err(SqsError::new(INVALID_VALUE, sentence));
    }
    Ok(())
}

pub(crate) fn check_receive(input: &ReceiveMessageInput) -> Result<(), SqsError> {
    let check = |value: Option<i32>, least: i32, most: i32, name: &str, reason: String| match value {
        Some(value) if !(least..=most).contains(&value) => Err(SqsError::value(value, name, &reason)),
        _ => Ok(()),
    };
    let between = format!("Must be between 1 and {MAX_MESSAGES}, if provided.");
    check(input.max_number_of_messages, 1, MAX_MESSAGES, "MaxNumberOfMessages", between)?;
    let bounded = |most: i32| format!("Must be >= 0 and <= {most}, if provided.");
    check(input.wait_time_seconds, 0, MAX_WAIT, "WaitTimeSeconds", bounded(MAX_WAIT))?;
    check(input.visibility_timeout, 0, MAX_VISIBILITY, "VisibilityTimeout", bounded(MAX_VISIBILITY))
}

pub(crate) fn check_visibility(timeout: i32) -> Result<(), SqsError> {
    if (0..=MAX_VISIBILITY).contains(&timeout) {
        return Ok(());
    }
    let reason = format!("Must be between 0 and {MAX_VISIBILITY}.");
    Err(SqsError::value(timeout, "VisibilityTimeout", &reason))
}

/// Checks the ids of the entries of a batch of an operation.
pub(crate) fn check_batch<'a>(operation: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), SqsError> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        let sentence = format!("There should be at least one {operation}RequestEntry in the request.");
        return Err(SqsError::new(EMPTY_BATCH, sentence));
    }
    if ids.len() > 10 {
        let sentence = format!("Maximum number of entries per request are 10. You have sent {}.", ids.len());
        return Err(SqsError::new(LONG_BATCH, sentence));
    }
    let fits = |id: &str| {
        let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !id.is_empty() && id.len() <= MAX_ID_CHARS && id.chars().all(characters)
    };
    if ids.iter().any(|id| !fits(id)) {
        let sentence = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
                        letters long.";
        return Err(SqsError::new(INVALID_ID, sentence));
    }
    let mut seen = HashSet::new();
    match ids.iter().find(|id| !seen.insert(**id)) {
        Some(id) => Err(SqsError::new(REPEATED_ID, format!("Id {id} repeated."))),
        None => Ok(()),
    }
}

/// Checks the size of a batch of messages as a whole.
pub(crate) fn check_batch_size(bytes: usize) -> Result<(), SqsError> {
    if bytes as u64 <= MAX_MESSAGE_BYTES {
        return Ok(());
    }
    let sentence =
        format!("Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. You have sent {bytes} bytes.");
    Err(SqsError::new(LARGE_BATCH, sentence))
}

/// The characters of XML 1.0.
fn check_characters(text: &str, place: &str) -> Result<(), SqsError> {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let Some(c) = text.chars().find(|c| !allowed(*c)) else { return Ok(()) };
    let sentence = format!(
        "Invalid binary character '#x{:X}' was found in the {place}, the set of allowed characters is #x9 | #xA | #xD | #x20 to \
         #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        u32::from(c)
    );
    Err(SqsError::new(INVALID_CONTENTS, sentence))
}

fn check_attributes(attributes: &HashMap<String, MessageAttributeValue>) -> Result<(), SqsError> {
    let invalid = |sentence: String| Err(SqsError::new(INVALID_VALUE, sentence));
    if attributes.len() > MAX_ATTRIBUTES {
        let count = attributes.len();
        return invalid(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        ));
    }
    for (name, value) in attributes {
        let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let lower = name.to_ascii_lowercase();
        if name.is_empty()
            || name.len() > MAX_NAME_CHARS
            || !name.chars().all(characters)
            || name.starts_with('.')
            || name.ends_with('.')
            || name.contains("..")
            || lower.starts_with("aws.")
            || lower.starts_with("amazon.")
        {
            return invalid(format!("The message attribute name '{name}' is invalid."));
        }
        let kind = value.data_type.split('.').next().unwrap_or_default();
        if !matches!(kind, "String" | "Number" | "Binary") || value.data_type.len() > MAX_NAME_CHARS {
            let sentence = format!(
                "The type of message (user) attribute '{name}' is invalid. You must use only the following \
                                    supported type prefixes: Binary, Number, String."
            );
            return invalid(sentence);
        }
        let text = value.string_value.as_deref().unwrap_or_default();
        let is_empty =
            if kind == "Binary" { value.binary_value.as_ref().is_none_or(Vec::is_empty) } else { text.is_empty() };
        if is_empty {
            return invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
            ));
        }
        if kind == "Number" && text.parse::<f64>().is_err() {
            return invalid(format!("Can't cast the value of message (user) attribute '{name}' to a number."));
        }
        check_characters(text, &format!("message attribute '{name}'"))?;
    }
    Ok(())
}

fn check_system_attributes(attributes: &HashMap<String, MessageSystemAttributeValue>) -> Result<(), SqsError> {
    for (name, value) in attributes {
        if name != "AWSTraceHeader" || value.data_type != "String" || value.string_value.is_none() {
            let sentence = format!("Message system attribute name '{name}' is invalid.");
            return Err(SqsError::new(INVALID_VALUE, sentence));
        }
    }
    Ok(())
}

/// An id of 1 to 128 letters, digits and punctuation marks.
fn check_token(token: Option<&str>, parameter: &str) -> Result<(), SqsError> {
    let fits =
        |token: &str| (1..=MAX_TOKEN_CHARS).contains(&token.len()) && token.chars().all(|c| c.is_ascii_graphic());
    match token {
        Some(token) if !fits(token) => {
            let reason = format!(
                "{parameter} can only include alphanumeric and punctuation characters. 1 to {MAX_TOKEN_CHARS} in length"
            );
            Err(SqsError::value(token, parameter, &reason))
        }
        _ => Ok(()),
    }
}
