//! Worker on the stream of `messages`: keeps which messages reference a file, and expires files with their last reference. Besides, it
//! records who is mentioned, and reports segments that may move to the archive, and conversations that the retention has to visit: at most
//! two workers can read a shard of a stream, and the search has the other.
//!
//! A message references files when it is appended, and no longer once it is deleted. Records of one conversation arrive in order, and
//! may arrive more than once: every step is safe to repeat. A row that goes away has moved to the archive, with its references, or has
//! expired, and lost them before.

mod mentions;
mod segments;
mod serve;
mod visit;

use aws_lambda_events::dynamodb::EventRecord;
use chat::files::FileReferences;
use chat::retention::Visits;
use domain::FileId;
use domain::error::causes;
use serde_dynamo::from_item;
use store::StoreError;
use store::dynamodb::{LogItem, Mentions};
use store::sqs::Queue;

use visit::Visit;

pub use serve::serve;

/// Attributes of the messages that have files, and of those that mention users.
const COUNTS: [&str; 2] = ["file_count", "mention_count"];

/// Works on the stream.
#[derive(Debug)]
pub struct Worker {
    pub references: FileReferences,
    pub mentions: Mentions,
    /// The queue of the archive; `None` if nothing moves there.
    pub archive: Option<Queue>,
    /// `None` if all messages are kept.
    pub visits: Option<Visits>,
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
        // No message is ever removed: a deleted one keeps its place.
        if after.is_empty() {
            return Ok(());
        }
        let segment = match &self.archive {
            Some(_) if before.is_empty() => segments::reported_by(&after)?,
            _ => None,
        };
        let visit = match &self.visits {
            Some(_) if before.is_empty() => visit::asked_by(&after)?,
            _ => None,
        };
        // Other items come for the archive or the retention, and may be of a kind that only a later version knows.
        if [&before, &after].into_iter().any(|image| COUNTS.iter().any(|count| image.contains_key(*count))) {
            let before: Option<LogItem> = if before.is_empty() { None } else { Some(from_item(before)?) };
            let after: LogItem = from_item(after)?;
            self.record_references(before.as_ref(), &after).await?;
            self.mentions.add(&mentions::new(before.as_ref(), &after), mentions::position_of(&after)).await?;
        }
        if let (Some(queue), Some(segment)) = (&self.archive, segment) {
            queue.send_archive(&[segment]).await?;
        }
        match (&self.visits, visit) {
            (Some(visits), Some(Visit::First { conversation_id, sent_at })) => {
                visits.begin(conversation_id, sent_at).await
            }
            (Some(visits), Some(Visit::Now { conversation_id })) => visits.queue(conversation_id).await,
            _ => Ok(()),
        }
    }

    async fn record_references(&self, before: Option<&LogItem>, after: &LogItem) -> Result<(), StoreError> {
        let (conversation_id, seq) = (after.conversation_id, after.seq);
        let (earlier, now) = (files(before), files(Some(after)));
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
