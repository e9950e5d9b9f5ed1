//! The parts of one API that its handshakes, sessions and routes share.

use std::sync::Arc;

use local_gate::Gate;
use local_lambda::Lambda;
use local_template::model::WebSocketApi;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connections::Connections;
use super::limits::Limits;
use super::routing::Selector;
use super::stats::Stats;
use crate::throttle::Throttle;

/// State of one WebSocket API and its connections.
pub(super) struct Gateway {
    pub(super) api: WebSocketApi,
    pub(super) selector: Selector,
    pub(super) lambda: Lambda,
    pub(super) gate: Gate,
    pub(super) limits: Limits,
    pub(super) throttle: Throttle,
    pub(super) stats: Arc<Stats>,
    pub(super) connections: Connections,
    /// Turns to invoke `$disconnect`: when thousands of clients leave at once, each invocation would start a process, and nobody
    /// waits for any of them.
    pub(super) disconnects: Semaphore,
    /// Handshakes, sessions and invocations.
    pub(super) tasks: TaskTracker,
    pub(super) shutdown: CancellationToken,
    pub(super) port: u16,
}
