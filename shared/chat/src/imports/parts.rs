//! Parts of logs: made of the messages of a file, and written where they belong.
//!
//! A segment that the archiver would move today becomes a chunk at once, by the archiver's own code; the others become rows.

use std::collections::BTreeSet;

use domain::import::ImportCounts;
use domain::period::SeqRange;
use domain::{ConversationId, Message, SegmentSize, Seq, UserId};
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::dynamodb::LogItem;

use super::bring::Work;
use super::cursor::LogEnd;
use super::destinations::Archiving;
use super::errors::StepError;
use super::files::FILES_AT_ONCE;
use super::log::LogWriter;
use super::plan::{Ids, PlannedConversation};
use crate::archive::{Added, ArchiveError};

/// Chunks that are written at once.
const CHUNKS_AT_ONCE: usize = 4;

/// A part of a conversation's log.
pub(super) struct Part {
    pub(super) source: ConversationId,
    conversation_id: ConversationId,
    items: Vec<LogItem>,
    /// The end of the log with this part.
    pub(super) end: LogEnd,
    /// Whoever wrote or reacted so far.
    pub(super) authors: BTreeSet<UserId>,
    /// The numbers of messages.
    pub(super) counts: ImportCounts,
}

impl Work<'_> {
    /// Makes the part of a log that follows on `end`.
    pub(super) fn part(
        &self,
        source: ConversationId,
        messages: Vec<Message>,
        end: LogEnd,
        authors: BTreeSet<UserId>,
    ) -> Part {
        let plan = &self.saved.plan;
        let planned = &plan.conversations[&source];
        let ids = Ids::of(self.import, plan);
        let conversation_id = ids.space.conversation(source, planned.line.kind);
        let mut writer = LogWriter {
            ids,
            planned,
            conversation_id,
            files: &self.layout.files,
            end,
            erased: &self.saved.erased,
            authors,
            erased_messages: 0,
        };
        let mut items = Vec::with_capacity(messages.len() + 1);
        if end.seq.0 < planned.seqs.offset {
            items.push(writer.begin(self.import.created_at));
        }
        let messages_count = messages.len() as u64;
        items.extend(messages.into_iter().map(|message| writer.next(message)));
        let LogWriter { end, authors, erased_messages, .. } = writer;
        let counts = ImportCounts { messages: messages_count, erased_messages, ..ImportCounts::default() };
        Part { source, conversation_id, items, end, authors, counts }
    }

    /// Writes parts: whole segments that are old enough as chunks, the others as rows. Returns the first seqs of those segments.
    pub(super) async fn put(&self, parts: &[Part]) -> Result<Vec<(ConversationId, Seq)>, StepError> {
        let segment_of = |item: &LogItem| SegmentSize::STORED.segment_of(item.seq);
        let (mut chunks, mut rows) = (Vec::new(), Vec::new());
        for part in parts {
            let planned = &self.saved.plan.conversations[&part.source];
            for items in part.items.chunk_by(|a, b| segment_of(a) == segment_of(b)) {
                let segment = segment_of(&items[0]);
                match &self.to.archive {
                    Some(archive) if self.moves(archive, planned, segment, items) => {
                        chunks.push((archive, part, segment, items));
                    }
                    _ => rows.extend(items),
                }
            }
        }
        let write = async |(archive, part, segment, items): (&Archiving, &Part, SeqRange, &[LogItem])| {
            let added = archive.archiver.add(part.conversation_id, segment, items).await.map_err(of_archive)?;
            if added == Added::There {
                self.add_references(items).await?;
                return Ok(Some((part.source, segment.first)));
            }
            self.to.items.put_log(items.iter()).await?;
            Ok::<_, StepError>(None)
        };
        let chunks = stream::iter(chunks).map(write).buffered(CHUNKS_AT_ONCE).try_collect::<Vec<_>>();
        let rows = async { Ok(self.to.items.put_log(rows.into_iter()).await?) };
        let (archived, ()) = try_join(chunks, rows).await?;
        Ok(archived.into_iter().flatten().collect())
    }

    /// Returns true if the archiver would move a segment. It is decided by the time of the request, so a repetition decides the same.
    fn moves(&self, archive: &Archiving, planned: &PlannedConversation, segment: SeqRange, items: &[LogItem]) -> bool {
        let is_whole = items.len() as u64 == SegmentSize::STORED.seqs();
        let is_due =
            items.last().is_some_and(|last| last.sent_at.plus(archive.archiver.after) <= self.import.created_at);
        is_whole && is_due && SegmentSize::STORED.may_move(segment, planned.seqs.head())
    }

    /// Adds the references to files that the stream of the table adds for rows.
    async fn add_references(&self, items: &[LogItem]) -> Result<(), StoreError> {
        let references =
            items.iter().flat_map(|item| item.kind.attachments().iter().map(|file| (file.file_id, item.seq)));
        let added = references.map(|(file, seq)| self.to.file_items.add_reference(file, seq));
        stream::iter(added).buffered(FILES_AT_ONCE).try_collect::<Vec<bool>>().await.map(drop)
    }
}

fn of_archive(error: ArchiveError) -> StoreError {
    match error {
        ArchiveError::Store(error) => error,
        error => StoreError::Inconsistent(error.to_string()),
    }
}
