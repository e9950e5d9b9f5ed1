//! Hands invocations to an Invoke API that already runs, in the place of processes of this machine.
//!
//! Such as `cargo lambda watch` (where a function is called as its binary), `sam local start-lambda` (as its logical id) and
//! another local cloud. They build the functions, start them and set their environment: of this cloud they get events only.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local_aws::{Credentials, signature};
use local_template::model::Function;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::invocation::{Handler, InvokeError, Outcome};

/// Interval of the attempts to reach an endpoint that does not listen yet.
const LISTENING_INTERVAL: Duration = Duration::from_millis(200);

/// Address of an Invoke API: `http://127.0.0.1:9000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeEndpoint {
    /// Without a slash at the end.
    url: String,
}

/// A text that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("not a URL such as http://127.0.0.1:9000")]
    Url,
    /// Another scheme: such endpoints are on this machine.
    #[error("only http:// is supported")]
    Scheme,
}

impl FromStr for InvokeEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let uri: Uri = text.parse().map_err(|_| EndpointError::Url)?;
        match (uri.scheme_str(), uri.authority(), uri.query()) {
            (Some("http"), Some(_), None) => Ok(Self { url: text.trim_end_matches('/').to_owned() }),
            (Some("http") | None, ..) => Err(EndpointError::Url),
            _ => Err(EndpointError::Scheme),
        }
    }
}

impl InvokeEndpoint {
    /// Waits until something listens there. `environment` is the file that a message meanwhile points users to.
    pub async fn listening(&self, environment: Option<&Path>) {
        let address = self.url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        // As a URL has it, without a port it is HTTP's.
        let address = if address.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
            address.to_owned()
        } else {
            format!("{address}:80")
        };
        let mut told = false;
        while let Err(error) = TcpStream::connect(&address).await {
            if !std::mem::replace(&mut told, true) {
                let source =
                    environment.map(|file| format!("; the environment for the functions is in {}", file.display()));
                tracing::info!("waiting for {} to run the functions ({error}){}", self.url, source.unwrap_or_default());
            }
            sleep(LISTENING_INTERVAL).await;
        }
    }
}

/// One handler per function, by logical id.
pub(super) fn handlers(functions: &[Function], endpoint: &InvokeEndpoint) -> BTreeMap<String, Handler> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let handler = |function: &Function| -> Handler {
        let target = Arc::new(Target::new(function, endpoint.clone(), client.clone()));
        Arc::new(move |payload| {
            let target = Arc::clone(&target);
            Box::pin(async move { target.invoke(payload).await })
        })
    };
    functions.iter().map(|function| (function.logical_id.clone(), handler(function))).collect()
}

/// A function at the endpoint.
struct Target {
    endpoint: InvokeEndpoint,
    client: Client<HttpConnector, Full<Bytes>>,
    logical_id: String,
    /// The names by which the endpoint may know it.
    names: [String; 3],
    /// The name that worked last.
    known_as: AtomicUsize,
}

impl Target {
    fn new(function: &Function, endpoint: InvokeEndpoint, client: Client<HttpConnector, Full<Bytes>>) -> Self {
        Self {
            endpoint,
            client,
            logical_id: function.logical_id.clone(),
            names: [function.binary.clone(), function.logical_id.clone(), function.name.clone()],
            known_as: AtomicUsize::new(0),
        }
    }

    /// Tries the names until the endpoint knows one. There is no time limit: the endpoint has its own, and may first have to
    /// build the function.
    async fn invoke(&self, payload: Bytes) -> Result<Outcome, InvokeError> {
        let first = self.known_as.load(Ordering::Relaxed);
        for index in (0..self.names.len()).map(|step| (first + step) % self.names.len()) {
            if let Some(outcome) = self.try_name(&self.names[index], payload.clone()).await? {
                self.known_as.store(index, Ordering::Relaxed);
                return Ok(outcome);
            }
        }
        tracing::error!(
            function = self.logical_id,
            "{} has no function with any of the names {:?}",
            self.endpoint.url,
            self.names
        );
        Err(InvokeError::NotFound(self.logical_id.clone()))
    }

    /// `None`: the endpoint knows no function of that name.
    async fn try_name(&self, name: &str, payload: Bytes) -> Result<Option<Outcome>, InvokeError> {
        let unavailable = |reason: String| InvokeError::Unavailable(format!("{}: {reason}", self.endpoint.url));
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint.url);
        let request = Request::post(url).header(CONTENT_TYPE, "application/json").body(payload);
        let mut request = request.map_err(|error| unavailable(error.to_string()))?;
        signature::sign(&Credentials::developer(), "lambda", &mut request);
        let request = request.map(Full::new);
        let response = self.client.request(request).await.map_err(|error| unavailable(describe(&error)))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| unavailable(error.to_string()))?.to_bytes();
        read_answer(&head, body).map_err(|error| match error {
            InvokeError::Unavailable(reason) => unavailable(reason),
            error => error,
        })
    }
}

/// Parses an endpoint's answer. A function error is a header on AWS; `cargo lambda watch` answers 500 with the error object.
fn read_answer(head: &Parts, body: Bytes) -> Result<Option<Outcome>, InvokeError> {
    match head.status {
        StatusCode::OK if head.headers.contains_key("x-amz-function-error") => Ok(Some(Outcome::FunctionError(body))),
        StatusCode::OK => Ok(Some(Outcome::Success(body))),
        StatusCode::INTERNAL_SERVER_ERROR if is_error_object(&body) => Ok(Some(Outcome::FunctionError(body))),
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::TOO_MANY_REQUESTS => Err(InvokeError::Throttled),
        StatusCode::PAYLOAD_TOO_LARGE => Err(InvokeError::TooLarge),
        status => Err(InvokeError::Unavailable(format!("{status}: {}", String::from_utf8_lossy(&body)))),
    }
}

/// Returns true for a body that a function reports to the Runtime API when it fails.
fn is_error_object(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Reported {
        #[serde(rename = "errorType")]
        _error_type: String,
        #[serde(rename = "errorMessage")]
        _error_message: String,
    }
    serde_json::from_slice::<Reported>(body).is_ok()
}

/// The client's own text leaves out why it could not connect.
fn describe(error: &hyper_util::client::legacy::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_http_url() {
        let parse = |text: &str| text.parse::<InvokeEndpoint>().map(|endpoint| endpoint.url);
        assert_eq!(parse("http://127.0.0.1:9000/").unwrap(), "http://127.0.0.1:9000");
        assert_eq!(parse("http://localhost:9000/prefix").unwrap(), "http://localhost:9000/prefix");
        assert_eq!(parse("https://example.com"), Err(EndpointError::Scheme));
        for text in ["localhost:9000", "/path", "", "http://a/?b"] {
            assert_eq!(parse(text), Err(EndpointError::Url), "{text}");
        }
    }

    #[test]
    fn failures_of_every_endpoint_are_recognized() {
        let read = |status: u16, function_error: bool, body: &'static str| {
            let mut response = http::Response::builder().status(status);
            if function_error {
                response = response.header("X-Amz-Function-Error", "Unhandled");
            }
            read_answer(&response.body(()).unwrap().into_parts().0, Bytes::from_static(body.as_bytes()))
        };
        let reported = r#"{"errorType":"a","errorMessage":"b"}"#;
        assert_eq!(read(200, false, reported).unwrap(), Some(Outcome::Success(reported.into())));
        assert_eq!(read(200, true, "{}").unwrap(), Some(Outcome::FunctionError("{}".into())));
        assert_eq!(read(500, false, reported).unwrap(), Some(Outcome::FunctionError(reported.into())));
        assert_eq!(read(404, false, "").unwrap(), None);
        assert!(matches!(read(500, false, r#"{"Type":"Service"}"#), Err(InvokeError::Unavailable(_))));
        assert!(matches!(read(429, false, ""), Err(InvokeError::Throttled)));
        assert!(matches!(read(413, false, ""), Err(InvokeError::TooLarge)));
    }
}
