//! The output of functions, and Lambda's own lines around it.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::error::Failure;
use super::log_sink::LogSink;

/// A longer line is cut into several, at what CloudWatch takes in one event.
const MAX_LINE_BYTES: usize = 256 * 1024;
/// Wait for the last output of a process that has ended: a grandchild may keep the pipe open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Size in bytes of the log tail that the Invoke API returns.
const TAIL_BYTES: usize = 4 * 1024;

/// The log of one instance: knows the function's logical id and what the instance is doing.
#[derive(Debug, Clone)]
pub(crate) struct InstanceLog {
    sink: LogSink,
    function: Arc<str>,
    current: Arc<Mutex<Current>>,
}

/// The phase of an instance.
#[derive(Debug)]
struct Current {
    /// The scope of lines that name no invocation: `INIT`, then the request id of the newest invocation, or `-` where several run
    /// at once.
    scope: String,
    several: bool,
    /// The last lines of the invocations under way, by request id.
    tails: BTreeMap<String, String>,
}

impl InstanceLog {
    /// The log of an instance that runs one invocation at a time, or several.
    pub(crate) fn new(sink: LogSink, function: &str, several: bool) -> Self {
        let current = Current { scope: "INIT".to_owned(), several, tails: BTreeMap::new() };
        Self { sink, function: function.into(), current: Arc::new(Mutex::new(current)) }
    }

    /// From here on, lines belong to this invocation: all of them, or those that have its request id if others run as well.
    pub(crate) fn enter(&self, request_id: &str) {
        let mut current = self.current();
        let scope = if current.several { "-" } else { request_id };
        scope.clone_into(&mut current.scope);
        current.tails.insert(request_id.to_owned(), String::new());
    }

    pub(crate) fn line(&self, text: &str) {
        let scope = {
            let mut current = self.current();
            let scope = current.scope_of(text).to_owned();
            current.append(&scope, text);
            scope
        };
        self.sink.line(&self.function, &scope, text);
    }

    /// Lambda's line at the beginning of an invocation, after [`enter`](Self::enter).
    pub(crate) fn start(&self, request_id: &str, version: &str) {
        self.lambda_line(request_id, &format!("START RequestId: {request_id} Version: {version}"));
    }

    /// Prints Lambda's lines at the end of an invocation, or one short line instead.
    pub(crate) fn end(&self, report: &Report<'_>) {
        self.lambda_line(report.request_id, &format!("END RequestId: {}", report.request_id));
        self.lambda_line(report.request_id, &report.to_string());
        if !self.sink.is_verbose() {
            self.sink.line(&self.function, report.request_id, &report.in_short());
        }
    }

    /// The lines of an init phase that failed: `init`, or `invoke` when it was repeated within an invocation.
    pub(crate) fn failed_init(&self, duration: Duration, phase: &str, failure: &Failure) {
        self.line(&init_report(duration, phase, failure));
        self.line(&format!("{}: {}", failure.error_type(), failure.message()));
    }

    /// The line of an invocation that ended without an answer of its handler.
    pub(crate) fn failure(&self, request_id: &str, failure: &Failure) {
        self.line(&format!("RequestId: {request_id} Error: {}", failure.message()));
    }

    /// A line of Lambda's own: always in the invocation's log, shown only to those who asked for it.
    fn lambda_line(&self, request_id: &str, text: &str) {
        self.current().append(request_id, text);
        if self.sink.is_verbose() {
            self.sink.line(&self.function, request_id, text);
        }
    }

    /// Returns the last 4 KiB of an invocation's lines, which end here.
    pub(crate) fn leave(&self, request_id: &str) -> String {
        self.current().tails.remove(request_id).unwrap_or_default()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// The request id that a line has, if it has to have one.
    fn scope_of(&self, line: &str) -> &str {
        let mut running = self.tails.keys().filter(|_| self.several);
        running.find(|id| line.contains(id.as_str())).unwrap_or(&self.scope)
    }

    fn append(&mut self, request_id: &str, line: &str) {
        let Some(tail) = self.tails.get_mut(request_id) else { return };
        tail.push_str(line);
        tail.push('\n');
        let begin = tail.ceil_char_boundary(tail.len().saturating_sub(TAIL_BYTES));
        tail.drain(..begin);
    }
}

/// Reads what a child process prints, line by line.
#[derive(Debug)]
pub(crate) struct Capture {
    readers: JoinSet<()>,
    flusher: Flusher,
}

/// Waits for the readers of a process's output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flusher(Vec<mpsc::Sender<oneshot::Sender<()>>>);

impl Capture {
    pub(crate) fn start(child: &mut Child, log: &InstanceLog) -> Self {
        let mut capture = Self { readers: JoinSet::new(), flusher: Flusher::default() };
        if let Some(stdout) = child.stdout.take() {
            capture.read(stdout, log.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            capture.read(stderr, log.clone());
        }
        capture
    }

    fn read(&mut self, stream: impl AsyncRead + Unpin + Send + 'static, log: InstanceLog) {
        let (flush, requests) = mpsc::channel(1);
        self.flusher.0.push(flush);
        self.readers.spawn(copy_lines(stream, log, requests));
    }

    pub(crate) fn flusher(&self) -> &Flusher {
        &self.flusher
    }

    /// Like [`Flusher::flush`], for a process that has ended: reads to the end of its output.
    pub(crate) async fn finish(&mut self) {
        let readers = async { while self.readers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, readers).await.is_err() {
            tracing::debug!("a child of a function's process holds its output open");
        }
    }
}

impl Flusher {
    /// Returns once all that the process has written so far is in the log, an unfinished line included.
    pub(crate) async fn flush(&self) {
        for reader in &self.0 {
            let (done, flushed) = oneshot::channel();
            // Either fails only if the reader has met the end of its stream, and then there is nothing to wait for.
            if reader.send(done).await.is_ok() {
                let _ = flushed.await;
            }
        }
    }
}

async fn copy_lines(stream: impl AsyncRead + Unpin, log: InstanceLog, mut flush: mpsc::Receiver<oneshot::Sender<()>>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        // In this order: a flush is answered only when there is nothing to read. The kernel reports what a process printed
        // before what it sent on its Runtime API connection afterwards, so nothing of an invocation is left behind.
        tokio::select! {
            biased;
            chunk = stream.fill_buf() => {
                let Ok(chunk) = chunk else { break };
                if chunk.is_empty() {
                    break;
                }
                let read = chunk.len();
                for part in chunk.split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(part);
                    if part.ends_with(b"\n") || line.len() >= MAX_LINE_BYTES {
                        log.line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
                        line.clear();
                    }
                }
                stream.consume(read);
            }
            Some(done) = flush.recv() => {
                if !line.is_empty() {
                    log.line(&String::from_utf8_lossy(&line));
                    line.clear();
                }
                // The one who asked may have been dropped with its invocation.
                let _ = done.send(());
            }
        }
    }
    if !line.is_empty() {
        log.line(&String::from_utf8_lossy(&line));
    }
}

/// The content of a `REPORT` line.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub request_id: &'a str,
    pub duration: Duration,
    /// Only for the first invocation of an instance.
    pub init: Option<Duration>,
    pub memory_mib: u32,
    /// Highest resident size so far; `None` if the system does not report it.
    pub used_mib: Option<u64>,
    pub failure: Option<&'a Failure>,
}

impl Report<'_> {
    /// `12.3 ms, init 28 ms, 23 MB`
    fn in_short(&self) -> String {
        // Writing to a String cannot fail.
        let mut text = format!("{:.1} ms", millis(self.duration));
        if let Some(init) = self.init {
            let _ = write!(text, ", init {:.0} ms", millis(init));
        }
        if let Some(used) = self.used_mib {
            let _ = write!(text, ", {used} MB");
        }
        match self.failure {
            None => {}
            Some(Failure::TimedOut(_)) => text += ", timed out",
            Some(failure) => {
                let _ = write!(text, ", failed: {}", failure.error_type());
            }
        }
        text
    }
}

/// As Lambda writes it.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let billed = self.duration + self.init.unwrap_or_default();
        write!(
            f,
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB",
            self.request_id,
            millis(self.duration),
            millis(billed).ceil(),
            self.memory_mib
        )?;
        if let Some(used) = self.used_mib {
            write!(f, "\tMax Memory Used: {used} MB")?;
        }
        if let Some(init) = self.init {
            write!(f, "\tInit Duration: {:.2} ms", millis(init))?;
        }
        match self.failure {
            // A handler's own error is a completed invocation to Lambda.
            None | Some(Failure::Reported(_)) => Ok(()),
            Some(Failure::TimedOut(_)) => f.write_str("\tStatus: timeout"),
            Some(failure) => write!(f, "\tStatus: error\tError Type: {}", failure.error_type()),
        }
    }
}

/// Returns the line of a failed init.
fn init_report(duration: Duration, phase: &str, failure: &Failure) -> String {
    let status = match failure {
        Failure::TimedOut(_) => "timeout".to_owned(),
        _ => format!("error\tError Type: {}", failure.error_type()),
    };
    format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\tStatus: {status}", millis(duration))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_in_short_has_what_there_is() {
        let (duration, init) = (Duration::from_micros(12_345), Duration::from_millis(28));
        let timeout = Failure::TimedOut(init);
        let mut report = Report {
            request_id: "4c2f",
            duration,
            init: Some(init),
            memory_mib: 128,
            used_mib: Some(23),
            failure: None,
        };
        assert_eq!(report.in_short(), "12.3 ms, init 28 ms, 23 MB");
        (report.init, report.used_mib, report.failure) = (None, None, Some(&timeout));
        assert_eq!(report.in_short(), "12.3 ms, timed out");
    }
}
