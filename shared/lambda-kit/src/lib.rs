//! What every function needs around its decision: configuration, telemetry, requests, responses, pushes.
//!
//! * [`config`]: environment and AWS clients.
//! * [`telemetry`]: structured logs.
//! * [`http`]: functions behind the HTTP API.
//! * [`websocket`]: functions behind the WebSocket API.
//! * [`queue`]: functions behind an SQS queue.
//! * [`push`]: frames to connections.

pub mod config;
mod deadline;
mod error;
pub mod http;
pub mod push;
pub mod queue;
pub mod telemetry;
pub mod websocket;

pub use lambda_runtime::Error;
