//! Removing what has expired from the archive.

use domain::Seq;
use store::StoreError;
use store::dynamodb::{ChunkItem, ExpiredItems, LogItem, StoredRow};

use super::archiver::{ArchiveError, Archiver, candidate, prefix};

impl Archiver {
    /// Returns the items of a segment up to a seq. None, if its object is gone: that is deleted after all that its items need.
    pub(crate) async fn items_until(&self, segment: &ChunkItem, last: Seq) -> Result<Vec<LogItem>, StoreError> {
        let rows = self.rows_of(segment).await?.unwrap_or_default();
        let rows = rows.iter().filter(|row| row.seq <= last);
        rows.map(|row| Ok(serde_json::from_str(&row.json)?)).collect()
    }

    /// Removes the items of a segment up to a seq from the archive: the segment with its index item, if they are all. Returns false if
    /// there were none.
    ///
    /// Safe to repeat, also after a crash: the index item goes last, and another chunk takes the place of one that loses a part.
    pub(crate) async fn remove_until(
        &self,
        segment: &ChunkItem,
        last: Seq,
        index: &ExpiredItems,
    ) -> Result<bool, ArchiveError> {
        let range = segment.segment();
        if range.last <= last {
            let prefix = format!("{}-", prefix(segment.conversation_id, range.first));
            for object in self.archive.objects.list(&prefix).await? {
                self.archive.objects.delete(&object.key).await?;
            }
            index.delete_segment(segment).await?;
            return Ok(true);
        }
        let rows = self.rows_of(segment).await?.ok_or_else(|| missing(segment))?;
        let kept: Vec<StoredRow> = rows.iter().filter(|row| row.seq > last).cloned().collect();
        if kept.len() == rows.len() {
            return Ok(false);
        }
        let next = candidate(segment.conversation_id, range, &kept, segment.generation + 1)?;
        // If another worker is faster, the next step finds what that has written. A part of what fitted fits.
        if let Some(next) = next
            && self.publish(&next).await?
        {
            self.delete_objects(&next.item).await?;
        }
        Ok(true)
    }

    /// Reads the rows that a chunk has; `None` if its object is gone.
    async fn rows_of(&self, segment: &ChunkItem) -> Result<Option<Vec<StoredRow>>, StoreError> {
        self.archive.chunk(segment).await?.map(|chunk| chunk.rows()).transpose()
    }
}

fn missing(segment: &ChunkItem) -> StoreError {
    StoreError::Inconsistent(format!("the object {} of the archive is missing", segment.object_key))
}
