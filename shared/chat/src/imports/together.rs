//! Small conversations, which a step brings together: they share statements and requests.
//!
//! A worker that crashes within such a step repeats it. What it had written is written again, the same, and conversations that it had
//! opened are there.

use std::collections::BTreeSet;

use domain::{ConversationId, Message};

use super::bring::Work;
use super::cursor::{Cursor, LogEnd};
use super::errors::StepError;
use super::file::Entry;
use super::lines::{OpenEntry, parse};
use super::messages::{BYTES_PER_STEP, MESSAGES_PER_STEP};
use super::parts::Part;
use super::publish::Written;

/// Most conversations of a step, and members of all of them.
const CONVERSATIONS_PER_STEP: usize = 100;
const MEMBERS_PER_STEP: usize = 2_000;

impl Work<'_> {
    /// Returns the conversations that the next step brings: as many as fit in it, or one of any size; none at the end.
    pub(super) fn next(&self, before: Option<ConversationId>) -> Vec<ConversationId> {
        let (mut messages, mut bytes, mut members) = (0, 0, 0);
        let mut next = Vec::new();
        for (source, planned) in self.saved.plan.after(before).take(CONVERSATIONS_PER_STEP) {
            let places = self.layout.messages(source);
            messages += planned.seqs.count;
            bytes += places.into_iter().map(|place| self.file.entries[place].size).sum::<u64>();
            members += planned.members.len();
            let fits =
                messages <= MESSAGES_PER_STEP as u64 && bytes <= BYTES_PER_STEP as u64 && members <= MEMBERS_PER_STEP;
            if !fits && !next.is_empty() {
                break;
            }
            next.push(source);
            if !fits {
                break;
            }
        }
        next
    }

    /// Brings conversations to their end.
    pub(super) async fn together(&mut self, mut sources: Vec<ConversationId>) -> Result<Cursor, StepError> {
        let last = sources.last().copied();
        while !sources.is_empty() {
            sources = self.bring_all(sources).await?;
        }
        Ok(Cursor::After(last))
    }

    /// Brings conversations. Returns those of whose users some were erased meanwhile: of them nothing is stored.
    async fn bring_all(&mut self, sources: Vec<ConversationId>) -> Result<Vec<ConversationId>, StepError> {
        let unseen = self.begin(&sources).await?;
        let messages = self.read_all(&unseen).await?;
        let of_each: Vec<(ConversationId, &[Message])> =
            unseen.iter().copied().zip(messages.iter().map(Vec::as_slice)).collect();
        let copied = self.copy_files(&of_each).await?;
        let parts: Vec<Part> = unseen
            .into_iter()
            .zip(messages)
            .map(|(source, messages)| self.part(source, messages, LogEnd::default(), BTreeSet::new()))
            .collect();
        let archived = self.put(&parts).await?;
        let written = parts.into_iter().zip(copied).map(|(part, copied)| {
            let Part { source, end, authors, mut counts, .. } = part;
            counts += copied;
            let firsts = archived.iter().filter(|(of, _)| *of == source).map(|(_, first)| *first);
            Written { source, end, authors, archived: firsts.collect(), counts }
        });
        self.publish(written.collect()).await
    }

    /// Reads all messages of conversations.
    async fn read_all(&self, sources: &[ConversationId]) -> Result<Vec<Vec<Message>>, StepError> {
        let places: Vec<Vec<usize>> = sources.iter().map(|source| self.layout.messages(*source)).collect();
        let entries: Vec<&Entry> = places.iter().flatten().map(|place| &self.file.entries[*place]).collect();
        let mut read = self.file.read_all(&entries).await?.into_iter();
        let mut all = Vec::with_capacity(sources.len());
        for places in places {
            let mut messages = Vec::new();
            for (place, bytes) in places.into_iter().zip(read.by_ref()) {
                let mut entry = OpenEntry::new(place, bytes?);
                while let Some(line) = entry.next_line() {
                    if !line.is_empty() {
                        messages.push(parse::<Message>(line).map_err(StepError::of_file)?);
                    }
                }
            }
            all.push(messages);
        }
        Ok(all)
    }
}
