//! A pace of writes to a partition that leaves most of it to others.

use std::time::Duration;

use domain::Timestamp;
use store::StoreError;
use store::clock::{Stopwatch, sleep};

/// Least write units in a second, however busy the table is.
const MIN_UNITS_PER_SECOND: u32 = 10;

/// Rows that are written at once.
const CONCURRENCY: usize = 8;

/// Wait after the table had no write units.
const BUSY_DELAY: Duration = Duration::from_secs(1);

/// Returns the write units of a row with so many bytes.
pub(crate) fn units_of(bytes: usize) -> u32 {
    u32::try_from(bytes / 1_024 + 1).unwrap_or(u32::MAX)
}

/// The pace of one worker, until its time is over.
#[derive(Debug)]
pub(crate) struct Pace {
    units_per_second: u32,
    until: Timestamp,
    begun: Stopwatch,
}

impl Pace {
    pub(crate) fn new(units_per_second: u32, until: Timestamp) -> Self {
        let units_per_second = units_per_second.max(MIN_UNITS_PER_SECOND);
        Self { units_per_second, until, begun: Stopwatch::start() }
    }

    /// Returns the rows that are written at once, and those after them; `None` if there is no time for them.
    pub(crate) fn next<'r, T>(&mut self, rows: &'r [T]) -> Option<(&'r [T], &'r [T])> {
        self.begun = Stopwatch::start();
        (Timestamp::now() < self.until).then(|| rows.split_at(CONCURRENCY.min(rows.len())))
    }

    /// Waits until the next rows may be written after some that took so many units. Returns the results of these; `None` if the table
    /// is busy, and all of them have to be written once more, which has to be safe.
    pub(crate) async fn written<R>(
        &mut self,
        attempts: Vec<Result<R, StoreError>>,
        units: u32,
    ) -> Result<Option<Vec<R>>, StoreError> {
        match attempts.into_iter().collect::<Result<Vec<R>, StoreError>>() {
            Ok(results) => {
                let pause = Duration::from_secs(1) * units / self.units_per_second;
                sleep(pause.saturating_sub(self.begun.elapsed())).await;
                Ok(Some(results))
            }
            Err(StoreError::Busy { .. }) => {
                self.units_per_second = (self.units_per_second / 2).max(MIN_UNITS_PER_SECOND);
                sleep(BUSY_DELAY).await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
