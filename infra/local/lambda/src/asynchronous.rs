//! Asynchronous invocations: the caller has its answer already, and Lambda repeats what fails.
//!
//! Times are those of <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{InvokeError, Lambda, Outcome};

/// Retries of failed events. The defaults are AWS's.
#[derive(Debug, Clone)]
pub struct Retries {
    /// The waits before a function that ended with an error runs again, as often as there are waits: 1 minute, 2 minutes.
    pub after_errors: Vec<Duration>,
    /// The wait after an invocation that could not run, doubled each time: 1 s at first.
    pub first_back_off: Duration,
    /// The longest of these waits: 5 minutes.
    pub longest_back_off: Duration,
    /// Age up to which an event is retried: 6 hours.
    pub maximum_age: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            after_errors: vec![Duration::from_mins(1), Duration::from_mins(2)],
            first_back_off: Duration::from_secs(1),
            longest_back_off: Duration::from_mins(5),
            maximum_age: Duration::from_hours(6),
        }
    }
}

/// Runs an event until it succeeds or is given up, which is logged: there is no dead-letter queue of a function. Events
/// wait in memory, so one that waits when the token fires is lost; that is logged, too.
pub async fn deliver(lambda: &Lambda, function: &str, event: Bytes, retries: &Retries, shutdown: &CancellationToken) {
    let begun = Instant::now();
    let mut after_errors = retries.after_errors.iter();
    let mut back_off = retries.first_back_off;
    loop {
        let wait = match lambda.invoke(function, event.clone()).await {
            Ok(Outcome::Success(_)) => return,
            Ok(Outcome::FunctionError(error)) => {
                let error = String::from_utf8_lossy(&error).into_owned();
                let Some(wait) = after_errors.next() else {
                    tracing::error!(function, error, "an event is discarded: the function failed too often");
                    return;
                };
                *wait
            }
            Err(InvokeError::Throttled | InvokeError::Unavailable(_)) if begun.elapsed() < retries.maximum_age => {
                let wait = back_off;
                back_off = (back_off * 2).min(retries.longest_back_off);
                wait
            }
            Err(error) => {
                tracing::error!(function, %error, "an event is discarded");
                return;
            }
        };
        if shutdown.run_until_cancelled(sleep(wait)).await.is_none() {
            tracing::warn!(function, "an event that waited for its retry is lost");
            return;
        }
    }
}
