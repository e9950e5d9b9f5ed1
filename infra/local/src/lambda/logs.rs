//! What functions print, and Lambda's own lines around it.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::error::Failure;

/// A longer line is cut into several, at what CloudWatch takes in one event.
const LONGEST_LINE: usize = 256 * 1024;
/// How long the last output of a process that has ended is waited for: a grandchild may hold the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where log lines go. Cheap to clone; lines of different writers never mix.
#[derive(Clone)]
pub struct LogSink {
    writer: Arc<Mutex<dyn Write + Send>>,
    verbose: bool,
}

impl LogSink {
    /// Lines go to standard error.
    pub fn stderr() -> Self {
        Self::new(std::io::stderr())
    }

    /// Lines go to `writer`, one `write_all` each. Of Lambda's own lines, only what `REPORT` says, in short.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), verbose: false }
    }

    /// Whether Lambda's `START`, `END` and `REPORT` lines are there, to the letter.
    #[must_use]
    pub fn verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// Writes `origin scope text`.
    fn line(&self, origin: &str, scope: &str, text: &str) {
        let line = format!("{origin} {scope} {text}\n");
        // A writer that panicked leaves at worst half a line behind.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // There is no better place to report that the log cannot be written than the log itself.
        let _ = writer.write_all(line.as_bytes()).and_then(|()| writer.flush());
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").field("verbose", &self.verbose).finish_non_exhaustive()
    }
}

/// The log of one instance: knows the function's logical id and what the instance is doing.
#[derive(Debug, Clone)]
pub(crate) struct InstanceLog {
    sink: LogSink,
    function: Arc<str>,
    /// `INIT`, then the request id of the newest invocation.
    scope: Arc<Mutex<String>>,
}

impl InstanceLog {
    pub(crate) fn new(sink: LogSink, function: &str) -> Self {
        Self { sink, function: function.into(), scope: Arc::new(Mutex::new("INIT".to_owned())) }
    }

    /// From here on, lines belong to this invocation.
    pub(crate) fn enter(&self, request_id: &str) {
        request_id.clone_into(&mut self.scope.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn line(&self, text: &str) {
        let scope = self.scope.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.sink.line(&self.function, &scope, text);
    }

    /// Lambda's line at the begin of an invocation, which [`enter`](Self::enter) has told of.
    pub(crate) fn start(&self, request_id: &str) {
        if self.sink.verbose {
            self.line(&format!("START RequestId: {request_id} Version: $LATEST"));
        }
    }

    /// Lambda's lines at the end of an invocation.
    pub(crate) fn end(&self, report: &Report<'_>) {
        if self.sink.verbose {
            self.line(&format!("END RequestId: {}", report.request_id));
            self.line(&report.to_string());
        } else {
            self.line(&report.in_short());
        }
    }
}

/// Reads what a child process prints, line by line.
#[derive(Debug)]
pub(crate) struct Capture {
    readers: JoinSet<()>,
    flush: Vec<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Capture {
    pub(crate) fn start(child: &mut Child, log: &InstanceLog) -> Self {
        let mut capture = Self { readers: JoinSet::new(), flush: Vec::new() };
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
        self.flush.push(flush);
        self.readers.spawn(copy_lines(stream, log, requests));
    }

    /// Returns once all that the process has written so far is in the log, an unfinished line included.
    pub(crate) async fn flush(&self) {
        for reader in &self.flush {
            let (done, flushed) = oneshot::channel();
            // Either fails only if the reader has met the end of its stream, and then there is nothing to wait for.
            if reader.send(done).await.is_ok() {
                let _ = flushed.await;
            }
        }
    }

    /// Like [`flush`](Self::flush), for a process that has ended: reads to the end of its output.
    pub(crate) async fn finish(&mut self) {
        let readers = async { while self.readers.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, readers).await.is_err() {
            tracing::debug!("a child of a function's process holds its output open");
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
                    if part.ends_with(b"\n") || line.len() >= LONGEST_LINE {
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

/// What a `REPORT` line says of one invocation.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) duration: Duration,
    /// Only for the first invocation of an instance.
    pub(crate) init: Option<Duration>,
    pub(crate) memory_mib: u32,
    /// Highest resident size so far, where the system tells.
    pub(crate) used_mib: Option<u64>,
    pub(crate) failure: Option<&'a Failure>,
}

impl Report<'_> {
    /// `12.3 ms, init 28 ms, 23 MB`
    fn in_short(&self) -> String {
        let ending = match self.failure {
            None => None,
            Some(Failure::TimedOut(_)) => Some("timed out".to_owned()),
            Some(failure) => Some(format!("failed: {}", failure.error_type())),
        };
        let duration = format!("{:.1} ms", millis(self.duration));
        let init = self.init.map(|init| format!("init {:.0} ms", millis(init)));
        let used = self.used_mib.map(|used| format!("{used} MB"));
        [Some(duration), init, used, ending].into_iter().flatten().collect::<Vec<_>>().join(", ")
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

/// The line that tells of a failed init: in the phase `init`, or `invoke` when it was repeated within an invocation.
pub(crate) fn init_report(duration: Duration, phase: &str, failure: &Failure) -> String {
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
