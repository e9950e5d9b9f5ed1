//! The sink of the lines that functions print, and of Lambda's own.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::log_feed::LogFeed;

/// A sink of log lines. Cheap to clone; lines of different writers never mix.
#[derive(Clone)]
pub struct LogSink {
    writer: Arc<Mutex<dyn Write + Send>>,
    verbose: bool,
    feed: Option<LogFeed>,
}

impl LogSink {
    /// Lines go to standard error.
    pub fn stderr() -> Self {
        Self::new(std::io::stderr())
    }

    /// Lines go to `writer`, one `write_all` each. Of Lambda's own lines, only what `REPORT` says, in short.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), verbose: false, feed: None }
    }

    /// Includes Lambda's `START`, `END` and `REPORT` lines verbatim, or leaves them out.
    #[must_use]
    pub fn verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// Lines go to the feed as well.
    #[must_use]
    pub fn feeding(self, feed: Option<LogFeed>) -> Self {
        Self { feed, ..self }
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Writes `origin scope text`.
    pub(super) fn line(&self, origin: &str, scope: &str, text: &str) {
        self.write(&format!("{origin} {scope} {text}\n"));
        if let Some(feed) = &self.feed {
            feed.push(origin, scope, text);
        }
    }

    /// Writes what another program prints, as it is.
    pub(super) fn print(&self, program: &str, text: &str) {
        self.write(&format!("{text}\n"));
        if let Some(feed) = &self.feed {
            feed.push(program, "", text);
        }
    }

    fn write(&self, line: &str) {
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
