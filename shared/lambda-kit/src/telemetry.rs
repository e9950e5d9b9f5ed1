//! Logs: one JSON object a line on standard output, which Lambda sends to CloudWatch.
//!
//! The `span` of a line has the ids of the invocation: see `spans.rs`. No message text, token or presigned URL is
//! ever logged.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. `RUST_LOG` sets the log filter; the default is `info`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    subscriber(filter, std::io::stdout).init();
}

/// Returns the writer of log lines.
pub(crate) fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        // The innermost span has all ids of the invocation.
        .with_span_list(false)
        // CloudWatch stamps every line.
        .without_time()
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}
