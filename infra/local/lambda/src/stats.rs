//! Counters of a function since the start.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Counts and sums of one function.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Invocations that ran, well or not.
    pub invocations: u64,
    /// Of these, the ones that ended with a function error.
    pub errors: u64,
    /// Invocations refused for lack of reserved concurrency.
    pub throttles: u64,
    /// Invocations that were stopped because their chain was a loop: `RecursiveInvocationsDropped` of CloudWatch.
    pub recursive_invocations_dropped: u64,
    /// Asynchronous events that were given up: `AsyncEventsDropped` of CloudWatch.
    pub async_events_dropped: u64,
    /// Freezes of processes after their invocations.
    pub freezes: u64,
    /// Number of instances that were started.
    pub cold_starts: u64,
    /// The init phases that succeeded.
    pub init: Spread,
    /// The invocations, without init phases.
    pub duration: Spread,
    /// Sum of what AWS bills: init phase and duration of each invocation, rounded up to a millisecond.
    pub billed: Duration,
    /// Processor time of the processes, as far as it was seen at the end of an invocation. Zero where the system has no
    /// `/proc`.
    pub cpu: Duration,
}

/// The instances of a function at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Instances {
    /// All of them, the ones in their init phase included.
    pub alive: usize,
    /// Of these, the ones that are not idle.
    pub busy: usize,
}

/// Durations of one kind: their sum, and how they spread.
#[derive(Clone)]
pub struct Spread {
    sum: Duration,
    max: Duration,
    histogram: Histogram<u64>,
}

impl Spread {
    /// Two digits: percentiles are exact to 1 %, in some ten kilobytes.
    const DIGITS: u8 = 2;

    pub fn record(&mut self, duration: Duration) {
        self.sum += duration;
        self.max = self.max.max(duration);
        // No invocation takes 2^64 µs.
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        // A histogram that grows takes any value.
        let _ = self.histogram.record(micros);
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The longest; zero where there is none.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// Returns the duration that this share of them, in percent, did not exceed; zero without any.
    pub fn percentile(&self, percent: f64) -> Duration {
        // The end of the histogram's bucket may be past the longest.
        Duration::from_micros(self.histogram.value_at_percentile(percent)).min(self.max)
    }
}

impl Default for Spread {
    fn default() -> Self {
        // It refuses more than five digits only.
        let histogram = Histogram::new(Self::DIGITS).expect("two digits are allowed");
        Self { sum: Duration::ZERO, max: Duration::ZERO, histogram }
    }
}

impl fmt::Debug for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, p50, p99) = (self.histogram.len(), self.percentile(50.0), self.percentile(99.0));
        write!(f, "{count} durations of {:?}: p50 {p50:?}, p99 {p99:?}, longest {:?}", self.sum, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let mut spread = Spread::default();
        assert_eq!((spread.percentile(50.0), spread.max()), (Duration::ZERO, Duration::ZERO));
        for ms in 1..=200 {
            spread.record(Duration::from_millis(ms));
        }
        assert_eq!((spread.sum(), spread.max()), (Duration::from_millis(20_100), Duration::from_millis(200)));
        for (percent, expected) in [(50.0, 100.0), (99.0, 198.0), (100.0, 200.0)] {
            let found = spread.percentile(percent).as_secs_f64() * 1000.0;
            assert!((found / expected - 1.0).abs() < 0.01, "p{percent}: {found}");
        }
    }
}
