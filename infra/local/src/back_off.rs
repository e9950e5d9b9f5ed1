//! The wait before a failed operation is retried.

use std::time::Duration;

/// The wait after a first failure; doubled each time.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that grow from one failure to the next.
#[derive(Debug)]
pub(crate) struct BackOff {
    next: Duration,
}

impl BackOff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next wait: at most what [`longest`](Self::longest) gave before. Jitter keeps those that failed together from
    /// coming back together.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::random_range(0.5..1.0));
        self.next = (self.next * 2).min(LONGEST);
        wait
    }

    /// The most that the next [`wait`](Self::wait) will be.
    pub(crate) fn longest(&self) -> Duration {
        self.next
    }
}
