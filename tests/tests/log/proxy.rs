//! A proxy in front of DynamoDB: it passes on every request as it came, and interferes with one kind of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::TRANSFER_ENCODING;
use axum::response::{IntoResponse, Response};
use end_to_end::{Cloud, aws};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// The way in which a response is lost after the request was executed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// The service says that it failed.
    Error,
    /// The connection ends within the answer.
    Cut,
}

/// Returns a client whose first `times` requests of this operation are executed but not answered.
pub(crate) async fn losing_responses(operation: &'static str, times: usize, loss: Loss) -> Client {
    let requests = Arc::new(AtomicUsize::new(0));
    client(move |request| {
        let unanswered = is(&request, operation) && requests.fetch_add(1, Ordering::Relaxed) < times;
        async move {
            let answer = forward(request).await;
            match loss {
                _ if !unanswered => answer,
                Loss::Error => {
                    let failure = r#"{"__type":"com.amazon.coral.service#InternalServerError","message":"Lost"}"#;
                    (StatusCode::INTERNAL_SERVER_ERROR, failure).into_response()
                }
                Loss::Cut => {
                    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                    Body::from_stream(futures_util::stream::iter([Ok("{"), Err(cut)])).into_response()
                }
            }
        }
    })
    .await
}

/// Returns a client whose first `times` puts meet a transaction: they are not executed.
pub(crate) async fn conflicting_puts(times: usize) -> Client {
    let puts = Arc::new(AtomicUsize::new(0));
    client(move |request| {
        let meets = is(&request, "PutItem") && puts.fetch_add(1, Ordering::Relaxed) < times;
        async move {
            if !meets {
                return forward(request).await;
            }
            let conflict = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException",
                "message":"Transaction is ongoing for the item"}"#;
            (StatusCode::BAD_REQUEST, conflict).into_response()
        }
    })
    .await
}

/// Returns a client whose eventually consistent queries leave this seq out, as a partition does that lags behind the next one.
pub(crate) async fn lagging_at(seq: u64) -> Client {
    client(move |request| async move {
        let is_query = is(&request, "Query");
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let lags = is_query && asked["ConsistentRead"] != true;
        let answer = forward(Request::from_parts(parts, Body::from(body))).await;
        if !lags {
            return answer;
        }
        let (mut head, body) = answer.into_parts();
        let mut found: Value = serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
        let missing = seq.to_string();
        found["Items"].as_array_mut().unwrap().retain(|item| item["seq"]["N"] != *missing);
        for header in ["content-length", "x-amz-crc32"] {
            head.headers.remove(header);
        }
        Response::from_parts(head, Body::from(found.to_string()))
    })
    .await
}

/// Holds the queries of the log until they are released.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    /// Notified when a query has arrived.
    pub(crate) reached: Arc<Notify>,
    /// Notify to let it continue.
    pub(crate) open: Arc<Notify>,
}

/// A client whose first query waits at the gate.
pub(crate) async fn holding_first_query(gate: Gate) -> Client {
    holding("Query", 0, gate).await
}

/// A client whose put waits at the gate, the one after the first `skipped`.
pub(crate) async fn holding_put(skipped: usize, gate: Gate) -> Client {
    holding("PutItem", skipped, gate).await
}

async fn holding(operation: &'static str, skipped: usize, gate: Gate) -> Client {
    let requests = Arc::new(AtomicUsize::new(0));
    client(move |request| {
        let held = is(&request, operation) && requests.fetch_add(1, Ordering::Relaxed) == skipped;
        let gate = gate.clone();
        async move {
            if held {
                gate.reached.notify_one();
                gate.open.notified().await;
            }
            forward(request).await
        }
    })
    .await
}

/// A client that counts its queries.
pub(crate) async fn counting_queries() -> (Client, Arc<AtomicUsize>) {
    let queries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&queries);
    let client = client(move |request| {
        counter.fetch_add(usize::from(is(&request, "Query")), Ordering::Relaxed);
        forward(request)
    });
    (client.await, queries)
}

/// A client of which one query that says this (the name of a table, say) waits at the gate, the one after the first `skipped`. It
/// counts as having reached the gate when so many other requests have been answered.
pub(crate) async fn holding_query_of(body_text: &'static str, skipped: usize, others: usize, gate: Gate) -> Client {
    let queries = Arc::new(AtomicUsize::new(0));
    let answered = Arc::new(watch::Sender::new(0));
    client(move |request| {
        let (queries, answered, gate) = (Arc::clone(&queries), Arc::clone(&answered), gate.clone());
        async move {
            let is_query = is(&request, "Query");
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let matches = is_query && String::from_utf8_lossy(&body).contains(body_text);
            let held = matches && queries.fetch_add(1, Ordering::Relaxed) == skipped;
            if held {
                answered.subscribe().wait_for(|count| *count >= others).await.unwrap();
                gate.reached.notify_one();
                gate.open.notified().await;
            }
            let answer = forward(Request::from_parts(parts, Body::from(body))).await;
            answered.send_modify(|count| *count += 1);
            answer
        }
    })
    .await
}

/// A client of a proxy that lives as long as the test.
async fn client<F, R>(handle: F) -> Client
where
    F: Fn(Request) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    let recipient = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", recipient.local_addr().unwrap());
    let router = Router::new().fallback(move |request: Request| handle(request));
    tokio::spawn(axum::serve(recipient, router).into_future());
    aws::dynamodb(&endpoint)
}

fn is(request: &Request, operation: &str) -> bool {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.split_once('.')).is_some_and(|(_, name)| name == operation)
}

async fn forward(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let to = format!("{}{}", Cloud::shared().endpoints.aws.dynamodb, parts.uri);
    let request = end_to_end::test_user::client().request(parts.method, to).headers(parts.headers).body(body);
    let answer = request.send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    // The body is passed on in one piece.
    headers.remove(TRANSFER_ENCODING);
    (status, headers, answer.bytes().await.unwrap()).into_response()
}
