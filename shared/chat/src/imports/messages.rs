//! The messages of a conversation: a step reads some of them, and writes them where they belong.
//!
//! A step ends where a segment of the log ends, so a segment is whole in memory. One that the archiver would move today becomes a chunk at once,
//! by the archiver's own code; the others become rows.

use domain::period::SeqRange;
use domain::{Attachment, ConversationId, Message, MessageKind, SegmentSize, Seq};
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::dynamodb::LogItem;

use super::bring::{Standing, Work};
use super::cursor::{Cursor, LogEnd};
use super::destinations::Archiving;
use super::errors::StepError;
use super::lines::{OpenEntry, parse};
use super::log::LogWriter;
use super::plan::{Ids, PlannedConversation};
use crate::archive::{Added, ArchiveError};

/// Messages, or bytes of their lines, after which a step ends with the next segment.
const MESSAGES_PER_STEP: usize = 10_000;
const BYTES_PER_STEP: usize = 16 << 20;

/// Files that are copied at once.
const FILES_AT_ONCE: usize = 4;

/// Chunks that are written at once.
const CHUNKS_AT_ONCE: usize = 4;

/// Largest entry that is read while the messages before it are written.
const MAX_AHEAD_BYTES: u64 = 16 << 20;

impl Work<'_> {
    /// Writes some messages of a conversation, with their files; or makes it visible, once all are there.
    pub(super) async fn messages(
        &mut self,
        source: ConversationId,
        mut entry: usize,
        mut line: usize,
        end: LogEnd,
    ) -> Result<Cursor, StepError> {
        if self.confirmed != Some(source) {
            match self.standing(source).await? {
                Standing::Unseen => {}
                Standing::Opened => return Ok(Cursor::After(Some(source))),
                // An earlier invocation had finished it after its last checkpoint.
                Standing::There => {
                    self.count(source);
                    return Ok(Cursor::After(Some(source)));
                }
            }
        }
        let places = self.layout.messages(source);
        let offset = self.saved.plan.conversations[&source].seqs.offset;
        if entry >= places.len() && end.seq.0 >= offset {
            return self.publish(source, end).await;
        }
        let first = if end.seq.0 < offset { offset } else { 0 };
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while let Some(place) = places.get(entry).copied() {
            let opened = self.read(place, line).await?;
            let is_full = loop {
                let is_border = (end.seq.0 + first + messages.len() as u64).is_multiple_of(SegmentSize::STORED.seqs());
                if is_border && (messages.len() >= MESSAGES_PER_STEP || bytes >= BYTES_PER_STEP) {
                    break true;
                }
                let Some(text) = opened.next_line() else { break false };
                if !text.is_empty() {
                    bytes += text.len();
                    messages.push(parse::<Message>(text).map_err(StepError::of_file)?);
                }
            };
            line = opened.line;
            if is_full {
                break;
            }
            (entry, line) = (entry + 1, 0);
        }
        let end = self.write(source, messages, end, places.get(entry).copied()).await?;
        Ok(Cursor::Messages { conversation: source, entry, line, end })
    }

    /// Returns the entry at this place, at a line.
    async fn read(&mut self, place: usize, line: usize) -> Result<&mut OpenEntry, StepError> {
        let opened = match self.open.take().filter(|opened| opened.place == place) {
            Some(opened) => opened,
            None => OpenEntry::new(place, self.file.read(&self.file.entries[place]).await?),
        };
        let opened = self.open.insert(opened);
        opened.seek(line);
        Ok(opened)
    }

    /// Writes messages, with their files, and meanwhile reads the entry of the next ones.
    async fn write(
        &mut self,
        source: ConversationId,
        messages: Vec<Message>,
        end: LogEnd,
        next: Option<usize>,
    ) -> Result<LogEnd, StepError> {
        self.files(source, &messages).await?;
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
            authors: std::mem::take(&mut self.saved.conversation.authors),
            erased_messages: 0,
        };
        let mut items = Vec::with_capacity(messages.len() + 1);
        if end.seq.0 < planned.seqs.offset {
            items.push(writer.begin(self.import.created_at));
        }
        let count = messages.len() as u64;
        items.extend(messages.into_iter().map(|message| writer.next(message)));
        let LogWriter { end, authors, erased_messages, .. } = writer;
        let is_open = |place: &usize| self.open.as_ref().is_some_and(|opened| opened.place == *place);
        let next = next.filter(|place| !is_open(place) && self.file.entries[*place].size <= MAX_AHEAD_BYTES);
        let ahead = async {
            Ok::<_, StepError>(match next {
                Some(place) => Some(OpenEntry::new(place, self.file.read(&self.file.entries[place]).await?)),
                None => None,
            })
        };
        let (archived, ahead) = try_join(self.put(conversation_id, planned, &items), ahead).await?;
        if ahead.is_some() {
            self.open = ahead;
        }
        self.saved.conversation.archived.extend(archived);
        self.saved.conversation.authors = authors;
        self.saved.counts.messages += count;
        self.saved.counts.erased_messages += erased_messages;
        Ok(end)
    }

    /// Writes items: whole segments that are old enough as chunks, the others as rows. Returns the first seqs of those segments.
    async fn put(
        &self,
        conversation_id: ConversationId,
        planned: &PlannedConversation,
        items: &[LogItem],
    ) -> Result<Vec<Seq>, StepError> {
        let segment_of = |item: &LogItem| SegmentSize::STORED.segment_of(item.seq);
        let (mut chunks, mut rows) = (Vec::new(), Vec::new());
        for part in items.chunk_by(|a, b| segment_of(a) == segment_of(b)) {
            let segment = segment_of(&part[0]);
            match &self.to.archive {
                Some(archive) if self.moves(archive, planned, segment, part) => chunks.push((archive, segment, part)),
                _ => rows.extend(part),
            }
        }
        let write = async |(archive, segment, part): (&Archiving, SeqRange, &[LogItem])| {
            let added = archive.archiver.add(conversation_id, segment, part).await.map_err(of_archive)?;
            if added == Added::There {
                self.add_references(part).await?;
                return Ok(Some(segment.first));
            }
            self.to.items.put_log(part.iter()).await?;
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

    /// Copies the files of messages, before the messages are there that reference them.
    async fn files(&mut self, source: ConversationId, messages: &[Message]) -> Result<(), StepError> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let mut found: Vec<(&Attachment, &Message)> = Vec::new();
        for message in messages {
            let MessageKind::Text(content) = &message.kind else { continue };
            if content.attachments.is_empty() || self.saved.erased.contains(&ids.user(message.sender_id)) {
                continue;
            }
            for attachment in &content.attachments {
                if !self.layout.files.contains_key(&attachment.file_id) {
                    self.saved.counts.missing_files += 1;
                } else if !found.iter().any(|(other, _)| other.file_id == attachment.file_id) {
                    found.push((attachment, message));
                }
            }
        }
        let this = &*self;
        let copies = found.into_iter().map(|(attachment, message)| this.copy(source, attachment, message));
        let done: Vec<()> = stream::iter(copies).buffered(FILES_AT_ONCE).try_collect().await?;
        self.saved.counts.files += done.len() as u64;
        Ok(())
    }

    /// Copies a file, owned by the sender of a message, unless it is there.
    async fn copy(&self, source: ConversationId, attachment: &Attachment, message: &Message) -> Result<(), StepError> {
        let planned = &self.saved.plan.conversations[&source];
        let ids = Ids::of(self.import, &self.saved.plan);
        let entry = &self.file.entries[self.layout.files[&attachment.file_id].place];
        let new = super::files::NewFile {
            file_id: ids.space.file(source, attachment.file_id),
            conversation_id: ids.space.conversation(source, planned.line.kind),
            owner_id: ids.user(message.sender_id),
            created_at: message.sent_at,
            attachment,
        };
        if self.to.has_file(new.file_id).await? {
            return Ok(());
        }
        let bytes = self.file.read(entry).await?;
        Ok(self.to.add_file(&new, bytes).await?)
    }
}

fn of_archive(error: ArchiveError) -> StoreError {
    match error {
        ArchiveError::Store(error) => error,
        error => StoreError::Inconsistent(error.to_string()),
    }
}
