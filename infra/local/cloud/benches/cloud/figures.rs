//! Figures in readable units.

use std::time::Duration;

/// A set of durations.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the duration that so many per cent of them do not exceed; zero for an empty set.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.0.get(self.0.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    }

    /// Half of them, and nearly all of them, for people.
    pub(crate) fn p50_and_p99(&self) -> [String; 2] {
        [50, 99].map(|percent| if self.0.is_empty() { "-".to_owned() } else { millis(self.at(percent)) })
    }
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1e3)
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Of one among so many.
pub(crate) fn each(total: Duration, count: usize) -> Duration {
    total / u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "no memory comes near 2^53 bytes")]
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Returns the rate per second; zero without events.
#[allow(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(crate) fn rate(count: usize, time: Duration) -> String {
    if count == 0 {
        return "-".to_owned();
    }
    format!("{:.0}/s", count as f64 / time.as_secs_f64())
}

pub(crate) fn ratio(value: Duration, to: Duration) -> String {
    if to.is_zero() {
        return "-".to_owned();
    }
    format!("{:.2}x", value.as_secs_f64() / to.as_secs_f64())
}

/// Rows with as many columns as the head; all but the first are flush right.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|&title| title.to_owned()).collect()])
    }

    pub(crate) fn row<const N: usize>(&mut self, row: [String; N]) {
        self.0.push(row.into());
    }

    pub(crate) fn print(&self) {
        let width = |column: usize| self.0.iter().filter_map(|row| Some(row.get(column)?.len())).max().unwrap_or(0);
        for row in &self.0 {
            let cells = row.iter().enumerate().map(|(column, cell)| match column {
                0 => format!("{cell:<0$}", width(0)),
                _ => format!("{cell:>0$}", width(column)),
            });
            println!("  {}", cells.collect::<Vec<_>>().join("   "));
        }
        println!();
    }
}
