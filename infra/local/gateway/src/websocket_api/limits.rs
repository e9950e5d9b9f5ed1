//! Limits of WebSocket connections: rates, sizes and times.

use std::sync::Arc;
use std::time::Duration;

use crate::throttle::Account;

/// Limits of a connection
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
/// The defaults are AWS's quotas.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Without a frame in either direction for this long, a connection is closed with 1001. 10 minutes.
    pub idle: Duration,
    /// Every connection is closed with 1001 after this long. 2 hours.
    pub lifetime: Duration,
    /// Bytes in one frame from the client; more closes with 1009. 32 KiB.
    pub frame: usize,
    /// Bytes in one message, from the client (more closes with 1009) or posted to it (more is refused). 128 KiB.
    pub message: usize,
    /// Invocations that one connection may have under way; further frames wait in the socket. AWS has no such limit
    /// but the account's; this one keeps a flooding client from starting processes without end. 100.
    pub in_flight: usize,
    /// Messages that wait for a client that does not read; further posts are refused. AWS does not publish how much it
    /// buffers. 256.
    pub queue: usize,
    /// Handshakes, messages and calls to `@connections` beyond its quotas are throttled. AWS's default quotas.
    pub account: Arc<Account>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(10),
            lifetime: Duration::from_hours(2),
            frame: 32 * 1024,
            message: 128 * 1024,
            in_flight: 100,
            queue: 256,
            account: Arc::default(),
        }
    }
}
