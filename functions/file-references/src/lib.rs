//! Worker on the stream of `messages`: keeps which messages reference a file, and expires files with their last reference.
//!
//! A message references files when it is appended, and no longer once it is deleted. Records of one conversation arrive in order, and
//! may arrive more than once: every step is safe to repeat.

mod serve;

use aws_lambda_events::dynamodb::EventRecord;
use chat::files::FileReferences;
use domain::FileId;
use domain::error::causes;
use serde_dynamo::from_item;
use store::StoreError;
use store::dynamodb::LogItem;

pub use serve::serve;

/// Works on the stream.
#[derive(Debug)]
pub struct Worker {
    pub references: FileReferences,
}

impl Worker {
    /// Records one change of a message. Returns false if the stream record has to be retried.
    pub async fn handle(&self, record: EventRecord) -> bool {
        let sequence_number = record.change.sequence_number.clone();
        let recorded = self.record(record).await;
        recorded
            .inspect_err(|error| {
                let sequence_number = sequence_number.as_deref();
                tracing::error!(sequence_number, error = causes(error), "a stream record will be retried");
            })
            .is_ok()
    }

    async fn record(&self, record: EventRecord) -> Result<(), StoreError> {
        let (before, after) = (record.change.old_image, record.change.new_image);
        let read = |image: serde_dynamo::Item| -> Result<Option<LogItem>, StoreError> {
            if image.is_empty() { Ok(None) } else { Ok(Some(from_item(image)?)) }
        };
        let (before, after) = (read(before)?, read(after)?);
        let (earlier, now) = (files(before.as_ref()), files(after.as_ref()));
        let Some((conversation_id, seq)) = after.or(before).map(|item| (item.conversation_id, item.seq)) else {
            return Ok(());
        };
        for file_id in now.iter().filter(|file| !earlier.contains(file)) {
            if !self.references.reference_added(*file_id, seq).await? {
                tracing::error!(%conversation_id, %seq, %file_id, "a message references a file that is deleted");
            }
        }
        for file_id in earlier.iter().filter(|file| !now.contains(file)) {
            self.references.reference_removed(*file_id, seq).await?;
        }
        Ok(())
    }
}

fn files(item: Option<&LogItem>) -> Vec<FileId> {
    item.iter().flat_map(|item| item.kind.attachments()).map(|attachment| attachment.file_id).collect()
}
