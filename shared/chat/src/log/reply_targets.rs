//! The messages that drafts answer.

use futures_util::future::try_join_all;
use store::dynamodb::LogItem;

use super::{Draft, Log, SendError};

impl Log {
    /// Reads the messages from before `after_seq` that the drafts answer. Cost: one read unit for each 4 KB, and a chunk for one that
    /// is archived; nothing for drafts that answer none, or one of the items that [`Self::open_all`] reads.
    pub async fn reply_targets(&self, drafts: &[Draft]) -> Result<Vec<LogItem>, SendError> {
        let mut targets: Vec<_> = drafts.iter().filter_map(Draft::earlier_reply_target).collect();
        targets.sort_unstable();
        targets.dedup();
        let items = self.items();
        let reads = targets.into_iter().map(|(conversation, seq)| items.get(conversation, seq));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }
}
