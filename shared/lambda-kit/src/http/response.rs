//! The response of an HTTP handler.

use std::collections::BTreeMap;

use domain::file::Download;
use domain::protocol::http::{AuditOutcome, Problem};
use domain::{ApiError, ErrorCode, Seq};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Request;
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

    /// 202 with a JSON body: the work goes on after the answer.
    pub fn accepted(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(202, body)
    }

    pub const fn no_content() -> Self {
        Self { status_code: 204, headers: BTreeMap::new(), body: String::new() }
    }

    /// Redirects to a download, or answers with its URL where the caller accepts JSON.
    pub fn download(request: &Request, download: Download) -> Result<Self, ApiError> {
        let accept = request.header("accept")?.unwrap_or_default();
        let json = accept
            .split(',')
            .any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
        if json { Self::ok(&download) } else { Ok(Self::found(download.url)) }
    }

    /// Redirects (302) the caller to a temporary URL.
    fn found(location: String) -> Self {
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

    /// Returns what the audit keeps of the response: the status, the code of an error, and, if `with_ids`, the ids of what it names.
    pub(super) fn outcome(&self, with_ids: bool) -> AuditOutcome {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if self.status_code >= 400 {
            let code = body["code"].as_str().map(str::to_owned);
            return AuditOutcome { status: self.status_code, code, ..AuditOutcome::default() };
        }
        if !with_ids {
            return AuditOutcome { status: self.status_code, ..AuditOutcome::default() };
        }
        // A batch has the seqs of its messages, and any other answer at most one.
        let messages = body["messages"].as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
        AuditOutcome {
            status: self.status_code,
            code: None,
            conversation_id: id(&body["conversation_id"]),
            user_id: id(&body["user_id"]),
            seqs: messages.iter().filter_map(|message| id::<Seq>(&message["seq"])).collect(),
        }
    }

    fn json(status_code: u16, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body).map_err(ApiError::internal)?;
        let headers = BTreeMap::from([("content-type", "application/json".to_owned())]);
        Ok(Self { status_code, headers, body })
    }
}

/// Reads an id in a body, if it is one.
fn id<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// Returns the refusal of a route that the function does not serve.
pub fn no_such_route() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "The route does not exist.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcome_has_ids_and_codes_and_no_texts() {
        let id = "019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d";
        let sent = Response::created(&json!({"conversation_id": id, "seq": 7, "text": "secret"})).unwrap();
        let batch = Response::created(&json!({"conversation_id": id, "messages": [{"seq": 8}, {"seq": 9}]})).unwrap();
        let problem = Response::problem(&ApiError::invalid("secret"), "r");
        let seen = |response: &Response| serde_json::to_value(response.outcome(true)).unwrap();
        assert_eq!(seen(&sent), json!({"status": 201, "conversation_id": id, "seqs": [7]}));
        assert_eq!(seen(&batch), json!({"status": 201, "conversation_id": id, "seqs": [8, 9]}));
        assert_eq!(seen(&problem), json!({"status": 400, "code": "invalid_request"}));
        assert_eq!(seen(&Response::no_content()), json!({"status": 204}));
        assert_eq!(serde_json::to_value(sent.outcome(false)).unwrap(), json!({"status": 201}));
    }
}
