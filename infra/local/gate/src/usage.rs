//! The units that AWS bills for one request.

use axum::http::StatusCode;
use bytes::Bytes;
use local_aws::usage::{Usage, sqs_units, websocket_units};
use local_aws::{Call, Service};
use local_dynamodb::Tables;
use serde::Deserialize;
use serde_json::Value;

use super::capacity::Units;

/// The cost of a request with a body of `size` bytes and this answer; `units` are what DynamoDB says.
pub(crate) fn of(
    call: &Call,
    tables: Option<&Tables>,
    size: usize,
    status: StatusCode,
    answer: &Bytes,
    units: Units,
) -> Usage {
    match call.service {
        Service::Dynamodb => dynamodb(call, tables, status, answer, units),
        Service::Sqs => Usage { units: sqs_units(payload(call, answer)), ..Usage::default() },
        Service::RdsData => Usage { units: 1, ..Usage::default() },
        // Billed by the hour of its capacity.
        Service::Opensearch => Usage::default(),
        // AWS bills the invocation of the target, which every schedule has once unless it is deleted before.
        Service::Scheduler => {
            let created = call.operation == "CreateSchedule" && status.is_success();
            Usage { units: u64::from(created), ..Usage::default() }
        }
        Service::Apigatewaymanagementapi => {
            let sent = call.operation == "PostToConnection" && status.is_success();
            Usage { units: if sent { websocket_units(size) } else { 0 }, ..Usage::default() }
        }
    }
}

fn dynamodb(call: &Call, tables: Option<&Tables>, status: StatusCode, answer: &Bytes, units: Units) -> Usage {
    if status.is_success() {
        return if is_read(call) {
            Usage { read: units, ..Usage::default() }
        } else {
            Usage { write: units, ..Usage::default() }
        };
    }
    // Of all errors only a failed condition has cost anything.
    let refused = ["ConditionalCheckFailedException", "TransactionCanceledException"];
    match tables {
        Some(tables) if refused.iter().any(|name| error_type(answer).ends_with(name)) => {
            Usage { write: tables.refused_write_units(&call.operation, &call.input), ..Usage::default() }
        }
        _ => Usage::default(),
    }
}

fn is_read(call: &Call) -> bool {
    let selects = |statement: &Value| {
        let verb = statement["Statement"].as_str().unwrap_or_default().trim_start().get(..6);
        verb.is_some_and(|verb| verb.eq_ignore_ascii_case("select"))
    };
    match call.operation.as_str() {
        "BatchGetItem" | "GetItem" | "Query" | "Scan" | "TransactGetItems" => true,
        "ExecuteStatement" => selects(&call.input),
        // All of a batch or a transaction read, or all write.
        "BatchExecuteStatement" => selects(&call.input["Statements"][0]),
        "ExecuteTransaction" => selects(&call.input["TransactStatements"][0]),
        _ => false,
    }
}

fn error_type(answer: &Bytes) -> String {
    #[derive(Deserialize)]
    struct Error {
        __type: String,
    }
    serde_json::from_slice::<Error>(answer).map(|error| error.__type).unwrap_or_default()
}

/// Bytes of the messages that a request sends or its answer brings.
fn payload(call: &Call, answer: &Bytes) -> usize {
    let bodies = |messages: &Value, name: &str| -> usize {
        messages.as_array().into_iter().flatten().map(|message| message_size(message, name)).sum()
    };
    match call.operation.as_str() {
        "SendMessage" => message_size(&call.input, "MessageBody"),
        "SendMessageBatch" => bodies(&call.input["Entries"], "MessageBody"),
        "ReceiveMessage" => {
            let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
            bodies(&answer["Messages"], "Body")
        }
        _ => 0,
    }
}

/// A message's body, and names, types and values of its attributes: what SQS counts as its size.
fn message_size(message: &Value, body: &str) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let attributes = message["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes.map(|(name, attribute)| {
        // Base64 is a third longer than what it holds.
        let binary = length(&attribute["BinaryValue"]) / 4 * 3;
        name.len() + length(&attribute["DataType"]) + length(&attribute["StringValue"]) + binary
    });
    length(&message[body]) + attributes.sum::<usize>()
}
