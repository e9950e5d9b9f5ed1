//! OpenSearch's wire protocol: JSON over HTTP.

mod collection;
mod documents;
mod indices;
mod information;
mod parameters;
mod searching;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use local_aws::body::{self, BodyError};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Kind;
use crate::cluster::Cluster;
use crate::error::ApiError;
use parameters::Parameters;

/// Largest body that is read: OpenSearch's default of `http.max_content_length`.
const MAX_BODY_BYTES: usize = 100 * 1024 * 1024;

/// A request that has come in whole.
struct Call {
    cluster: Arc<Cluster>,
    kind: Kind,
    method: Method,
    /// Decoded parts of the path.
    path: Vec<String>,
    parameters: Parameters,
    body: Bytes,
    started: Instant,
}

type Answer = Result<Response, ApiError>;

pub(crate) async fn serve(
    cluster: Arc<Cluster>,
    kind: Kind,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state((cluster, kind)).layer(DefaultBodyLimit::disable());
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn answer(State((cluster, kind)): State<(Arc<Cluster>, Kind)>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    let body = match body::read(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(BodyError::Broken) => {
            return ApiError::parse("the request ended before its body was complete").into_response();
        }
    };
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !body.is_empty() && !is_supported(content_type) {
        let reason = format!("Content-Type header [{content_type}] is not supported");
        let body = serde_json::json!({ "error": reason, "status": 406 });
        return (StatusCode::NOT_ACCEPTABLE, Json(body)).into_response();
    }
    let path = head.uri.path();
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts = parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
    let parameters = Parameters::read(path, head.uri.query().unwrap_or_default());
    let call = Call { cluster, kind, method: head.method, path: parts, parameters, body, started: Instant::now() };
    // Searches and commits take long, and they wait for the disk.
    let answered = tokio::task::spawn_blocking(move || route(call)).await;
    let response = match answered {
        Ok(answer) => answer.unwrap_or_else(IntoResponse::into_response),
        Err(error) => ApiError::internal(error).into_response(),
    };
    if is_head { (response.status(), ()).into_response() } else { response }
}

fn is_supported(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/x-ndjson"].contains(&media_type)
}

/// Finds what a request asks for by its method and path.
fn route(call: Call) -> Answer {
    let (method, path) = (call.method.clone(), call.path.clone());
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    if call.kind == Kind::Collection {
        collection::check(&method, &parts, &call.parameters)?;
    }
    match (method.as_str(), &parts[..]) {
        ("GET" | "HEAD", []) => information::root(call),
        ("GET", ["_cluster", "health"]) => information::health(call),
        ("GET", ["_cat", "indices"]) => information::indices(call, None),
        ("GET", ["_cat", "indices", name]) => information::indices(call, Some(name)),
        ("POST", ["_aliases"]) => indices::change_aliases(call),
        ("GET", ["_alias"]) => indices::aliases(call, None, None),
        ("GET" | "HEAD", ["_alias", alias]) => indices::aliases(call, None, Some(alias)),
        ("POST" | "PUT", ["_bulk"]) => documents::bulk(call, None),
        ("GET" | "POST", ["_search"]) => searching::search(call, None),
        ("GET" | "POST", ["_count"]) => searching::count(call, None),
        ("GET" | "POST", ["_refresh"]) => indices::refresh(call, None),
        (_, [name, ..]) if name.starts_with('_') => Err(unknown(&call)),
        ("PUT", [name]) => indices::create(call, name),
        ("GET", [name]) => indices::describe(call, name),
        ("HEAD", [name]) => indices::exists(call, name),
        ("DELETE", [name]) => indices::delete(call, name),
        ("GET", [name, "_mapping"]) => indices::mapping(call, name),
        ("PUT" | "POST", [name, "_mapping"]) => indices::add_fields(call, name),
        ("GET", [name, "_alias"]) => indices::aliases(call, Some(name), None),
        ("GET" | "HEAD", [name, "_alias", alias]) => indices::aliases(call, Some(name), Some(alias)),
        ("GET" | "POST", [name, "_refresh"]) => indices::refresh(call, Some(name)),
        ("POST" | "PUT", [name, "_bulk"]) => documents::bulk(call, Some(name)),
        ("GET" | "HEAD", [name, "_doc", id]) => documents::get(call, name, id),
        ("GET" | "POST", [name, "_search"]) => searching::search(call, Some(name)),
        ("GET" | "POST", [name, "_count"]) => searching::count(call, Some(name)),
        _ => Err(unknown(&call)),
    }
}

fn unknown(call: &Call) -> ApiError {
    let (method, path) = (&call.method, call.path.join("/"));
    ApiError::illegal_argument(format!(
        "no handler found for uri [/{path}] and method [{method}], or it is not emulated"
    ))
}

impl Call {
    /// Reads the body as JSON; `None` if there is none.
    fn json(&self) -> Result<Option<Value>, ApiError> {
        if self.body.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&self.body)
            .map(Some)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "json_parse_exception", error.to_string()))
    }

    /// Reads the body that the request cannot do without.
    fn required_json(&self) -> Result<Value, ApiError> {
        self.json()?.ok_or_else(|| ApiError::parse("request body is required"))
    }

    /// Milliseconds since the request came.
    fn took(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The end of most handlers.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
fn ok(body: impl Serialize) -> Answer {
    Ok(Json(body).into_response())
}
