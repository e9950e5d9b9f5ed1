//! The work on an import, a step at a time.

use std::slice;

use domain::import::ImportCounts;
use domain::{ConversationId, Timestamp, UserId};
use store::dynamodb::Imports;
use store::dynamodb::imports::ImportItem;
use store::sql::imports::{Begun, ImportedConversation};

use super::cursor::{Conversation, Cursor, LogEnd, Saved};
use super::destinations::Destinations;
use super::errors::{Errors, StepError};
use super::file::ImportFile;
use super::layout::Layout;
use super::lines::OpenEntry;
use super::plan::{Ids, PlannedConversation};

/// State after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Another step has to follow.
    More,
    /// Everything that the file has is there.
    Last,
}

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// This import brings it, and nothing is stored of it.
    New,
    /// This import brings it, and nobody sees it yet.
    Unseen,
    /// This import had made it visible, and has ended its part now: users write to it, and nothing of it may be written again.
    Opened,
    /// It is there, and belongs to its users.
    There,
}

/// The work of one invocation on one import.
pub(super) struct Work<'a> {
    pub(super) to: &'a Destinations,
    pub(super) imports: &'a Imports,
    pub(super) import: &'a ImportItem,
    pub(super) saved: Saved,
    /// Errors of the file so far.
    pub(super) errors: Errors,
    pub(super) file: ImportFile<'a>,
    pub(super) layout: Layout,
    /// The conversation that this invocation knows to be brought by this import. After a checkpoint an earlier one may have finished it.
    pub(super) confirmed: Option<ConversationId>,
    /// The entry of messages that is being read.
    pub(super) open: Option<OpenEntry>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        to: &'a Destinations,
        imports: &'a Imports,
        import: &'a ImportItem,
        file: ImportFile<'a>,
        mut saved: Saved,
    ) -> Self {
        saved.plan.index();
        let layout = Layout::of(&file.entries);
        Self { to, imports, import, saved, errors: Errors::default(), file, layout, confirmed: None, open: None }
    }

    /// Does the next piece of the work.
    pub(super) async fn step(&mut self) -> Result<Step, StepError> {
        self.saved.cursor = match self.saved.cursor {
            Cursor::Check { entry } => self.check(entry).await?,
            Cursor::Users { after } => self.users(after).await?,
            Cursor::After(before) => match self.next(before).as_slice() {
                [] => return Ok(Step::Last),
                [conversation] => self.begin_one(*conversation).await?,
                conversations => self.together(conversations.to_vec()).await?,
            },
            Cursor::Messages { conversation, entry, line, end } => {
                self.messages(conversation, entry, line, end).await?
            }
        };
        Ok(Step::More)
    }

    /// Returns the numbers of what is there so far.
    pub(super) fn counts(&self) -> ImportCounts {
        self.saved.counts
    }

    /// Begins a conversation, unless it is there.
    async fn begin_one(&mut self, source: ConversationId) -> Result<Cursor, StepError> {
        if self.begin(&[source]).await?.is_empty() {
            return Ok(Cursor::After(Some(source)));
        }
        self.confirmed = Some(source);
        self.saved.conversation = Conversation { counts: self.saved.counts, ..Conversation::default() };
        Ok(Cursor::Messages { conversation: source, entry: 0, line: 0, end: LogEnd::default() })
    }

    /// Begins conversations. Returns those that are not there, with nothing in their logs.
    pub(super) async fn begin(&mut self, sources: &[ConversationId]) -> Result<Vec<ConversationId>, StepError> {
        let mut unseen = Vec::new();
        for (source, standing) in sources.iter().zip(self.standings(sources).await?) {
            match standing {
                Standing::New => unseen.push(*source),
                Standing::Unseen => {
                    let planned = &self.saved.plan.conversations[source];
                    let conversation_id =
                        Ids::of(self.import, &self.saved.plan).space.conversation(*source, planned.line.kind);
                    // A worker that crashed may have left more than this file has.
                    self.to.clear_log(conversation_id, planned.seqs.head()).await?;
                    unseen.push(*source);
                }
                // An earlier invocation had counted it after its last checkpoint.
                Standing::Opened => self.saved.counts.messages += self.saved.plan.conversations[source].seqs.count,
                Standing::There => self.saved.counts.existing_conversations += 1,
            }
        }
        Ok(unseen)
    }

    /// Asks how far conversations are, and hands those that are visible to their users. Cost: a statement, and a request for each one that this
    /// import had begun before.
    pub(super) async fn standings(&mut self, sources: &[ConversationId]) -> Result<Vec<Standing>, StepError> {
        let new: Vec<ImportedConversation> =
            sources.iter().map(|source| self.conversation(&self.saved.plan.conversations[source])).collect();
        let begun = self.to.rows.begin(self.import.import_id, &new).await?;
        let mut standings = Vec::with_capacity(new.len());
        for ((source, new), begun) in sources.iter().zip(&new).zip(begun) {
            standings.push(self.standing(*source, new, begun).await?);
        }
        Ok(standings)
    }

    async fn standing(
        &mut self,
        source: ConversationId,
        new: &ImportedConversation,
        mut begun: Begun,
    ) -> Result<Standing, StepError> {
        let (import, id) = (self.import.import_id, new.conversation_id);
        loop {
            match begun {
                Begun::New => return Ok(Standing::New),
                Begun::Here => {
                    if self.to.members.conversation(id).await?.is_none() {
                        return Ok(Standing::Unseen);
                    }
                    self.to.open_visible(import, id).await?;
                    self.count(source);
                    return Ok(Standing::Opened);
                }
                Begun::There => return Ok(Standing::There),
                Begun::By(other) => {
                    let item = self.imports.get(other).await?;
                    if item.is_some_and(|item| item.may_be_at_work(Timestamp::now())) {
                        let mut errors = Errors::default();
                        let (name, line) = &self.saved.plan.conversations[&source].at;
                        errors.add(name, Some(*line), format!("The import {other} is bringing the conversation."));
                        return Err(StepError::Invalid(errors.list));
                    }
                    self.to.discard(other, id).await?;
                    let again = self.to.rows.begin(import, slice::from_ref(new)).await?;
                    begun = again.first().copied().unwrap_or(begun);
                }
            }
        }
    }
}

/// Returns the two users of a private conversation as they are here, the smaller id first.
pub(super) fn pair(ids: &Ids<'_>, planned: &PlannedConversation) -> Option<[UserId; 2]> {
    let mut pair = planned.pair()?.map(|user| ids.user(user));
    pair.sort_unstable();
    Some(pair)
}

pub(super) fn taken() -> &'static str {
    "The two users have a private conversation already, or one blocks the other."
}
