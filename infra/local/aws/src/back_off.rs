//! The wait before a failed operation is retried.

use std::time::Duration;

/// The wait after a first failure; doubled each time.
const MIN_WAIT: Duration = Duration::from_millis(100);
/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Waits that grow from one failure to the next.
#[derive(Debug)]
pub struct BackOff {
    next: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { next: MIN_WAIT }
    }
}

impl BackOff {
    /// Returns the next wait: at most what [`longest`](Self::longest) returned before. Jitter keeps operations that failed together
    /// from being retried together.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::random_range(0.5..1.0));
        self.next = (self.next * 2).min(MAX_WAIT);
        wait
    }

    /// Returns an upper bound of the next [`wait`](Self::wait).
    pub fn longest(&self) -> Duration {
        self.next
    }
}
