//! Invokes the function of a route and reads its proxy response.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use local_lambda::{InvokeError, Lambda, Outcome};
use local_template::model::WebSocketRoute;
use serde::Deserialize;

/// A function's answer. An unknown key makes it malformed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ProxyResponse {
    pub(super) status_code: u16,
    headers: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(rename = "multiValueHeaders")]
    _multi_value_headers: Option<serde_json::Value>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// Reasons for which a route has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The function took longer than the route allows.
    TimedOut,
    /// Lambda did not run the function, the function failed, or its response is malformed.
    Failed,
}

impl Failure {
    /// Returns the message for the client.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::TimedOut => "Endpoint request timed out",
            Self::Failed => "Internal server error",
        }
    }
}

impl ProxyResponse {
    /// A header, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str()
    }

    /// The body as text. Without one it is empty, and so is the frame.
    pub(super) fn into_body(self) -> Result<String, Failure> {
        let body = self.body.unwrap_or_default();
        if self.is_base64_encoded != Some(true) {
            return Ok(body);
        }
        let decoded = STANDARD.decode(body).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.ok_or(Failure::Failed)
    }
}

/// Runs a route's function to its end or to the route's timeout, and logs a failure.
pub(super) async fn invoke(lambda: &Lambda, route: &WebSocketRoute, event: Vec<u8>) -> Result<ProxyResponse, Failure> {
    let function = route.function.as_str();
    let Ok(result) = tokio::time::timeout(route.timeout, lambda.invoke(function, Bytes::from(event))).await else {
        tracing::warn!(function, timeout = ?route.timeout, "no answer within the integration's timeout");
        return Err(Failure::TimedOut);
    };
    match result {
        Ok(Outcome::Success(payload)) => serde_json::from_slice(&payload).map_err(|error| {
            tracing::warn!(function, %error, "malformed proxy response");
            Failure::Failed
        }),
        Ok(Outcome::FunctionError(error)) => {
            tracing::warn!(function, error = %String::from_utf8_lossy(&error), "function error");
            Err(Failure::Failed)
        }
        Err(InvokeError::Stopping) => {
            tracing::debug!(function, "not invoked: the local cloud is stopping");
            Err(Failure::Failed)
        }
        Err(error) => {
            tracing::warn!(function, %error, "not invoked");
            Err(Failure::Failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_keys_make_a_response() {
        for payload in [
            r#"{"statusCode":200}"#,
            r#"{"statusCode":200,"headers":{},"multiValueHeaders":{},"body":"x","isBase64Encoded":false}"#,
            r#"{"statusCode":200,"headers":null,"body":null}"#,
        ] {
            assert!(serde_json::from_str::<ProxyResponse>(payload).is_ok(), "{payload}");
        }
        for payload in
            [r#"{"statusCode":200,"extra":1}"#, r#"{"body":"x"}"#, "null", r#""text""#, r#"{"statusCode":"x"}"#]
        {
            assert!(serde_json::from_str::<ProxyResponse>(payload).is_err(), "{payload}");
        }
    }

    #[test]
    fn bodies_are_text() {
        let body = |payload: &str| serde_json::from_str::<ProxyResponse>(payload).unwrap().into_body();
        assert_eq!(body(r#"{"statusCode":200,"body":"hi"}"#), Ok("hi".into()));
        assert_eq!(body(r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#), Ok("hi".into()));
        assert_eq!(body(r#"{"statusCode":200,"body":"/w==","isBase64Encoded":true}"#), Err(Failure::Failed));
        assert_eq!(body(r#"{"statusCode":200,"body":""}"#), Ok(String::new()));
        assert_eq!(body(r#"{"statusCode":200}"#), Ok(String::new()));
    }
}
