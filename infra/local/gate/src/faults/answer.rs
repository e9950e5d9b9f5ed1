//! The services' own words for what a fault makes of a request.

use axum::http::StatusCode;
use axum::response::Response;
use local_aws::{Call, Service};
use serde_json::{Value, json};

use super::Kind;
use crate::data_access;
use crate::wire::error;

/// The error that a request gets, as its service words it. `None`: this fault has no answer.
pub fn answer(kind: Kind, call: &Call) -> Option<Response> {
    Some(match kind {
        Kind::ResponseError => internal_error(call.service),
        Kind::Throttle => throttled(call),
        Kind::Conflict => conflict(call),
        Kind::Gone => error(call.service, StatusCode::GONE, "GoneException", json!({ "message": "Gone" })),
        Kind::Resuming => resuming(call.service),
        _ => return None,
    })
}

fn internal_error(service: Service) -> Response {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let (name, message) = match service {
        Service::Opensearch => return data_access::failed(status, "exception", "Internal server error"),
        Service::Dynamodb => ("InternalServerError", "The request could not be processed"),
        Service::Sqs => ("InternalError", "We encountered an internal error. Please try again."),
        Service::RdsData | Service::Apigatewaymanagementapi => {
            ("InternalServerErrorException", "Internal server error")
        }
        Service::Scheduler => ("InternalServerException", "Internal server error"),
    };
    error(service, status, name, json!({ "message": message }))
}

/// On-demand tables are throttled by key range, which is the limit that no setting lifts
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-key-range-limit-exceeded-mitigation.html>).
/// `@connections` is throttled with `LimitExceededException`, as the API's model has it.
fn throttled(call: &Call) -> Response {
    let service = call.service;
    match service {
        Service::Dynamodb => {
            let reads = ["BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"];
            let access = if reads.contains(&call.operation.as_str()) { "Read" } else { "Write" };
            let reason = |table: &String| json!({ "reason": format!("Table{access}KeyRangeThroughputExceeded"), "resource": table });
            let body = json!({
                "message": "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically \
                    scaling your table or index so please try again shortly.",
                "throttlingReasons": call.resources.iter().map(reason).collect::<Vec<_>>(),
            });
            error(service, StatusCode::BAD_REQUEST, "ThrottlingException", body)
        }
        Service::Sqs => {
            let body = json!({ "message": "The request was denied due to request throttling." });
            error(service, StatusCode::BAD_REQUEST, "RequestThrottled", body)
        }
        Service::RdsData => {
            error(service, StatusCode::BAD_REQUEST, "ThrottlingException", json!({ "message": "Rate exceeded" }))
        }
        Service::Apigatewaymanagementapi => {
            let body = json!({ "message": "Rate exceeded" });
            error(service, StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", body)
        }
        Service::Opensearch => {
            let reason = "rejected execution: too many requests";
            data_access::failed(StatusCode::TOO_MANY_REQUESTS, "rejected_execution_exception", reason)
        }
        Service::Scheduler => {
            error(service, StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", json!({ "Message": "Rate exceeded" }))
        }
    }
}

/// The answer to the first requests to a paused cluster
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>).
fn resuming(service: Service) -> Response {
    let message =
        "The Aurora DB instance is resuming after being auto-paused. Please wait a few seconds and try again.";
    error(service, StatusCode::BAD_REQUEST, "DatabaseResumingException", json!({ "message": message }))
}

/// A transaction is cancelled because of its first item; a single write is refused.
fn conflict(call: &Call) -> Response {
    const ONGOING: &str = "Transaction is ongoing for the item";
    let Some(actions) = call.input["TransactItems"].as_array() else {
        let body = json!({ "message": ONGOING });
        return error(call.service, StatusCode::BAD_REQUEST, "TransactionConflictException", body);
    };
    let reason = |position: usize| match position {
        0 => json!({ "Code": "TransactionConflict", "Message": ONGOING }),
        _ => json!({ "Code": "None" }),
    };
    let reasons: Vec<Value> = (0..actions.len()).map(reason).collect();
    let codes: Vec<_> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let body = json!({ "Message": message, "CancellationReasons": reasons });
    error(call.service, StatusCode::BAD_REQUEST, "TransactionCanceledException", body)
}
