//! The parts that every function needs around its decision: wiring, telemetry, requests, responses.
//!
//! * [`Wiring`]: builds the dependencies of a function from the environment.
//!
//! * [`run`]: the process of a function.
//!
//! * [`serve`]: the loop of every function, with one or several invocations at a time.
//!
//! * [`config`]: variables and the shared AWS configuration.
//!
//! * [`telemetry`]: structured logs.
//!
//! * [`token`]: what both doors read from a token.
//!
//! * [`http`]: functions behind the HTTP API.
//!
//! * [`websocket`]: functions behind the WebSocket API.
//!
//! * [`queue`]: functions behind an SQS queue.
//!
//! * [`stream`]: functions behind a DynamoDB stream.
//!
//! * [`bucket`]: functions that a bucket notifies.

pub mod bucket;
pub mod config;
mod deadline;
mod error;
pub mod http;
mod invocations;
pub mod queue;
mod run;
mod spans;
pub mod stream;
pub mod telemetry;
pub mod token;
mod trace;
pub mod websocket;
mod wiring;

pub use deadline::of as deadline;
pub use error::of_part as error_of_part;
pub use invocations::serve;
pub use lambda_runtime::Error;
pub use run::run;
pub use wiring::Wiring;
