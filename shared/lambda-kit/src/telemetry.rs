//! Logs: one JSON object a line on standard output, which Lambda sends to CloudWatch.
//!
//! No message text, token or presigned URL is ever logged; ids and codes are.

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` sets the log filter; the default is `info`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // CloudWatch stamps every line.
        .without_time()
        .with_env_filter(filter)
        .init();
}
