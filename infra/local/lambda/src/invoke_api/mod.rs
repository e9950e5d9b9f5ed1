//! Lambda's Invoke API, version 2015-03-31: how functions, `aws lambda invoke` and `cargo lambda invoke` call functions.
//!
//! `POST /2015-03-31/functions/{name}/invocations` in its three types (`RequestResponse`, `Event`, `DryRun`); the other
//! operations of Lambda are answered with an error that says so.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

mod error;
mod name;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use local_aws::{Access, Admission, Permission, Signable, body};
use local_template::model::Function;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::asynchronous::{self, Retries};
use super::{Invocation, Lambda, MAX_PAYLOAD_BYTES, Outcome, TRACE_HEADER, TraceHeader};
use error::ApiError;
use name::{LATEST, Reference};

/// Largest payload of an `Event` in bytes: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

struct Api {
    functions: Vec<Function>,
    lambda: Lambda,
    access: Access,
    retries: Retries,
    /// Events that were accepted and are not done.
    events: TaskTracker,
    shutdown: CancellationToken,
}

/// Serves the Invoke API to all that have access, until `shutdown` fires; invocations under way are answered first.
pub async fn serve(
    listener: TcpListener,
    functions: Vec<Function>,
    lambda: Lambda,
    access: Access,
    retries: Retries,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let events = TaskTracker::new();
    let api = Api { functions, lambda, access, retries, events: events.clone(), shutdown: shutdown.clone() };
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .fallback(|request: Request| async move {
            ApiError::UnknownOperation(format!("{} {}", request.method(), request.uri().path()))
        })
        .with_state(Arc::new(api))
        .layer(from_fn(|request, next| Admission::signed(&["lambda"]).layer(request, next)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await?;
    events.close();
    events.wait().await;
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    qualifier: Option<String>,
}

async fn invoke(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // The body is read before any answer: a client that is still sending would not see it.
    let body = body::read(body, MAX_PAYLOAD_BYTES).await;
    let mut response = match api.answer(&name, parameters.qualifier.as_deref(), &head, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if !response.headers().contains_key(REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, header(Uuid::new_v4().to_string()));
    }
    response
}

impl Api {
    async fn answer(
        &self,
        name: &str,
        qualifier: Option<&str>,
        head: &Parts,
        body: Result<Bytes, body::BodyError>,
    ) -> Result<Response, ApiError> {
        let (headers, body) = (&head.headers, body?);
        let request = Signable { method: &head.method, uri: &head.uri, headers, body: &body };
        let caller = self.access.authenticate(request)?;
        let invocation_type = one_of(headers, "x-amz-invocation-type", &["RequestResponse", "Event", "DryRun"])?;
        let tail = one_of(headers, "x-amz-log-type", &["None", "Tail"])? == "Tail";
        if headers.contains_key("x-amz-client-context") {
            let reason = "X-Amz-Client-Context is not supported by the local cloud".to_owned();
            return Err(ApiError::InvalidParameter(reason));
        }
        let reference = Reference::parse(name, qualifier)?;
        let permission = Permission::new("lambda:InvokeFunction", reference.arn(&self.functions));
        self.access.authorize(&caller, &[permission])?;
        let function = reference.find(&self.functions)?;
        let payload = match body {
            empty if empty.is_empty() => Bytes::from_static(b"{}"),
            payload => payload,
        };
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&payload) {
            return Err(ApiError::NotJson(error.to_string()));
        }
        // Not a header: AWS begins a chain, too.
        let cause = headers.get(TRACE_HEADER).and_then(|trace| trace.to_str().ok()?.parse().ok());
        match invocation_type {
            "DryRun" => Ok(StatusCode::NO_CONTENT.into_response()),
            "Event" => self.queue(function, payload, cause),
            _ => self.run(function, payload, cause, tail).await,
        }
    }

    fn queue(&self, function: &Function, event: Bytes, cause: Option<TraceHeader>) -> Result<Response, ApiError> {
        if event.len() > MAX_EVENT_BYTES {
            return Err(ApiError::EventTooLarge { size: event.len(), limit: MAX_EVENT_BYTES });
        }
        let (lambda, retries, shutdown) = (self.lambda.clone(), self.retries.clone(), self.shutdown.clone());
        let event = lambda.accept(&function.logical_id, event, cause);
        self.events.spawn(async move {
            asynchronous::deliver(&lambda, event, &retries, &shutdown).await;
        });
        Ok(StatusCode::ACCEPTED.into_response())
    }

    async fn run(
        &self,
        function: &Function,
        payload: Bytes,
        cause: Option<TraceHeader>,
        tail: bool,
    ) -> Result<Response, ApiError> {
        let Invocation { request_id, outcome, log } = self.lambda.run(&function.logical_id, payload, cause).await?;
        let (payload, failed) = match outcome {
            Outcome::Success(payload) => (payload, false),
            Outcome::FunctionError(error) => (error, true),
        };
        let mut response = Response::new(Body::from(payload));
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("x-amz-executed-version", HeaderValue::from_static(LATEST));
        headers.insert(REQUEST_ID, header(request_id));
        if failed {
            headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
        }
        if tail {
            headers.insert("x-amz-log-result", header(STANDARD.encode(log)));
        }
        Ok(response)
    }
}

/// The value of a header that has to be one of these; the first is the default.
fn one_of(headers: &HeaderMap, name: &'static str, allowed: &[&'static str]) -> Result<&'static str, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(allowed[0]);
    };
    let known = allowed.iter().find(|allowed| value == **allowed);
    known.copied().ok_or_else(|| ApiError::Header {
        name,
        found: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        allowed: allowed.join(", "),
    })
}

/// Ids and base64 are plain ASCII, which every header takes.
fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
