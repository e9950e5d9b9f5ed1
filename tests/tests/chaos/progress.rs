//! The progress of a run: what was answered so far, and whether anything still is.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time without any answer after which a run has failed: a machine may be slow, but not stand still.
const MAX_STILL: Duration = Duration::from_mins(1);

const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Between two lines of a long run.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Counts of a run.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    pub(crate) accepted: Count,
    pub(crate) refused: Count,
    /// Texts that were accepted of users who are erased later.
    pub(crate) erased_texts: Count,
    /// Edits, deletions and reactions, whatever their outcome.
    pub(crate) operations: Count,
    pub(crate) membership_changes: Count,
    pub(crate) reconnections: Count,
    /// Processes that the fault plan killed by their function, not by a request.
    pub(crate) kills: Count,
    /// Visits of the retention.
    pub(crate) visits: Count,
    /// Times that the shared cache was killed, paused or emptied.
    pub(crate) cache_faults: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            accepted: Count::default(),
            refused: Count::default(),
            erased_texts: Count::default(),
            operations: Count::default(),
            membership_changes: Count::default(),
            reconnections: Count::default(),
            kills: Count::default(),
            visits: Count::default(),
            cache_faults: Count::default(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Returns once nothing was answered for a minute. Prints the state of a long run.
    pub(crate) async fn until_still(&self, prints: bool) {
        let answered = || self.accepted.get() + self.refused.get() + self.operations.get();
        let (mut last, mut moved, mut printed) = (answered(), Instant::now(), Instant::now());
        while moved.elapsed() < MAX_STILL {
            tokio::time::sleep(POLL_INTERVAL).await;
            if last != answered() {
                (last, moved) = (answered(), Instant::now());
            }
            if prints && printed.elapsed() >= REPORT_INTERVAL {
                printed = Instant::now();
                println!("{self}");
            }
        }
    }
}

impl fmt::Display for Progress {
    #[allow(clippy::cast_precision_loss, reason = "a rate for people to read")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accepted,
            refused,
            erased_texts,
            operations,
            membership_changes,
            reconnections,
            kills,
            visits,
            cache_faults,
            ..
        } = self;
        let seconds = self.elapsed().as_secs_f64();
        write!(
            f,
            "{seconds:.0} s: {} texts accepted, {:.0} a second, {} refused, {} of users who are erased; {} operations, \
             {} membership changes, {} reconnections, {} processes killed, {} visits of the retention, {} faults of the shared cache",
            accepted.get(),
            accepted.get() as f64 / seconds,
            refused.get(),
            erased_texts.get(),
            operations.get(),
            membership_changes.get(),
            reconnections.get(),
            kills.get(),
            visits.get(),
            cache_faults.get(),
        )
    }
}
