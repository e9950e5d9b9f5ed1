//! The Runtime API of an instance that runs several invocations at once.
//!
//! "Managed Instances can accept concurrent `/next` and `/response` requests up to the configured `AWS_LAMBDA_MAX_CONCURRENCY`
//! limit": <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. Each poll gets an event of its own. An invocation has
//! its place until the process has answered it, even if nobody waits for the answer any more.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

use super::{Event, Read, Reply, accepted, answer_to, bad_mode, event_response, invalid_id, read, serve, transition};

/// The init phase of the process.
#[derive(Debug, Clone)]
enum Init {
    Started,
    /// It gave up with this error object.
    Failed(Bytes),
    /// It has asked for an event.
    Ready,
}

/// A running Runtime API server; dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct ConcurrentRuntimeApi {
    address: SocketAddr,
    capacity: usize,
    events: mpsc::UnboundedSender<Event>,
    shared: Shared,
    _server: AbortOnDropHandle<io::Result<()>>,
}

#[derive(Debug, Clone)]
struct Shared {
    init: watch::Sender<Init>,
    /// Each poll waits for its turn to wait for an event.
    queue: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>>,
    /// Those that wait for the replies of the invocations under way, by request id.
    running: Arc<Mutex<HashMap<String, oneshot::Sender<Reply>>>>,
    /// Wakes invocations that wait for a place.
    released: Arc<Notify>,
}

impl ConcurrentRuntimeApi {
    /// Starts the server of a process with so many places. Each place that becomes free wakes all who wait for `released`.
    pub(crate) async fn start(capacity: usize, released: Arc<Notify>) -> io::Result<Self> {
        let (events, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let shared = Shared { init: watch::Sender::new(Init::Started), queue, running: Arc::default(), released };
        let routes = Router::new()
            .route("/invocation/next", get(next))
            .route("/invocation/{id}/response", post(response))
            .route("/invocation/{id}/error", post(error))
            .route("/init/error", post(init_error))
            .with_state(shared.clone());
        let (address, server) = serve(routes).await?;
        Ok(Self { address, capacity, events, shared, _server: server })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when the process has asked for an event, or with the error object of its init phase.
    pub(crate) async fn ready(&self) -> Result<(), Bytes> {
        let mut phases = self.shared.init.subscribe();
        match phases.wait_for(|phase| !matches!(phase, Init::Started)).await.as_deref() {
            Ok(Init::Failed(error)) => Err(error.clone()),
            // Closed it cannot be: `self` holds a sender.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Takes a place for an invocation; its reply comes here. `None`: all places are taken.
    pub(crate) fn take_place(&self, request_id: &str) -> Option<oneshot::Receiver<Reply>> {
        let mut running = self.shared.running();
        if running.len() >= self.capacity {
            return None;
        }
        let (reply, replied) = oneshot::channel();
        running.insert(request_id.to_owned(), reply);
        Some(replied)
    }

    /// Number of places that are taken.
    pub(crate) fn taken(&self) -> usize {
        self.shared.running().len()
    }

    /// Hands an event that has a place to the process.
    pub(crate) fn deliver(&self, event: Event) {
        // The receiver is in `shared`.
        let _ = self.events.send(event);
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Reply>>> {
        // Nothing panics while it holds the lock.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    shared.init.send_if_modified(|init| {
        let first = matches!(init, Init::Started);
        if first {
            *init = Init::Ready;
        }
        first
    });
    // A process that closes the connection meanwhile takes no event with it.
    match shared.queue.lock().await.recv().await {
        Some(event) => event_response(&event),
        // The instance is being killed.
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn response(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match bad_mode(&headers) {
        Some(refusal) => refusal,
        None => hand_in(&shared, &id, body, Reply::Response).await,
    }
}

async fn error(State(shared): State<Shared>, Path(id): Path<String>, body: Body) -> Response {
    hand_in(&shared, &id, body, Reply::Error).await
}

async fn hand_in(shared: &Shared, id: &str, body: Body, reply: fn(Bytes) -> Reply) -> Response {
    if !shared.running().contains_key(id) {
        return invalid_id();
    }
    let reply = match answer_to(body, reply).await {
        Ok(reply) => reply,
        Err(refusal) => return refusal,
    };
    let too_large = matches!(reply, Reply::TooLarge(_));
    // A process may reply twice at once.
    let Some(waiting) = shared.running().remove(id) else { return invalid_id() };
    // Fails when the invocation has timed out.
    let _ = waiting.send(reply);
    shared.released.notify_waiters();
    if too_large { super::too_large() } else { accepted() }
}

async fn init_error(State(shared): State<Shared>, body: Body) -> Response {
    let body = match read(body).await {
        Ok(Read::Whole(body)) => body,
        Ok(Read::TooLarge(_)) | Err(_) => Bytes::new(),
    };
    let failed = shared.init.send_if_modified(|init| {
        let started = matches!(init, Init::Started);
        if started {
            *init = Init::Failed(body);
        }
        started
    });
    if failed { accepted() } else { transition("Ready", "InitError") }
}
