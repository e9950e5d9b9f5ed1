//! The API Gateway Management API: functions post to, look up and delete connections.
//!
//! Paths, statuses and errors are those of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>; the
//! SDKs distinguish errors by the header `x-amzn-ErrorType`. A request has to be signed, but whose signature it is
//! does not matter here.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use local_gate::Request;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connections::{Connection, PushError};
use super::end::End;
use super::gateway::Gateway;
use crate::throttle::TOO_MANY_REQUESTS;

/// Error answers of the management API.
#[derive(Debug, Clone, Copy)]
enum ManagementError {
    MissingAuthenticationToken,
    Forbidden,
    /// The connection is closed, or `$connect` has not let it in yet.
    Gone,
    /// More than a message may have.
    PayloadTooLarge,
    /// The client's queue is full.
    BufferFull,
    /// The account's quota of requests is used up.
    TooManyRequests,
}

impl ManagementError {
    fn into_response(self) -> Response {
        let (status, error_type, message) = match self {
            Self::MissingAuthenticationToken => {
                (StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
            Self::Gone => (StatusCode::GONE, "GoneException", "Gone"),
            Self::PayloadTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Message payload size limit exceeded")
            }
            Self::BufferFull => {
                (StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "The client's buffer is full")
            }
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", TOO_MANY_REQUESTS),
        };
        let mut response = json_response(status, &json!({ "message": message }));
        response.headers_mut().insert("x-amzn-ErrorType", HeaderValue::from_static(error_type));
        response
    }
}

/// Answers a call for the connection with this id.
pub(super) fn answer(gateway: &Gateway, id: &str, request: Request) -> Response {
    handle(gateway, id, request).unwrap_or_else(ManagementError::into_response)
}

fn handle(gateway: &Gateway, id: &str, request: Request) -> Result<Response, ManagementError> {
    if !is_signed(&request) {
        return Err(ManagementError::MissingAuthenticationToken);
    }
    if !gateway.throttle.account().admits_request() {
        return Err(ManagementError::TooManyRequests);
    }
    match *request.method() {
        Method::POST => {
            let body = request.into_body();
            if body.len() > gateway.limits.message {
                return Err(ManagementError::PayloadTooLarge);
            }
            post(gateway, id, body)?;
            Ok(Response::new(Body::empty()))
        }
        Method::GET => {
            let connection = gateway.connections.get(id).ok_or(ManagementError::Gone)?;
            Ok(json_response(StatusCode::OK, &describe(&connection)))
        }
        Method::DELETE => {
            let connection = gateway.connections.remove(id).ok_or(ManagementError::Gone)?;
            connection.end(End::deleted());
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        _ => Err(ManagementError::Forbidden),
    }
}

fn post(gateway: &Gateway, id: &str, body: Bytes) -> Result<(), ManagementError> {
    let connection = gateway.connections.get(id).ok_or(ManagementError::Gone)?;
    let message = match Utf8Bytes::try_from(body.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(body),
    };
    connection.try_push(message).map_err(|error| match error {
        PushError::Full => ManagementError::BufferFull,
        PushError::Gone => ManagementError::Gone,
    })
}

/// The result of `GetConnection`.
fn describe(connection: &Connection) -> serde_json::Value {
    let origin = &connection.origin;
    json!({
        "connectedAt": date(origin.connected_at),
        "identity": { "sourceIp": origin.source_ip, "userAgent": origin.user_agent },
        "lastActiveAt": date(connection.last_active_at()),
    })
}

fn date(milliseconds: i64) -> Option<String> {
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()?;
    date.format(&Rfc3339).ok()
}

fn is_signed(request: &Request) -> bool {
    request.headers().get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS4-"))
        || request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature="))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
