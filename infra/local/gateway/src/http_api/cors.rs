//! Cross-origin requests: answers to preflights, and the headers that let a page read a response.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use local_template::model;

/// The headers that the gateway speaks for alone: "API Gateway ignores CORS headers returned from your backend integration".
const HEADERS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

const ANY: &str = "*";

pub(super) struct Cors(model::Cors);

/// CORS headers of a response to one request.
pub(super) struct Headers(HeaderMap);

impl Cors {
    pub(super) fn new(cors: model::Cors) -> Self {
        Self(cors)
    }

    /// The headers for a request: none where it has no `Origin`, or one that is not allowed.
    pub(super) fn headers(&self, head: &Parts) -> Headers {
        let Self(cors) = self;
        let mut headers = HeaderMap::new();
        if let Some(origin) = head.headers.get(ORIGIN).and_then(|origin| self.allowed(origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if cors.allow_credentials {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
            insert(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers.join(","));
            if is_preflight(head) {
                insert(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods.join(","));
                insert(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers.join(","));
                insert(
                    &mut headers,
                    ACCESS_CONTROL_MAX_AGE,
                    &cors.max_age.map_or(String::new(), |age| age.to_string()),
                );
            }
        }
        Headers(headers)
    }

    /// Returns `Access-Control-Allow-Origin` for this origin. `https://*` allows every origin of that scheme.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok()?;
        let origins = &self.0.allow_origins;
        if origins.iter().any(|allowed| allowed == ANY) {
            return Some(HeaderValue::from_static(ANY));
        }
        let matches = |allowed: &String| match allowed.strip_suffix(ANY) {
            Some(scheme) => text.len() > scheme.len() && text.starts_with(scheme),
            None => allowed == text,
        };
        origins.iter().any(matches).then(|| origin.clone())
    }
}

impl Headers {
    /// Puts the headers in the place of those that the function set. The gateway's own answers get them, too.
    pub(super) fn apply(self, response: &mut Response) {
        for name in HEADERS {
            response.headers_mut().remove(name);
        }
        response.headers_mut().extend(self.0);
    }
}

/// Returns true for a preflight request of a browser.
pub(super) fn is_preflight(head: &Parts) -> bool {
    let has = |name| head.headers.contains_key(name);
    head.method == Method::OPTIONS && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight that no route takes.
pub(super) fn preflight_response() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A value that is empty, or that no header takes, is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(_) if value.is_empty() => {}
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::warn!(%name, value, %error, "CORS header left out"),
    }
}
