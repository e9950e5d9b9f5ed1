//! A new index of messages: begun beside the one of before, filled, and finished.
//!
//! What is under way is recorded before anything is made, and what is replaced is recorded with it. So each step can be repeated
//! after a crash, and no index is left without a record that names it.

use std::collections::BTreeSet;

use store::opensearch::Aliases;
use store::sql::reindex::NewIndex;
use uuid::Uuid;

use super::reindex::{Reindex, ReindexError, everything};

/// Parts that one statement reads to queue them again.
const PARTS_PER_READ: usize = 1_000;

impl Reindex {
    /// Makes a new index that gets all changes from now on, and queues the work of filling it. Searches look in those of before as
    /// well, until [`Self::finish`]. Returns the number of queue messages.
    ///
    /// For an index that was begun before, queues what is left of its work. Another one that is being filled is abandoned, and
    /// deleted when this one is full.
    pub async fn begin(&self, index: &str) -> Result<usize, ReindexError> {
        let new = match self.progress.current().await? {
            Some(current) if current.name == index => current,
            before => self.record(index, before).await?,
        };
        self.index.begin(index).await?;
        self.queue_left(new.reindex_id).await
    }

    async fn record(&self, index: &str, before: Option<NewIndex>) -> Result<NewIndex, ReindexError> {
        let Aliases { read, write } = self.index.aliases().await?;
        // The version before recorded nothing.
        let is_begun = write.as_deref() == Some(index) && read.iter().any(|other| other != index);
        if !is_begun && self.index.exists(index).await? {
            return Err(ReindexError::Exists(index.to_owned()));
        }
        let before_id = before.as_ref().map(|before| before.reindex_id);
        let replaces: BTreeSet<String> = read.into_iter().chain(write).chain(recorded(before)).collect();
        let replaces = replaces.into_iter().filter(|replaced| replaced != index).collect();
        let new = NewIndex { reindex_id: Uuid::new_v4(), name: index.to_owned(), replaces };
        let first = serde_json::to_string(&everything(Some(new.reindex_id)))?;
        if self.progress.begin(&new, before_id, &first).await? { Ok(new) } else { Err(ReindexError::Overtaken) }
    }

    /// Queues all parts that are left, whether or not a queue message has them.
    async fn queue_left(&self, reindex: Uuid) -> Result<usize, ReindexError> {
        let (mut queued, mut after) = (0, String::new());
        loop {
            let left = self.progress.left(reindex, &after, PARTS_PER_READ).await?;
            let Some(last) = left.last() else { return Ok(queued) };
            after.clone_from(last);
            queued += left.len();
            self.queue.send_reindex(left).await?;
        }
    }

    /// Makes searches look in the new index alone, once no part of the work is left, and deletes those of before. Returns their names;
    /// none if no index is being filled.
    pub async fn finish(&self) -> Result<Vec<String>, ReindexError> {
        let Some(new) = self.progress.current().await? else {
            let Aliases { read, write } = self.index.aliases().await?;
            let begun = write.filter(|write| read.iter().any(|index| index != write));
            return begun.map_or(Ok(Vec::new()), |begun| Err(ReindexError::NotRecorded(begun)));
        };
        let left = self.progress.count(new.reindex_id).await?;
        if left > 0 {
            return Err(ReindexError::Unfinished(left));
        }
        let removed = self.index.finish(&new.name, &new.replaces).await?;
        self.progress.end(new.reindex_id).await?;
        Ok(removed)
    }

    /// Deletes an index that neither searches nor changes use. Returns its name, or nothing if there is none.
    pub async fn delete(&self, index: &str) -> Result<Vec<String>, ReindexError> {
        let Aliases { read, write } = self.index.aliases().await?;
        let current = self.progress.current().await?;
        if read.into_iter().chain(write).chain(recorded(current)).any(|used| used == index) {
            return Err(ReindexError::InUse(index.to_owned()));
        }
        let is_deleted = self.index.delete(index).await?;
        Ok(is_deleted.then(|| index.to_owned()).into_iter().collect())
    }
}

/// Returns the indexes that a record names.
fn recorded(new: Option<NewIndex>) -> impl Iterator<Item = String> {
    new.into_iter().flat_map(|NewIndex { name, replaces, .. }| replaces.into_iter().chain([name]))
}
