//! Moving segments to the archive, and folding later changes into their chunks.
//!
//! One procedure does both, and finishes what a crash left, from any point: read the rows and then the index; write a chunk and read
//! it back; put it into the index on the condition that nobody else has; delete each row on the condition that the chunk has its
//! state; delete the objects that no index item can name any more.
//!
//! * **Nothing is lost**: a row is deleted only after its state is in a chunk that was read back and that the index names. A message
//!   that is amended meanwhile stays a row.
//! * **Nothing is there twice**: rows and chunks have the seq of an item as their key, and a row counts instead of the chunk's item.
//! * **Nothing goes back**: each event about a message has a higher seq than the one before, and the state with the newest one wins,
//!   however old the read of the rows is. A chunk follows the one that it was made from, or is none.
//! * **No object is deleted that may be needed**: the generation of a chunk rises by one, and an index item names one object of its
//!   generation for ever. Others of the same generation, or of an earlier one, are never named again.
//! * **No seq is free again for a writer**: a row that has moved frees its seq for a condition. But a writer has read the head seconds
//!   before its put, and items move when they are a day old at least.

use std::time::Duration;

use domain::period::SeqRange;
use domain::{ConversationId, Seq, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::chunk_objects::checksum;
use store::dynamodb::{ChunkItem, Messages, StoredRow};

use super::chunk::Chunk;
use super::reader::Archive;

/// Rows that are deleted at once.
const CONCURRENCY: usize = 16;

/// Times that the work begins again because another worker was faster.
const MAX_ROUNDS: u32 = 5;

/// Letters of the checksum in the key of an object: enough to tell apart what two workers wrote in one generation.
const CHECKSUM_LETTERS: usize = 16;

/// Reasons for which a segment is not as it should be afterwards.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log has no item at a seq before its head.
    #[error("the log of {conversation_id} has a hole in the segment from {first} on")]
    Hole { conversation_id: ConversationId, first: Seq },
    /// The chunk that was read back is not the one that was written. Nothing was deleted.
    #[error("the object {0} cannot be read back")]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is in the archive, but for rows that are newer than its chunk.
    Archived { rows: usize },
    /// Its newest item is too young until then.
    NotDue(Timestamp),
    /// It is one of the newest segments of its log, which stay.
    Newest,
    /// Its items are too large for a chunk, so it stays.
    TooLarge,
}

/// Moves segments of logs to the archive.
#[derive(Clone, Debug)]
pub struct Archiver {
    pub archive: Archive,
    pub messages: Messages,
    /// Age from which items move.
    pub after: Duration,
}

/// A chunk that the index does not name yet.
struct Candidate {
    item: ChunkItem,
    object: Vec<u8>,
}

impl Archiver {
    /// Moves a segment to the archive, or finishes what an earlier call began. With `fold`, changes of archived messages become part of
    /// the chunk.
    ///
    /// Safe to repeat, also at the same time. Cost of moving: reading the segment, four requests to S3, two write units, and those of
    /// deleting each row.
    pub async fn settle(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        fold: bool,
    ) -> Result<Settled, ArchiveError> {
        for _ in 0..MAX_ROUNDS {
            let rows = self.archive.chunks.rows(conversation_id, segment).await?;
            let Some(before) = self.archive.segment(conversation_id, segment).await? else {
                if let Some(stays) = self.stays(conversation_id, segment, &rows).await? {
                    return Ok(stays);
                }
                let Some(first) = candidate(conversation_id, segment, &rows, 1)? else { return Ok(Settled::TooLarge) };
                if self.publish(&first).await? {
                    return self.clean_up(&first.item, rows.clone(), rows, true).await;
                }
                continue;
            };
            let archived = before.chunk.rows()?;
            let merged = if fold { newest(&archived, &rows) } else { archived.clone() };
            if merged == archived {
                return self.clean_up(&before.item, archived, rows, fold).await;
            }
            match candidate(conversation_id, segment, &merged, before.item.generation + 1)? {
                Some(next) if self.publish(&next).await? => {
                    return self.clean_up(&next.item, merged, rows, true).await;
                }
                Some(_) => {}
                // What no longer fits in stays a row.
                None => return self.clean_up(&before.item, archived, rows, true).await,
            }
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other workers were faster".into() }.into())
    }

    /// Returns the reason for which a segment that is not archived stays; `None` if it moves.
    async fn stays(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        rows: &[StoredRow],
    ) -> Result<Option<Settled>, ArchiveError> {
        let head = self.messages.head_seq(conversation_id).await?;
        if !self.archive.size.may_move(segment, head) {
            return Ok(Some(Settled::Newest));
        }
        let is_whole = rows.iter().map(|row| row.seq.0).eq(segment.first.0..=segment.last.0);
        // Had another worker moved it before the rows were read, the index would have had it afterwards.
        let hole = ArchiveError::Hole { conversation_id, first: segment.first };
        let last = rows.last().filter(|_| is_whole).ok_or(hole)?;
        let due = last.sent_at.plus(self.after);
        Ok((due > Timestamp::now()).then_some(Settled::NotDue(due)))
    }

    /// Writes the object of a chunk, reads it back, and puts the chunk into the index. Returns false if another one is there.
    async fn publish(&self, candidate: &Candidate) -> Result<bool, ArchiveError> {
        let Candidate { item, object } = candidate;
        let archive = &self.archive;
        archive.objects.put(&item.object_key, object, &item.sha256).await?;
        let read = archive.objects.get(&item.object_key).await?;
        match read {
            // Another worker was faster, and has cleaned up.
            None => return Ok(false),
            Some(read) if read != *object => return Err(ArchiveError::Unreadable(item.object_key.clone())),
            Some(_) => {}
        }
        if archive.chunks.put(item).await? {
            return Ok(true);
        }
        // The SDK repeats a request that had succeeded, and another worker may have written the same.
        let there = archive.chunks.get(item.conversation_id, item.segment().first).await?;
        Ok(there.as_ref() == Some(item))
    }

    /// Deletes the rows whose state the chunk has, and the objects that are of no use any more. Rows that were put back are about to
    /// be changed, and stay unless `restored`.
    async fn clean_up(
        &self,
        item: &ChunkItem,
        archived: Vec<StoredRow>,
        rows: Vec<StoredRow>,
        restored: bool,
    ) -> Result<Settled, ArchiveError> {
        let count = rows.len();
        let is_archived = |row: &StoredRow| {
            let at = archived.binary_search_by_key(&row.seq, |archived| archived.seq).ok();
            at.is_some_and(|at| archived[at].amended == row.amended) && (restored || !row.restored)
        };
        let deleted = stream::iter(rows.into_iter().filter(is_archived))
            .map(|row| self.archive.chunks.delete_row(item.conversation_id, row.seq, row.amended))
            .buffer_unordered(CONCURRENCY)
            .try_fold(0, |deleted, is_deleted| async move { Ok(deleted + usize::from(is_deleted)) })
            .await?;
        let prefix = format!("{}-", prefix(item.conversation_id, item.segment().first));
        for key in self.archive.objects.keys(&prefix).await? {
            let generation = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('-')?.0.parse::<u64>().ok());
            if key != item.object_key && generation.is_some_and(|generation| generation <= item.generation) {
                self.archive.objects.delete(&key).await?;
            }
        }
        Ok(Settled::Archived { rows: count - deleted })
    }
}

/// Writes a chunk of a segment; `None` if its items are too large.
fn candidate(
    conversation_id: ConversationId,
    segment: SeqRange,
    rows: &[StoredRow],
    generation: u64,
) -> Result<Option<Candidate>, StoreError> {
    let Some(object) = Chunk::encode(conversation_id, segment, rows)? else { return Ok(None) };
    let time = |row: Option<&StoredRow>| row.map_or(Timestamp::from_epoch_millis(0), |row| row.sent_at);
    let sha256 = checksum(&object);
    // Of base64, these are the letters that an object's key and XML have unescaped.
    let letters: String = sha256.chars().filter(char::is_ascii_alphanumeric).take(CHECKSUM_LETTERS).collect();
    let item = ChunkItem {
        object_key: format!("{}-{generation}-{letters}", prefix(conversation_id, segment.first)),
        sha256,
        bytes: object.len() as u64,
        ..ChunkItem::new(conversation_id, segment, (time(rows.first()), time(rows.last())), generation)
    };
    // What cannot be read is not written.
    Chunk::decode(&object, &item)?;
    Ok(Some(Candidate { item, object }))
}

/// Returns the beginning of the keys of a segment's objects.
fn prefix(conversation: ConversationId, first: Seq) -> String {
    format!("{conversation}/{first:016}", first = first.0)
}

/// Returns the items of a chunk, each in its newest state.
fn newest(archived: &[StoredRow], rows: &[StoredRow]) -> Vec<StoredRow> {
    let newest = |archived: &StoredRow| {
        let row = rows.iter().find(|row| row.seq == archived.seq && row.amended > archived.amended);
        let row = row.unwrap_or(archived);
        StoredRow { restored: false, ..row.clone() }
    };
    archived.iter().map(newest).collect()
}
