//! Deleting the rows of a segment.

use domain::{ConversationId, Seq, Timestamp};
use futures_util::future::join_all;
use store::StoreError;
use store::dynamodb::{Chunks, StoredRow};

use super::pace::{Pace, units_of};

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
        Self { seq, amended, restored, units: units_of(json.len()) }
    }
}

/// Deletes rows until then, at a rate in write units a second. Returns the number of those that were deleted, since others have changed
/// meanwhile; `None` if there is no time for the rest.
pub(super) async fn delete_rows(
    chunks: &Chunks,
    conversation: ConversationId,
    rows: &[RowState],
    rate: u32,
    until: Timestamp,
) -> Result<Option<usize>, StoreError> {
    let (mut deleted, mut left, mut pace) = (0, rows, Pace::new(rate, until));
    while !left.is_empty() {
        let Some((now, later)) = pace.next(left) else { return Ok(None) };
        let attempts = join_all(now.iter().map(|row| chunks.delete_row(conversation, row.seq, row.amended))).await;
        if let Some(outcomes) = pace.written(attempts, now.iter().map(|row| row.units).sum()).await? {
            deleted += outcomes.into_iter().filter(|is_deleted| *is_deleted).count();
            left = later;
        }
    }
    Ok(Some(deleted))
}
