//! Deleting the rows of a segment, at a pace that leaves their partition to those who write to it.

use std::time::Duration;

use domain::{ConversationId, Seq, Timestamp};
use futures_util::future::join_all;
use store::StoreError;
use store::clock::{Stopwatch, sleep};
use store::dynamodb::{Chunks, StoredRow};

/// Write units of one worker in a second. A partition has 1,000, and both workers may work on the same conversation.
const UNITS_PER_SECOND: u32 = 200;

/// The same at least, however busy the table is.
const MIN_UNITS_PER_SECOND: u32 = 10;

/// Rows that are deleted at once.
const CONCURRENCY: usize = 8;

/// Wait after the table had no write units.
const BUSY_DELAY: Duration = Duration::from_secs(1);

/// A row to delete, if the newest event about it still is this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowState {
    pub(super) seq: Seq,
    pub(super) amended: Option<Seq>,
    pub(super) restored: bool,
    /// Write units that its deletion takes.
    units: u32,
}

impl RowState {
    pub(super) fn of(row: &StoredRow) -> Self {
        let StoredRow { seq, amended, restored, ref json, .. } = *row;
        Self { seq, amended, restored, units: u32::try_from(json.len() / 1_024 + 1).unwrap_or(u32::MAX) }
    }
}

/// Deletes rows until then. Returns the number of those that were deleted, since others have changed meanwhile; `None` if there is no
/// time for the rest. A busy table is asked again, more slowly.
pub(super) async fn delete_rows(
    chunks: &Chunks,
    conversation: ConversationId,
    rows: &[RowState],
    until: Timestamp,
) -> Result<Option<usize>, StoreError> {
    let (mut deleted, mut left, mut rate) = (0, rows, UNITS_PER_SECOND);
    while !left.is_empty() {
        if Timestamp::now() >= until {
            return Ok(None);
        }
        let (now, later) = left.split_at(CONCURRENCY.min(left.len()));
        let begun = Stopwatch::start();
        let attempts = join_all(now.iter().map(|row| chunks.delete_row(conversation, row.seq, row.amended))).await;
        match attempts.into_iter().collect::<Result<Vec<bool>, StoreError>>() {
            Ok(outcomes) => {
                deleted += outcomes.into_iter().filter(|is_deleted| *is_deleted).count();
                left = later;
            }
            // All of them once more: that is safe.
            Err(StoreError::Busy { .. }) => {
                rate = (rate / 2).max(MIN_UNITS_PER_SECOND);
                sleep(BUSY_DELAY).await;
                continue;
            }
            Err(error) => return Err(error),
        }
        let units: u32 = now.iter().map(|row| row.units).sum();
        let pause = Duration::from_secs(1) * units / rate;
        sleep(pause.saturating_sub(begun.elapsed())).await;
    }
    Ok(Some(deleted))
}
