//! Worker on the stream of `messages`: keeps the index that searches ask.
//!
//! A batch becomes one request to the index. Records of one conversation arrive in order and may arrive more than once; the version of
//! each document makes late and repeated ones harmless. A record that the index does not take is put aside, so that it holds up nothing.

mod records;
mod serve;

use domain::error::causes;
use store::StoreError;
use store::opensearch::{Change, MessageIndex, Written};
use store::sqs::{Queue, RefusedRecord};
use tokio::sync::OnceCell;

pub use records::{Indexed, Record};
pub use serve::serve;

/// Works on the stream.
#[derive(Debug)]
pub struct Worker {
    index: MessageIndex,
    /// Records that the index does not take.
    refused: Queue,
    /// Set once the index exists.
    exists: OnceCell<()>,
}

impl Worker {
    /// Keeps `index`, and puts aside in `refused` what it does not take.
    pub fn new(index: MessageIndex, refused: Queue) -> Self {
        Self { index, refused, exists: OnceCell::new() }
    }

    /// Indexes a batch. Returns the sequence numbers of the records that have to be retried.
    pub async fn handle(&self, records: Vec<Record>) -> Vec<String> {
        let mut failed = Vec::new();
        let mut changes: Vec<(String, Change)> = Vec::new();
        for Record { sequence_number, indexed } in records {
            match indexed {
                Indexed::Unchanged => {}
                // The later change of a message has all of it.
                Indexed::Changed(change) => {
                    changes.retain(|(_, earlier)| earlier.id() != change.id());
                    changes.push((sequence_number, change));
                }
                Indexed::Unreadable(error) => {
                    let record = RefusedRecord {
                        conversation_id: None,
                        seq: None,
                        sequence_number: Some(sequence_number.clone()),
                        reason: causes(&error),
                    };
                    failed.extend((!self.put_aside(&record).await).then_some(sequence_number));
                }
            }
        }
        let (sequence_numbers, changes): (Vec<String>, Vec<Change>) = changes.into_iter().unzip();
        match self.write(&changes).await {
            Ok(outcomes) => {
                for ((sequence_number, change), written) in sequence_numbers.into_iter().zip(&changes).zip(outcomes) {
                    if !self.is_settled(&sequence_number, change, written).await {
                        failed.push(sequence_number);
                    }
                }
            }
            Err(error) => {
                tracing::error!(changes = changes.len(), error = causes(&error), "stream records will be retried");
                failed.extend(sequence_numbers);
            }
        }
        failed
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
        let record = RefusedRecord {
            conversation_id: Some(id.conversation_id),
            seq: Some(id.seq),
            sequence_number: Some(sequence_number.to_owned()),
            reason,
        };
        self.put_aside(&record).await
    }

    /// Puts a record aside for an operator. Returns false if it has to be retried.
    async fn put_aside(&self, record: &RefusedRecord) -> bool {
        let RefusedRecord { conversation_id, seq, sequence_number, reason } = record;
        let sent = self.refused.send_refused(record).await;
        let error = sent.as_ref().err().map(|error| causes(error));
        tracing::error!(
            ?conversation_id,
            ?seq,
            sequence_number,
            reason,
            error,
            "the index does not take a stream record: it is put aside"
        );
        sent.is_ok()
    }
}
