//! Keeps which messages carry a file, from the stream of `messages`: a file whose last message is deleted is set on its way out.
//!
//! The stream tells of each message in the order in which it changed, at least once. What comes again ends as it did before.

use aws_lambda_events::dynamodb::EventRecord;
use chat::files::Release;
use domain::FileId;
use domain::error::causes;
use serde_dynamo::from_item;
use store::StoreError;
use store::dynamodb::LogItem;

/// What the worker needs.
#[derive(Debug)]
pub struct Carriers {
    /// Where it is kept, and how files go.
    pub release: Release,
}

impl Carriers {
    /// Notes one change of a message. Whether it is noted: where not, the record has to come again.
    pub async fn handle(&self, record: EventRecord) -> bool {
        let noted = self.note(record).await;
        noted.inspect_err(|error| tracing::error!(error = causes(error), "a message will be looked at again")).is_ok()
    }

    async fn note(&self, record: EventRecord) -> Result<(), StoreError> {
        let (before, after) = (record.change.old_image, record.change.new_image);
        let read = |image: serde_dynamo::Item| -> Result<Option<LogItem>, StoreError> {
            if image.is_empty() { Ok(None) } else { Ok(Some(from_item(image)?)) }
        };
        let (before, after) = (read(before)?, read(after)?);
        let (earlier, now) = (files(before.as_ref()), files(after.as_ref()));
        let Some(seq) = after.or(before).map(|item| item.seq) else { return Ok(()) };
        for file in now.iter().filter(|file| !earlier.contains(file)) {
            if !self.release.files.carry(*file, seq).await? {
                tracing::error!(%file, "a message carries a file that is gone");
            }
        }
        for file in earlier.iter().filter(|file| !now.contains(file)) {
            if self.release.files.let_go(*file, seq).await? {
                self.release.release(*file).await?;
            }
        }
        Ok(())
    }
}

fn files(item: Option<&LogItem>) -> Vec<FileId> {
    item.iter().flat_map(|item| item.kind.attachments()).map(|attachment| attachment.file_id).collect()
}
