//! Asynchronous invocations: the caller has its answer already, and Lambda repeats what fails.
//!
//! Times are those of <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>. With a folder, an
//! accepted event is kept in a file until it is done, and delivered again after the process was killed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use local_template::model::{AsynchronousEvents, Function};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{InvokeError, Lambda, Outcome, TraceHeader};

/// Retries of failed events. The defaults are AWS's.
#[derive(Debug, Clone)]
pub struct Retries {
    /// The waits before a function that ended with an error runs again, as often as there are waits: 1 minute, 2 minutes.
    pub after_errors: Vec<Duration>,
    /// The wait after an invocation that could not run, doubled each time: 1 s at first.
    pub first_back_off: Duration,
    /// The longest of these waits: 5 minutes.
    pub longest_back_off: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            after_errors: vec![Duration::from_mins(1), Duration::from_mins(2)],
            first_back_off: Duration::from_secs(1),
            longest_back_off: Duration::from_mins(5),
        }
    }
}

/// Sends a text to the queue with this logical id.
pub type Report = Arc<dyn Fn(String, String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Where events are kept, and what becomes of those that fail.
#[derive(Clone)]
pub struct EventQueue {
    functions: BTreeMap<String, (String, AsynchronousEvents)>,
    folder: Option<PathBuf>,
    report: Report,
}

impl EventQueue {
    /// Makes the folder, where there is one.
    pub fn open(functions: &[Function], folder: Option<PathBuf>, report: Report) -> io::Result<Self> {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
        }
        let settings = |function: &Function| (function.arn.clone(), function.asynchronous.clone());
        let functions = functions.iter().map(|function| (function.logical_id.clone(), settings(function)));
        Ok(Self { functions: functions.collect(), folder, report })
    }
}

/// An event that was accepted.
#[derive(Debug)]
pub struct Event {
    function: String,
    payload: Bytes,
    /// The header of the invocation that caused it.
    cause: Option<TraceHeader>,
    accepted: OffsetDateTime,
    /// Holds it until it is done.
    file: Option<PathBuf>,
}

/// An event in its file.
#[derive(Serialize, Deserialize)]
struct Kept {
    function: String,
    accepted: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    payload: Box<RawValue>,
}

/// End of an event that is given up.
struct Failure {
    condition: &'static str,
    invocations: u32,
    /// The function's last error object.
    error: Option<Bytes>,
}

impl Lambda {
    /// Accepts an event, which is on the disk then. `cause` is the header of the invocation that sent it, if one did.
    pub fn accept(&self, function: &str, payload: Bytes, cause: Option<TraceHeader>) -> Event {
        let accepted = OffsetDateTime::now_utc();
        let folder = self.events().and_then(|queue| queue.folder.as_deref());
        let file = folder.and_then(|folder| match keep(folder, function, accepted, cause.as_ref(), &payload) {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::error!(function, %error, "an event is kept in memory only");
                None
            }
        });
        Event { function: function.to_owned(), payload, cause, accepted, file }
    }
}

fn keep(
    folder: &Path,
    function: &str,
    accepted: OffsetDateTime,
    cause: Option<&TraceHeader>,
    payload: &[u8],
) -> io::Result<PathBuf> {
    let payload = serde_json::from_slice(payload)?;
    let kept = Kept {
        function: function.to_owned(),
        accepted: accepted.unix_timestamp(),
        cause: cause.map(TraceHeader::to_string),
        payload,
    };
    let file = folder.join(format!("{}.json", Uuid::now_v7()));
    let partial = file.with_extension("partial");
    std::fs::write(&partial, serde_json::to_vec(&kept)?)?;
    std::fs::rename(partial, &file)?;
    Ok(file)
}

/// Delivers the events that the last run has left, until all are done or the token fires.
pub async fn resume(lambda: Lambda, retries: Retries, shutdown: CancellationToken) -> io::Result<()> {
    let mut running = JoinSet::new();
    if let Some(folder) = lambda.events().and_then(|queue| queue.folder.clone()) {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<_>>()?;
        // In the order of acceptance.
        files.sort();
        for file in files.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "json")) {
            let Kept { function, accepted, cause, payload } = serde_json::from_slice(&std::fs::read(&file)?)?;
            let accepted = OffsetDateTime::from_unix_timestamp(accepted).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let payload = Bytes::from(payload.get().to_owned());
            let cause = cause.and_then(|cause| cause.parse().ok());
            let event = Event { function, payload, cause, accepted, file: Some(file) };
            let (lambda, retries, shutdown) = (lambda.clone(), retries.clone(), shutdown.clone());
            running.spawn(async move { deliver(&lambda, event, &retries, &shutdown).await });
        }
    }
    while running.join_next().await.is_some() {}
    shutdown.cancelled().await;
    Ok(())
}

/// Runs an event until it succeeds or is given up, which is logged and reported to the function's destination. An event that
/// waits when the token fires goes on after the next start, if it is kept.
pub async fn deliver(lambda: &Lambda, event: Event, retries: &Retries, shutdown: &CancellationToken) {
    let Some(failure) = run(lambda, &event, retries, shutdown).await else { return };
    if let Some(failure) = failure {
        lambda.count_dropped_event(&event.function);
        report(lambda, &event, failure).await;
    }
    if let Some(file) = &event.file
        && let Err(error) = std::fs::remove_file(file)
    {
        tracing::error!(function = event.function, %error, "an event that is done will be delivered again");
    }
}

/// The failure of an event, `Some(None)` for a success, `None` if the cloud is stopping.
async fn run(
    lambda: &Lambda,
    event: &Event,
    retries: &Retries,
    shutdown: &CancellationToken,
) -> Option<Option<Failure>> {
    let settings = lambda.events().and_then(|queue| queue.functions.get(&event.function));
    let settings = settings.map(|(_, settings)| settings.clone()).unwrap_or_default();
    let function = event.function.as_str();
    let mut after_errors = retries.after_errors.iter().take(settings.maximum_retries);
    let mut back_off = retries.first_back_off;
    let mut invocations = 0;
    loop {
        let is_old = OffsetDateTime::now_utc() - event.accepted > settings.maximum_age;
        let wait = match lambda.invoke_in_chain(function, event.payload.clone(), event.cause.clone()).await {
            Ok(Outcome::Success(_)) => return Some(None),
            Ok(Outcome::FunctionError(error)) => {
                invocations += 1;
                let text = String::from_utf8_lossy(&error).into_owned();
                let condition = if is_old { "EventAgeExceeded" } else { "RetriesExhausted" };
                let Some(wait) = after_errors.next().filter(|_| !is_old) else {
                    tracing::error!(function, error = text, "an event is discarded: the function failed too often");
                    return Some(Some(Failure { condition, invocations, error: Some(error) }));
                };
                *wait
            }
            Err(InvokeError::Throttled | InvokeError::Unavailable(_)) if !is_old => {
                let wait = back_off;
                back_off = (back_off * 2).min(retries.longest_back_off);
                wait
            }
            Err(InvokeError::Stopping) => return None,
            // AWS documents no condition of its own.
            Err(InvokeError::Recursive) => {
                return Some(Some(Failure { condition: "RetriesExhausted", invocations, error: None }));
            }
            Err(error) => {
                tracing::error!(function, %error, "an event is discarded");
                return Some(Some(Failure { condition: "EventAgeExceeded", invocations, error: None }));
            }
        };
        if shutdown.run_until_cancelled(sleep(wait)).await.is_none() {
            if event.file.is_none() {
                tracing::warn!(function, "an event that waited for its retry is lost");
            }
            return None;
        }
    }
}

/// Sends an event that is given up to the function's dead-letter queue, and a record of it to the destination:
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>.
async fn report(lambda: &Lambda, event: &Event, failure: Failure) {
    let Some(queue) = lambda.events() else { return };
    let Some((arn, settings)) = queue.functions.get(&event.function) else { return };
    if let Some(dead_letters) = &settings.dead_letter_queue {
        (queue.report)(dead_letters.clone(), String::from_utf8_lossy(&event.payload).into_owned()).await;
    }
    let Some(destination) = &settings.on_failure else { return };
    let value = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let mut record = json!({
        "version": "1.0",
        "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        "requestContext": {
            "requestId": Uuid::new_v4(),
            "functionArn": format!("{arn}:$LATEST"),
            "condition": failure.condition,
            "approximateInvokeCount": failure.invocations,
        },
        "requestPayload": value(&event.payload),
    });
    if let Some(error) = &failure.error {
        record["responseContext"] =
            json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
        record["responsePayload"] = value(error);
    }
    (queue.report)(destination.clone(), record.to_string()).await;
}
