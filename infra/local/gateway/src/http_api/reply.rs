//! Responses: a function's, in payload format 2.0, or the gateway's own.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_aws::body::BodyError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::oidc::TokenError;
use crate::throttle::TOO_MANY_REQUESTS;

/// The gateway's own answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest,
    /// No token, or why it is not valid.
    Unauthorized(Option<TokenError>),
    /// A Lambda authorizer says no.
    Forbidden,
    /// The token is valid and has none of these scopes.
    InsufficientScope(Vec<String>),
    NotFound,
    TooLarge,
    TooManyRequests,
    InternalServerError,
    ServiceUnavailable,
}

impl Refusal {
    pub(super) fn into_response(self) -> Response {
        let (status, message) = match &self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden | Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, TOO_MANY_REQUESTS),
            Self::InternalServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::ServiceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let challenge = match self {
            Self::Unauthorized(None) => Some("Bearer".to_owned()),
            Self::Unauthorized(Some(reason)) => Some(challenge(&[], "invalid_token", &reason.to_string())),
            Self::InsufficientScope(scopes) => {
                Some(challenge(&scopes, "insufficient_scope", "the token does not have a scope of the route"))
            }
            _ => None,
        };
        if let Some(challenge) = challenge {
            // Scopes come from the template: one that no header takes leaves the bare challenge.
            let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::BadRequest,
        }
    }
}

/// The form of <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>; the codes are
/// those of RFC 6750.
fn challenge(scopes: &[String], error: &str, description: &str) -> String {
    format!(r#"Bearer scope="{}" error="{error}" error_description="{description}""#, scopes.join(" "))
}

/// A response as functions write it. Unknown fields are ignored, among them `multiValueHeaders` of format 1.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyResponse {
    status_code: u16,
    headers: Option<Map<String, Value>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// Reasons for which a function's payload is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("not a response: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`statusCode` {0} is not an HTTP status")]
    Status(u16),
    #[error("`{0}` is not a valid HTTP header")]
    Header(String),
    #[error("`body` is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
}

/// The response in a function's payload. An object with `statusCode` says what to send; any other JSON is the body of a
/// 200 with type `application/json`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
pub(super) fn from_function(payload: &[u8]) -> Result<Response, Malformed> {
    let payload: Value = serde_json::from_slice(payload)?;
    if payload.get("statusCode").is_some() {
        return from_proxy_response(serde_json::from_value(payload)?);
    }
    let body = match payload {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn from_proxy_response(proxy: ProxyResponse) -> Result<Response, Malformed> {
    // A 1xx is not an answer: the client would wait on.
    let status = StatusCode::from_u16(proxy.status_code)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or(Malformed::Status(proxy.status_code))?;
    let body = proxy.body.unwrap_or_default();
    let body = if proxy.is_base64_encoded == Some(true) { STANDARD.decode(body)? } else { body.into_bytes() };

    let mut headers = HeaderMap::new();
    for (name, value) in proxy.headers.unwrap_or_default() {
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => return Err(Malformed::Header(name)),
        };
        append(&mut headers, &name, &value)?;
    }
    for cookie in proxy.cookies.unwrap_or_default() {
        append(&mut headers, SET_COOKIE.as_str(), &cookie)?;
    }
    // The gateway frames the body itself.
    for framing in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
        headers.remove(framing);
    }
    if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }

    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Malformed> {
    let malformed = || Malformed::Header(name.to_owned());
    let key = HeaderName::try_from(name).map_err(|_| malformed())?;
    let value = HeaderValue::from_str(value).map_err(|_| malformed())?;
    headers.append(key, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_response_says_everything() {
        let payload = json!({
            "statusCode": 201,
            "headers": { "Content-Type": "image/png", "x-number": 7, "content-length": "999" },
            "cookies": ["a=1", "b=2; Secure"],
            "body": "AAEC",
            "isBase64Encoded": true,
        });
        let response = from_function(payload.to_string().as_bytes()).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], "image/png");
        assert_eq!(response.headers()["x-number"], "7");
        assert!(!response.headers().contains_key("content-length"));
        assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2; Secure"]);
        assert_eq!(body(response).await, [0, 1, 2]);
    }

    #[tokio::test]
    async fn null_is_the_same_as_absent() {
        let payload = br#"{"statusCode":204,"headers":null,"cookies":null,"body":null,"isBase64Encoded":null}"#;
        let response = from_function(payload).unwrap();
        assert_eq!(response.status(), 204);
        assert!(response.headers().is_empty());
        assert!(body(response).await.is_empty());
    }

    #[tokio::test]
    async fn other_json_is_the_body() {
        for (payload, expected) in
            [(r#"{"body": "hi"}"#, r#"{"body":"hi"}"#), (r#""hello""#, "hello"), ("[1]", "[1]"), ("null", "null")]
        {
            let response = from_function(payload.as_bytes()).unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "application/json");
            assert_eq!(body(response).await, expected.as_bytes());
        }
    }

    #[test]
    fn invalid_responses_are_malformed() {
        for payload in [
            "not json",
            r#"{"statusCode": "200"}"#,
            r#"{"statusCode": 99}"#,
            r#"{"statusCode": 101}"#,
            r#"{"statusCode": 200, "body": {}}"#,
            r#"{"statusCode": 200, "headers": {"x": ["a"]}}"#,
            r#"{"statusCode": 200, "headers": {"bad name": "a"}}"#,
            r#"{"statusCode": 200, "body": "?", "isBase64Encoded": true}"#,
        ] {
            assert!(from_function(payload.as_bytes()).is_err(), "{payload}");
        }
    }
}
