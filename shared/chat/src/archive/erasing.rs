//! Erasing what a user wrote from a chunk.

use domain::period::SeqRange;
use domain::{ConversationId, Seq, Timestamp};
use store::StoreError;
use store::dynamodb::{ChunkItem, LogItem, StoredRow};

use super::archiver::{ArchiveError, Archiver, candidate};

/// Times that the work begins again because another worker was faster.
const MAX_ROUNDS: u32 = 5;

/// A segment after a change of some of its items.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    /// True if the segment is in the archive.
    pub(crate) is_archived: bool,
    /// The items that were changed, as they were before.
    pub(crate) before: Vec<LogItem>,
    /// True if this call or an earlier one has changed something.
    pub(crate) is_touched: bool,
    /// Seq and time of the newest item of the chunk.
    pub(crate) newest: Option<(Seq, Timestamp)>,
}

/// What a change makes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It stays as it is.
    None,
    /// An earlier call has changed it.
    Done,
    Changed,
}

impl Archiver {
    /// Changes items of a chunk: another chunk takes its place, and the objects of before go. Calls `prepare` with the items before that.
    ///
    /// Safe to repeat. Cost: a read unit, a request to S3; for a change three requests more, and a write unit.
    pub(crate) async fn rewrite(
        &self,
        conversation: ConversationId,
        segment: SeqRange,
        change: impl Fn(&mut LogItem) -> Change,
        prepare: impl AsyncFn(&[LogItem]) -> Result<(), StoreError>,
    ) -> Result<Rewritten, ArchiveError> {
        for _ in 0..MAX_ROUNDS {
            let Some(item) = self.archive.chunks.get(conversation, segment.first).await? else {
                return Ok(Rewritten::default());
            };
            let Some(chunk) = self.archive.chunk(&item).await? else {
                // Another chunk takes its place, or the retention deletes it.
                continue;
            };
            let (mut rows, mut before, mut is_done) = (chunk.rows()?, Vec::new(), false);
            let newest = rows.last().map(|row| (row.seq, row.sent_at));
            for row in &mut rows {
                let found: LogItem = serde_json::from_str(&row.json).map_err(StoreError::from)?;
                let mut changed = found.clone();
                match change(&mut changed) {
                    Change::None => {}
                    Change::Done => is_done = true,
                    Change::Changed => {
                        *row = StoredRow::of(serde_json::to_value(&changed).map_err(StoreError::from)?)?;
                        before.push(found);
                    }
                }
            }
            if before.is_empty() {
                if is_done {
                    self.delete_objects(&item).await?;
                }
                return Ok(Rewritten { is_archived: true, before, is_touched: is_done, newest });
            }
            prepare(&before).await?;
            if let Some(next) = self.replace(&item, segment, &rows).await? {
                self.delete_objects(&next).await?;
                return Ok(Rewritten { is_archived: true, before, is_touched: true, newest });
            }
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other workers were faster".into() }.into())
    }

    /// Writes a chunk in the place of another one. Returns `None` if another worker was faster.
    async fn replace(
        &self,
        before: &ChunkItem,
        segment: SeqRange,
        rows: &[StoredRow],
    ) -> Result<Option<ChunkItem>, ArchiveError> {
        let next = candidate(before.conversation_id, segment, rows, before.generation + 1)?;
        let next = next.ok_or_else(|| StoreError::Inconsistent("an erased chunk is too large".to_owned()))?;
        Ok(self.publish(&next).await?.then_some(next.item))
    }
}
