//! Worker on the stream of `messages`: keeps the index that searches ask.
//!
//! A batch becomes one request to the index. Records of one conversation arrive in order and may arrive more than once; the version of
//! each document makes late and repeated ones harmless. A record that the index refuses goes to the dead-letter queue, so that it
//! holds up nothing.

mod records;
mod serve;

use domain::error::causes;
use store::StoreError;
use store::opensearch::{Change, DocumentId, MessageIndex, Written};
use store::sqs::{Queue, RefusedRecord};
use tokio::sync::OnceCell;

pub use records::{Indexed, Record};
pub use serve::serve;

/// Works on the stream.
#[derive(Debug)]
pub struct Worker {
    index: MessageIndex,
    /// The queue for records that the index refuses.
    dead_letters: Queue,
    /// Set once the index exists.
    exists: OnceCell<()>,
}

impl Worker {
    /// Keeps `index`, and sends to `dead_letters` what it refuses.
    pub fn new(index: MessageIndex, dead_letters: Queue) -> Self {
        Self { index, dead_letters, exists: OnceCell::new() }
    }

    /// Indexes a batch. Returns the sequence number of the first record that has to be retried: Lambda sends it and all later ones again.
    pub async fn handle(&self, records: Vec<Record>) -> Option<String> {
        let mut pending: Vec<(String, Result<Change, &'static str>)> = Vec::new();
        for Record { sequence_number, indexed } in records {
            match indexed {
                Indexed::Unchanged => {}
                // The later change of a message has all of it.
                Indexed::Changed(change) => {
                    let is_of = |earlier: &Result<Change, _>| earlier.as_ref().is_ok_and(|it| it.id() == change.id());
                    pending.retain(|(_, earlier)| !is_of(earlier));
                    pending.push((sequence_number, Ok(change)));
                }
                // The error may quote the item.
                Indexed::Unreadable => pending.push((sequence_number, Err("the item cannot be read"))),
            }
        }
        let changes: Vec<Change> = pending.iter().filter_map(|(_, change)| change.clone().ok()).collect();
        let mut outcomes = match self.write(&changes).await {
            Ok(outcomes) => outcomes.into_iter(),
            Err(error) => {
                tracing::error!(changes = changes.len(), error = causes(&error), "stream records will be retried");
                return pending.into_iter().next().map(|(sequence_number, _)| sequence_number);
            }
        };
        // What follows a record that is retried comes again, so nothing of it is a dead letter.
        for (sequence_number, change) in pending {
            let is_settled = match change {
                Ok(change) => match outcomes.next() {
                    Some(written) => self.is_settled(&sequence_number, &change, written).await,
                    None => false,
                },
                Err(reason) => self.give_up(&refused(None, &sequence_number, reason.to_owned())).await,
            };
            if !is_settled {
                return Some(sequence_number);
            }
        }
        None
    }

    async fn write(&self, changes: &[Change]) -> Result<Vec<Written>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        self.exists.get_or_try_init(|| self.index.ensure()).await?;
        self.index.write(changes).await
    }

    /// Returns true if nothing is left to do for the record.
    async fn is_settled(&self, sequence_number: &str, change: &Change, written: Written) -> bool {
        let id = change.id();
        let reason = match written {
            Written::Done => return true,
            Written::Busy => {
                let (conversation_id, seq) = (id.conversation_id, id.seq);
                tracing::warn!(%conversation_id, %seq, sequence_number, "the index is busy: a stream record will be retried");
                return false;
            }
            Written::Refused(kind) => kind,
        };
        self.give_up(&refused(Some(id), sequence_number, reason)).await
    }

    /// Sends a record to the dead-letter queue, for an operator. Returns false if it has to be retried.
    async fn give_up(&self, record: &RefusedRecord) -> bool {
        let RefusedRecord { conversation_id, seq, sequence_number, reason } = record;
        let sent = self.dead_letters.send_refused(record).await;
        let error = sent.as_ref().err().map(|error| causes(error));
        tracing::error!(
            ?conversation_id,
            ?seq,
            sequence_number,
            reason,
            error,
            "the index refuses a stream record: it goes to the dead-letter queue"
        );
        sent.is_ok()
    }
}

fn refused(id: Option<DocumentId>, sequence_number: &str, reason: String) -> RefusedRecord {
    RefusedRecord {
        conversation_id: id.map(|id| id.conversation_id),
        seq: id.map(|id| id.seq),
        sequence_number: Some(sequence_number.to_owned()),
        reason,
    }
}
