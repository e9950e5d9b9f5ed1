//! The response of an HTTP handler.

use std::collections::BTreeMap;

use domain::protocol::http::Problem;
use domain::{ApiError, ErrorCode};
use serde::Serialize;

use crate::error::log_once;

/// A response in payload format 2.0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

impl Response {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(200, body)
    }

    /// 201 with a JSON body.
    pub fn created(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(201, body)
    }

    pub const fn no_content() -> Self {
        Self { status_code: 204, headers: BTreeMap::new(), body: String::new() }
    }

    /// Redirects (302) the caller to a temporary URL.
    pub fn found(location: String) -> Self {
        let headers = BTreeMap::from([("location", location), ("cache-control", "private, no-store".to_owned())]);
        Self { status_code: 302, headers, body: String::new() }
    }

    /// Problem details (RFC 9457) with the stable `code` and the request id.
    pub(super) fn problem(error: &ApiError, request_id: &str) -> Self {
        log_once(error);
        let problem = Problem::new(error, request_id);
        let mut headers = BTreeMap::from([("content-type", "application/problem+json".to_owned())]);
        if let Some(after) = error.retry_after {
            // Whole seconds, rounded up: RFC 9110 has no smaller unit.
            headers.insert("retry-after", after.as_millis().div_ceil(1000).to_string());
        }
        let body = serde_json::to_string(&problem).unwrap_or_default();
        Self { status_code: problem.status, headers, body }
    }

    fn json(status_code: u16, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(ApiError::internal)?;
        let headers = BTreeMap::from([("content-type", "application/json".to_owned())]);
        Ok(Self { status_code, headers, body })
    }
}

/// Returns the refusal of a route that the function does not serve.
pub fn no_such_route() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "The route does not exist.")
}
