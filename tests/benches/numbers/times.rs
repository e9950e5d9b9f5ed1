//! Durations and their percentiles.

use std::time::Duration;

/// A set of durations.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the duration that so many per cent of them do not exceed; zero for an empty set.
    pub(crate) fn at(&self, percent: f64) -> Duration {
        let last = self.0.len().saturating_sub(1) as f64;
        self.0.get((last * percent / 100.0) as usize).copied().unwrap_or_default()
    }

    /// `1.2 / 3.4 / 5.6`: half of them, nearly all of them, the longest, in milliseconds.
    pub(crate) fn p50_p99_max(&self) -> String {
        [50.0, 99.0, 100.0].map(|percent| millis(self.at(percent))).join(" / ")
    }

    /// The same without the longest.
    pub(crate) fn p50_p99(&self) -> String {
        [50.0, 99.0].map(|percent| millis(self.at(percent))).join(" / ")
    }

    /// For a plot: per cent, milliseconds.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        (0..=100).map(|percent| (f64::from(percent), self.at(percent.into()).as_secs_f64() * 1e3)).collect()
    }
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1e3)
}
