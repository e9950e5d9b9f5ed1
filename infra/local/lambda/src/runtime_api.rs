//! The Runtime API, version 2018-06-01, of one instance: how a function's process gets events and hands in replies.
//!
//! One server per instance, on its own port, as every sandbox on AWS has its own. Paths, states, status codes and error
//! objects are those of AWS's runtime interface emulator. Streamed responses are collected and handed on whole, as the
//! Invoke API (without `InvokeWithResponseStream`) does.

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use local_aws::Admission;
use local_template::model::Function;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::error::Failure;
use super::freezer::Freezer;
use super::limits::MAX_RESPONSE_BYTES;
use super::trace::TraceHeader;

pub(crate) mod concurrent;

/// One invocation as the process sees it.
#[derive(Debug)]
pub(crate) struct Event {
    pub request_id: String,
    /// Milliseconds since the epoch.
    pub deadline_ms: u128,
    pub function_arn: String,
    pub trace_id: String,
    pub payload: Bytes,
}

impl Event {
    /// An invocation of the function that has to end within `limit` from now on.
    pub(crate) fn new(
        function: &Function,
        request_id: &str,
        trace: &TraceHeader,
        payload: Bytes,
        limit: Duration,
    ) -> Self {
        let deadline = SystemTime::now() + limit;
        Self {
            request_id: request_id.to_owned(),
            // The clock is past 1970.
            deadline_ms: deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
            function_arn: function.arn.clone(),
            trace_id: trace.to_string(),
            payload,
        }
    }
}

/// The process's answer to an invocation.
#[derive(Debug)]
pub(crate) enum Reply {
    Response(Bytes),
    Error(Bytes),
    /// A response of this many bytes, refused.
    TooLarge(usize),
}

impl Reply {
    /// Returns the result of the invocation.
    pub(crate) fn into_result(self) -> Result<Bytes, Failure> {
        match self {
            Self::Response(body) => Ok(body),
            Self::Error(body) => Err(Failure::Reported(body)),
            Self::TooLarge(size) => Err(Failure::ResponseTooLarge(size)),
        }
    }
}

/// The phase of the process's life.
#[derive(Debug, Clone)]
enum Phase {
    /// It has not asked for an event yet: the init phase.
    Started,
    /// It gave up its init phase with this error object.
    InitFailed(Bytes),
    /// It waits for an event.
    Ready,
    Running(Arc<Event>),
    /// It replied and has not asked for the next event yet.
    Replied(Arc<Event>),
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::InitFailed(_) => "InitError",
            Self::Ready => "Ready",
            Self::Running(_) => "Running",
            Self::Replied(_) => "RuntimeResponseSentState",
        }
    }

    /// The invocation whose id the process may use.
    fn request_id(&self) -> Option<&str> {
        match self {
            Self::Running(event) | Self::Replied(event) => Some(&event.request_id),
            Self::Started | Self::InitFailed(_) | Self::Ready => None,
        }
    }
}

/// A running Runtime API server; dropping it closes the listener.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    replies: mpsc::UnboundedReceiver<Reply>,
    freezer: Arc<OnceLock<Freezer>>,
    _server: AbortOnDropHandle<io::Result<()>>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> io::Result<Self> {
        let phase = watch::Sender::new(Phase::Started);
        let (reply, replies) = mpsc::unbounded_channel();
        let freezer = Arc::default();
        let runtime = Router::new()
            .route("/invocation/next", get(next))
            .route("/invocation/{id}/response", post(response))
            .route("/invocation/{id}/error", post(error))
            .route("/init/error", post(init_error))
            .with_state(Shared { phase: phase.clone(), reply, freezer: Arc::clone(&freezer) });
        let (address, server) = serve(runtime).await?;
        Ok(Self { address, phase, replies, freezer, _server: server })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when the process waits for an event, or with the error object of its init phase.
    pub(crate) async fn ready(&self) -> Result<(), Bytes> {
        let mut phases = self.phase.subscribe();
        match phases.wait_for(|phase| matches!(phase, Phase::Ready | Phase::InitFailed(_))).await.as_deref() {
            Ok(Phase::InitFailed(error)) => Err(error.clone()),
            // Closed it cannot be: `self` holds a sender.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// From here on, the process is stopped while it waits for an event after its first. Has an effect once.
    pub(crate) fn freeze_between_invocations(&self, freezer: Option<Freezer>) {
        if let Some(freezer) = freezer
            && self.freezer.set(freezer).is_err()
        {
            tracing::error!("the process has a freezer already");
        }
    }

    /// Hands an event to the process, which must be [ready](Self::ready), and thaws it.
    pub(crate) fn deliver(&self, event: Event) {
        self.phase.send_modify(|phase| {
            *phase = Phase::Running(Arc::new(event));
            if let Some(freezer) = self.freezer.get() {
                freezer.thaw();
            }
        });
    }

    /// The reply to the event delivered last.
    pub(crate) async fn reply(&mut self) -> Reply {
        match self.replies.recv().await {
            Some(reply) => reply,
            // The server is gone: there will be none.
            None => std::future::pending().await,
        }
    }

    /// The reply, if it is there already.
    pub(crate) fn reply_now(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }
}

/// Serves the routes of one instance on a port of its own.
async fn serve(routes: Router) -> io::Result<(SocketAddr, AbortOnDropHandle<io::Result<()>>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let admitted = Router::new()
        .nest("/2018-06-01/runtime", routes)
        .layer(from_fn(|request, next| Admission::local().layer(request, next)));
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "large events may be slow");
        }
    });
    let server = tokio::spawn(axum::serve(listener, admitted).into_future());
    Ok((address, AbortOnDropHandle::new(server)))
}

#[derive(Debug, Clone)]
struct Shared {
    phase: watch::Sender<Phase>,
    /// Replies have a channel of their own: a process asks for its next event so soon after one that a watcher of the phase
    /// may never see `Replied`.
    reply: mpsc::UnboundedSender<Reply>,
    freezer: Arc<OnceLock<Freezer>>,
}

async fn next(State(shared): State<Shared>) -> Response {
    shared.phase.send_if_modified(|phase| match phase {
        Phase::Started => {
            *phase = Phase::Ready;
            true
        }
        // The response was read, and nothing is pending: within the change of the phase, so that no thaw comes before it.
        Phase::Replied(_) => {
            *phase = Phase::Ready;
            if let Some(freezer) = shared.freezer.get() {
                freezer.freeze();
            }
            true
        }
        // `Running`: the process asks again and gets the same event.
        Phase::Ready | Phase::Running(_) | Phase::InitFailed(_) => false,
    });
    let mut changes = shared.phase.subscribe();
    let reached = changes.wait_for(|phase| matches!(phase, Phase::Running(_) | Phase::InitFailed(_))).await;
    match reached.as_deref() {
        Ok(Phase::Running(event)) => event_response(event),
        Ok(phase) => wrong_state(phase, "Ready"),
        // `shared` holds a sender, so the channel is open.
        Err(_closed) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn event_response(event: &Event) -> Response {
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", event.request_id.clone()),
        ("Lambda-Runtime-Deadline-Ms", event.deadline_ms.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", event.function_arn.clone()),
        ("Lambda-Runtime-Trace-Id", event.trace_id.clone()),
        (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
    ];
    (headers, event.payload.clone()).into_response()
}

async fn response(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match bad_mode(&headers) {
        Some(refusal) => refusal,
        None => hand_in(&shared, &id, "InvocationResponse", body, Reply::Response).await,
    }
}

async fn error(State(shared): State<Shared>, Path(id): Path<String>, body: Body) -> Response {
    hand_in(&shared, &id, "InvocationErrorResponse", body, Reply::Error).await
}

async fn hand_in(shared: &Shared, id: &str, step: &str, body: Body, reply: fn(Bytes) -> Reply) -> Response {
    if let Some(refusal) = refuse_reply(&shared.phase.borrow(), id, step) {
        return refusal;
    }
    let reply = match answer_to(body, reply).await {
        Ok(reply) => reply,
        Err(refusal) => return refusal,
    };
    let is_too_large = matches!(reply, Reply::TooLarge(_));
    let mut refusal = None;
    // Checked again, now atomically with the change: a process may reply twice at once.
    shared.phase.send_if_modified(|phase| {
        refusal = refuse_reply(phase, id, step);
        if let (None, Phase::Running(event)) = (&refusal, &*phase) {
            *phase = Phase::Replied(Arc::clone(event));
            // Fails when the instance is being killed.
            let _ = shared.reply.send(reply);
            return true;
        }
        false
    });
    match refusal {
        Some(refusal) => refusal,
        None if is_too_large => too_large(),
        None => accepted(),
    }
}

async fn init_error(State(shared): State<Shared>, body: Body) -> Response {
    let body = match read(body).await {
        Ok(Read::Whole(body)) => body,
        Ok(Read::TooLarge(_)) | Err(_) => Bytes::new(),
    };
    let mut refusal = None;
    shared.phase.send_if_modified(|phase| {
        if matches!(phase, Phase::Started) {
            *phase = Phase::InitFailed(body);
            return true;
        }
        refusal = Some(wrong_state(phase, "InitError"));
        false
    });
    refusal.unwrap_or_else(accepted)
}

/// `None` if a reply to invocation `id` is due.
fn refuse_reply(phase: &Phase, id: &str, step: &str) -> Option<Response> {
    match phase {
        _ if phase.request_id() != Some(id) => Some(invalid_id()),
        Phase::Running(_) => None,
        _ => Some(wrong_state(phase, step)),
    }
}

/// Refuses a response in another mode than those of the Runtime API.
fn bad_mode(headers: &HeaderMap) -> Option<Response> {
    let mode = headers.get("Lambda-Runtime-Function-Response-Mode");
    let is_bad = mode.is_some_and(|mode| mode != "streaming");
    is_bad.then(|| refuse(StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode"))
}

/// Reads a reply, or refuses one that ends too early.
async fn answer_to(body: Body, reply: fn(Bytes) -> Reply) -> Result<Reply, Response> {
    match read(body).await {
        Ok(Read::Whole(body)) => Ok(reply(body)),
        Ok(Read::TooLarge(size)) => Ok(Reply::TooLarge(size)),
        Err(error) => {
            tracing::warn!(%error, "the response of a function was interrupted");
            let message = "HTTP request detected as truncated";
            Err(refuse(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", message))
        }
    }
}

enum Read {
    Whole(Bytes),
    TooLarge(usize),
}

/// Reads a body to its end, keeping no more than [`MAX_RESPONSE_BYTES`] of it, so that the sender gets to read the answer.
async fn read(mut body: Body) -> Result<Read, axum::Error> {
    let mut size = 0;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            size += data.len();
            if size <= MAX_RESPONSE_BYTES {
                whole.extend_from_slice(&data);
            }
        }
    }
    Ok(if size <= MAX_RESPONSE_BYTES { Read::Whole(whole.freeze()) } else { Read::TooLarge(size) })
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn invalid_id() -> Response {
    refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn too_large() -> Response {
    let message = format!("Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

fn wrong_state(phase: &Phase, wanted: &str) -> Response {
    transition(phase.name(), wanted)
}

fn transition(from: &str, wanted: &str) -> Response {
    let message =
        format!("State transition from {from} to {wanted} failed for runtime. Error: State transition is not allowed");
    refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response {
    (status, Json(json!({ "errorMessage": message, "errorType": error_type }))).into_response()
}
