//! The messages of a conversation, a step after the other.
//!
//! A step ends where a segment of the log ends, so a segment is whole in memory.

use domain::import::ImportCounts;
use domain::{ConversationId, Message, SegmentSize};
use futures_util::future::try_join;

use super::bring::{Standing, Work};
use super::cursor::{Conversation, Cursor, LogEnd};
use super::errors::StepError;
use super::lines::{OpenEntry, parse};
use super::parts::Part;
use super::publish::Written;

/// Messages, or bytes of their lines, after which a step ends with the next segment.
pub(super) const MESSAGES_PER_STEP: usize = 10_000;
pub(super) const BYTES_PER_STEP: usize = 16 << 20;

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
            match self.standings(&[source]).await?.first() {
                None | Some(Standing::Unseen) => self.confirmed = Some(source),
                Some(Standing::Opened) => return Ok(Cursor::After(Some(source))),
                // An earlier invocation had finished it after its last checkpoint.
                Some(Standing::There) => {
                    self.count(source);
                    return Ok(Cursor::After(Some(source)));
                }
                // An earlier invocation had discarded it after its last checkpoint.
                Some(Standing::New) => return Ok(self.begin_again(source)),
            }
        }
        let places = self.layout.messages(source);
        let offset = self.saved.plan.conversations[&source].seqs.offset;
        if entry >= places.len() && end.seq.0 >= offset {
            let Conversation { authors, archived, .. } = &mut self.saved.conversation;
            let (authors, archived) = (std::mem::take(authors), std::mem::take(archived));
            let counts = ImportCounts::default();
            let again = self.publish(vec![Written { source, end, authors, archived, counts }]).await?;
            return Ok(if again.is_empty() { Cursor::After(Some(source)) } else { self.begin_again(source) });
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

    /// Goes back to before a conversation of which nothing is stored any more.
    fn begin_again(&mut self, source: ConversationId) -> Cursor {
        (self.confirmed, self.saved.counts) = (None, self.saved.conversation.counts);
        Cursor::After(self.saved.plan.before(source))
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
        let copied = self.copy_files(&[(source, &messages)]).await?;
        let authors = std::mem::take(&mut self.saved.conversation.authors);
        let parts = [self.part(source, messages, end, authors)];
        let is_open = |place: &usize| self.open.as_ref().is_some_and(|opened| opened.place == *place);
        let next = next.filter(|place| !is_open(place) && self.file.entries[*place].size <= MAX_AHEAD_BYTES);
        let ahead = async {
            Ok::<_, StepError>(match next {
                Some(place) => Some(OpenEntry::new(place, self.file.read(&self.file.entries[place]).await?)),
                None => None,
            })
        };
        let (archived, ahead) = try_join(self.put(&parts), ahead).await?;
        if ahead.is_some() {
            self.open = ahead;
        }
        let [Part { end, authors, counts, .. }] = parts;
        self.saved.conversation.archived.extend(archived.into_iter().map(|(_, first)| first));
        self.saved.conversation.authors = authors;
        self.saved.counts += counts;
        for copied in copied {
            self.saved.counts += copied;
        }
        Ok(end)
    }
}
