//! Log lines for viewers: the newest ones, and all later ones.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::sync::broadcast;

/// Number of lines that are kept for later readers, and that a slow reader may be behind.
const MAX_LINES: usize = 1000;
/// Largest part of a line that is kept, in bytes.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Time in milliseconds since 1970.
    pub at: u64,
    /// Logical id of the function, or the name of the program that printed it.
    pub origin: String,
    /// The request id of the invocation, or the phase of the instance. Empty for other programs.
    pub scope: String,
    /// The line without its end and without colours, cut at 4 KiB.
    pub text: String,
}

/// The newest lines of a log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogFeed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Mutex<VecDeque<LogLine>>,
    live: broadcast::Sender<LogLine>,
}

impl Default for LogFeed {
    fn default() -> Self {
        let live = broadcast::Sender::new(MAX_LINES);
        Self(Arc::new(Inner { kept: Mutex::new(VecDeque::with_capacity(MAX_LINES)), live }))
    }
}

impl LogFeed {
    /// Adds a line of output.
    pub fn push(&self, origin: &str, scope: &str, text: &str) {
        // The clock is past 1970, and before 2^64 ms.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let text = &text[..text.floor_char_boundary(MAX_LINE_BYTES)];
        let line = LogLine {
            at: u64::try_from(since.as_millis()).unwrap_or_default(),
            origin: origin.to_owned(),
            scope: scope.to_owned(),
            text: console::strip_ansi_codes(text).into_owned(),
        };
        let mut kept = self.kept();
        if kept.len() == MAX_LINES {
            kept.pop_front();
        }
        kept.push_back(line.clone());
        // Fails without viewers. Under the lock, so that a new viewer misses no line and gets none twice.
        let _ = self.0.live.send(line);
    }

    /// Takes whole lines of a program.
    pub fn writer(&self, program: &'static str) -> impl Write + use<> {
        FeedWriter { feed: self.clone(), program }
    }

    /// The lines that are kept, and those to come.
    pub fn subscribe(&self) -> (Vec<LogLine>, broadcast::Receiver<LogLine>) {
        let kept = self.kept();
        (kept.iter().cloned().collect(), self.0.live.subscribe())
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        // Nothing panics while it holds the lock.
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct FeedWriter {
    feed: LogFeed,
    program: &'static str,
}

impl Write for FeedWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(lines).lines() {
            self.feed.push(self.program, "", line.trim());
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_subscriber_gets_the_newest_lines_and_then_the_next() {
        let feed = LogFeed::default();
        for number in 0..=MAX_LINES {
            feed.push("Echo", "INIT", &format!("\u{1b}[31mline {number}\u{1b}[0m"));
        }
        let (kept, mut live) = feed.subscribe();
        assert_eq!((kept.len(), kept[0].text.as_str()), (MAX_LINES, "line 1"));
        feed.push("cargo", "", &"ä".repeat(MAX_LINE_BYTES));
        let next = live.recv().await.unwrap();
        assert_eq!((next.origin.as_str(), next.text.len()), ("cargo", MAX_LINE_BYTES));
    }
}
