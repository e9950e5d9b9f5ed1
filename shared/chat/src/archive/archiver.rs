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
//!   generation for ever. Others of the same generation, or of an earlier one, are never named again. Each attempt writes an object
//!   of its own, and names it within minutes or never.
//! * **No seq is free again for a writer**: a row that has moved frees its seq for a condition. But a writer has read the head seconds
//!   before its put, and items move when they are a day old at least.

use std::time::Duration;

use domain::period::SeqRange;
use domain::{ConversationId, Seq, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::chunk_objects::{checksum, unique_letters};
use store::dynamodb::messages::LogItem;
use store::dynamodb::{ChunkItem, Messages, StoredRow, StoredRows};

use super::chunk::{Chunk, MAX_CHUNK_BYTES};
use super::deletion::{RowState, delete_rows};
use super::merge::Merge;
use super::reader::Archive;

/// Times that the work begins again because another worker was faster.
const MAX_ROUNDS: u32 = 5;

/// Objects that are deleted at once.
const DELETIONS_AT_ONCE: usize = 16;

/// Age from which nobody is about to name an object: many times as long as an invocation takes at most.
const OBJECT_LIFETIME: Duration = Duration::from_hours(1);

/// Reasons for which a segment is not as it should be afterwards.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log has no item at a seq before its head.
    #[error("the log of {conversation_id} has a hole in the segment from {first} on")]
    Hole { conversation_id: ConversationId, first: Seq },
    /// The chunk that was read back is not the one that was written. Nothing was deleted.
    #[error("the object {0} cannot be read back")]
    Unreadable(String),
    /// Some rows are not deleted yet, because the table is busy.
    #[error("the time of the invocation is over")]
    OutOfTime,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is in the archive, but for rows that are newer than its chunk.
    Archived { rows: usize },
    /// The same, and the rows do not fit in its chunk, so they stay.
    Full { rows: usize },
    /// Its newest item is too young until then.
    NotDue(Timestamp),
    /// It is one of the newest segments of its log, which stay.
    Newest,
    /// Its items are too large for a chunk, so it stays.
    TooLarge,
}

/// What became of a segment that was never in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in the archive, by this call or an earlier one.
    There,
    /// Its items are too large for a chunk.
    TooLarge,
}

/// Moves segments of logs to the archive.
#[derive(Clone, Debug)]
pub struct Archiver {
    pub archive: Archive,
    pub messages: Messages,
    /// Age from which items move.
    pub after: Duration,
    /// Write units of one worker in a second for rows that are deleted or erased. A partition has 1,000, and both workers may work on the same
    /// conversation.
    pub deletion_rate: u32,
}

/// A chunk that the index does not name yet.
pub(super) struct Candidate {
    pub(super) item: ChunkItem,
    object: Vec<u8>,
}

impl Archiver {
    /// Moves a segment to the archive, or finishes what an earlier call began. With `fold`, changes of archived messages become part of
    /// the chunk. Rows are deleted until the time is over.
    ///
    /// Safe to repeat, also at the same time. Cost of moving: reading the segment, three requests to S3, two write units, and those of
    /// deleting each row. Memory: that of six chunks at most.
    pub async fn settle(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        fold: bool,
        until: Timestamp,
    ) -> Result<Settled, ArchiveError> {
        for _ in 0..MAX_ROUNDS {
            let page = self.archive.chunks.rows(conversation_id, segment, MAX_CHUNK_BYTES).await?;
            let Some(before) = self.archive.segment(conversation_id, segment).await? else {
                if let Some(stays) = self.stays(conversation_id, segment, &page).await? {
                    return Ok(stays);
                }
                let states = page.rows.iter().map(RowState::of).collect();
                let Some(first) = candidate(conversation_id, segment, &page.rows, 1)? else {
                    return Ok(Settled::TooLarge);
                };
                if self.publish(&first).await? {
                    return self.clean_up(&first.item, &page.rows, states, true, until).await;
                }
                continue;
            };
            let mut merge = Merge::of(before.chunk.rows()?);
            let states = self.merge(conversation_id, segment, page, &mut merge, fold).await?;
            let (taken, refused) = (merge.taken, merge.refused);
            let items = merge.into_items();
            let settled = if taken == 0 {
                self.clean_up(&before.item, &items, states, fold, until).await?
            } else {
                let next = candidate(conversation_id, segment, &items, before.item.generation + 1)?;
                let next = next.ok_or_else(|| StoreError::Inconsistent("a merged chunk is too large".to_owned()))?;
                if !self.publish(&next).await? {
                    continue;
                }
                self.clean_up(&next.item, &items, states, true, until).await?
            };
            return Ok(match settled {
                // Others have changed since, and become part of the next chunk.
                Settled::Archived { rows } if rows > 0 && rows <= refused => Settled::Full { rows },
                settled => settled,
            });
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other workers were faster".into() }.into())
    }

    /// Writes a segment that was never in the table.
    ///
    /// For a log that nobody writes to yet. Safe to repeat with the same items. Cost: two requests to S3, and one write unit.
    pub async fn add(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        items: &[LogItem],
    ) -> Result<Added, ArchiveError> {
        let row = |item: &LogItem| StoredRow::of(serde_json::to_value(item).map_err(StoreError::from)?);
        let rows = items.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let Some(candidate) = candidate(conversation_id, segment, &rows, 1)? else { return Ok(Added::TooLarge) };
        if !self.publish(&candidate).await? {
            // An earlier call had succeeded. The object of this one, and what a crash left, are named by nothing.
            let there = self.archive.chunks.get(conversation_id, segment.first).await?;
            let unnamed =
                || StoreError::Inconsistent(format!("{conversation_id} has no index item at {}", segment.first));
            self.delete_objects(&there.ok_or_else(unnamed)?).await?;
        }
        Ok(Added::There)
    }

    /// Deletes all objects of a log whose index items are gone. Safe to repeat. Cost: a request to S3 for each thousand, and free deletions.
    pub async fn delete_all(&self, conversation_id: ConversationId) -> Result<(), StoreError> {
        let prefix = format!("{conversation_id}/");
        loop {
            let objects = self.archive.objects.list(&prefix).await?;
            if objects.is_empty() {
                return Ok(());
            }
            let deletions = objects.iter().map(|object| self.archive.objects.delete(&object.key));
            stream::iter(deletions).buffer_unordered(DELETIONS_AT_ONCE).try_collect::<()>().await?;
        }
    }

    /// Puts the rows of an archived segment in the places of its items if that is asked for, a page after the other. Returns the states
    /// of all of them.
    async fn merge(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        mut page: StoredRows,
        merge: &mut Merge,
        fold: bool,
    ) -> Result<Vec<RowState>, StoreError> {
        let mut states = Vec::new();
        loop {
            states.extend(page.rows.iter().map(RowState::of));
            if fold {
                page.rows.into_iter().for_each(|row| merge.take(row));
            }
            let Some(first) = page.next else { return Ok(states) };
            let rest = SeqRange { first, last: segment.last };
            page = self.archive.chunks.rows(conversation_id, rest, MAX_CHUNK_BYTES).await?;
        }
    }

    /// Returns the reason for which a segment that is not archived stays; `None` if it moves.
    async fn stays(
        &self,
        conversation_id: ConversationId,
        segment: SeqRange,
        page: &StoredRows,
    ) -> Result<Option<Settled>, ArchiveError> {
        let head = self.messages.head_seq(conversation_id).await?;
        if !self.archive.size.may_move(segment, head) {
            return Ok(Some(Settled::Newest));
        }
        if page.next.is_some() {
            return Ok(Some(Settled::TooLarge));
        }
        let is_whole = page.rows.iter().map(|row| row.seq.0).eq(segment.first.0..=segment.last.0);
        // Had another worker moved it before the rows were read, the index would have had it afterwards.
        let hole = ArchiveError::Hole { conversation_id, first: segment.first };
        let last = page.rows.last().filter(|_| is_whole).ok_or(hole)?;
        let due = last.sent_at.plus(self.after);
        Ok((due > Timestamp::now()).then_some(Settled::NotDue(due)))
    }

    /// Writes the object of a chunk, reads it back, and puts the chunk into the index. Returns false if another one is there.
    pub(super) async fn publish(&self, candidate: &Candidate) -> Result<bool, ArchiveError> {
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
        // The SDK repeats a request that had succeeded.
        let there = archive.chunks.get(item.conversation_id, item.segment().first).await?;
        Ok(there.as_ref() == Some(item))
    }

    /// Deletes the rows whose state the chunk has, and the objects that are of no use any more. Rows that were put back are about to
    /// be changed, and stay unless `restored`.
    async fn clean_up(
        &self,
        item: &ChunkItem,
        archived: &[StoredRow],
        rows: Vec<RowState>,
        restored: bool,
        until: Timestamp,
    ) -> Result<Settled, ArchiveError> {
        let count = rows.len();
        let is_archived = |row: &RowState| {
            let at = archived.binary_search_by_key(&row.seq, |archived| archived.seq).ok();
            at.is_some_and(|at| archived[at].amended == row.amended) && (restored || !row.restored)
        };
        let rows: Vec<RowState> = rows.into_iter().filter(is_archived).collect();
        let (chunks, rate) = (&self.archive.chunks, self.deletion_rate);
        let deleted = delete_rows(chunks, item.conversation_id, &rows, rate, until).await?;
        let deleted = deleted.ok_or(ArchiveError::OutOfTime)?;
        self.delete_objects(item).await?;
        Ok(Settled::Archived { rows: count - deleted })
    }

    /// Deletes the objects of a segment that its index item does not name, and none will: those of its generation and of earlier ones,
    /// and what a crash left long ago.
    pub(super) async fn delete_objects(&self, item: &ChunkItem) -> Result<(), StoreError> {
        let prefix = format!("{}-", prefix(item.conversation_id, item.segment().first));
        let old = Timestamp::now().minus(OBJECT_LIFETIME);
        for object in self.archive.objects.list(&prefix).await? {
            let rest = object.key.strip_prefix(&prefix);
            let generation = rest.and_then(|rest| rest.split_once('-')?.0.parse::<u64>().ok());
            let is_past = generation.is_some_and(|generation| generation <= item.generation) || object.modified < old;
            if object.key != item.object_key && is_past {
                self.archive.objects.delete(&object.key).await?;
            }
        }
        Ok(())
    }
}

/// Writes a chunk of a segment; `None` if its items are too large.
pub(super) fn candidate(
    conversation_id: ConversationId,
    segment: SeqRange,
    rows: &[StoredRow],
    generation: u64,
) -> Result<Option<Candidate>, StoreError> {
    let Some(object) = Chunk::encode(conversation_id, segment, rows)? else { return Ok(None) };
    let time = |row: Option<&StoredRow>| row.map_or(Timestamp::from_epoch_millis(0), |row| row.sent_at);
    let item = ChunkItem {
        object_key: format!("{}-{generation}-{}", prefix(conversation_id, segment.first), unique_letters()),
        sha256: checksum(&object),
        bytes: object.len() as u64,
        ..ChunkItem::new(conversation_id, segment, (time(rows.first()), time(rows.last())), generation)
    };
    // What cannot be read is not written.
    Chunk::decode(&object, &item)?;
    Ok(Some(Candidate { item, object }))
}

/// Returns the beginning of the keys of a segment's objects.
pub(super) fn prefix(conversation: ConversationId, first: Seq) -> String {
    format!("{conversation}/{first:016}", first = first.0)
}
