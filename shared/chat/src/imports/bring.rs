//! The work on an import, a step at a time.

use std::collections::BTreeMap;

use domain::import::ImportCounts;
use domain::{ConversationId, ConversationType, Timestamp, UserId};
use futures_util::future::join_all;
use store::dynamodb::Imports;
use store::dynamodb::imports::ImportItem;
use store::sql::imports::Begun;

use super::cursor::{Conversation, Cursor, LogEnd, Saved};
use super::destinations::Destinations;
use super::errors::{Errors, StepError};
use super::file::{ImportFile, check_size};
use super::layout::Layout;
use super::lines::OpenEntry;
use super::plan::{Ids, PlannedConversation};

/// Users that one statement creates.
const USERS_PER_STEP: usize = 500;

/// Pairs of users that one statement looks for.
const PAIRS_PER_STATEMENT: usize = 1_000;

/// Entries of a step of the check that are read at once, and most bytes of them.
const ENTRIES_AT_ONCE: usize = 4;
const BYTES_AT_ONCE: u64 = 64 << 20;

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
            Cursor::After(before) => match self.saved.plan.after(before) {
                Some(conversation) => self.begin(conversation).await?,
                None => return Ok(Step::Last),
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

    /// Checks an entry, or the whole once all are checked.
    async fn check(&mut self, entry: usize) -> Result<Cursor, StepError> {
        let lines = self.layout.lines.get(entry..).unwrap_or_default();
        let entries = lines.iter().map(|(kind, place)| (*kind, &self.file.entries[*place]));
        let mut bytes = 0;
        let next: Vec<_> = entries
            .take(ENTRIES_AT_ONCE)
            .take_while(|(_, listed)| {
                bytes += listed.size;
                bytes <= BYTES_AT_ONCE.max(listed.size)
            })
            .collect();
        if next.is_empty() {
            self.finish_check().await?;
            return Ok(Cursor::Users { after: None });
        }
        let read = join_all(next.iter().map(|(_, listed)| self.file.read(listed))).await;
        for ((kind, listed), read) in next.iter().zip(read) {
            match read {
                Ok(bytes) => self.saved.plan.check(*kind, &listed.name, &bytes, Timestamp::now(), &mut self.errors),
                Err(StepError::Invalid(errors)) => self.errors.list.extend(errors),
                Err(error) => return Err(error),
            }
            if self.errors.is_full() {
                return Err(StepError::Invalid(std::mem::take(&mut self.errors.list)));
            }
        }
        Ok(Cursor::Check { entry: entry + next.len() })
    }

    async fn finish_check(&mut self) -> Result<(), StepError> {
        self.saved.plan.finish(&mut self.errors);
        for file in self.layout.files.values() {
            let listed = &self.file.entries[file.place];
            if let Err(message) = check_size(listed) {
                self.errors.add(&listed.name, None, message);
            }
        }
        let ids = Ids::of(self.import, &self.saved.plan);
        let mut here = BTreeMap::new();
        for user in self.saved.plan.users.keys() {
            if let Some(other) = here.insert(ids.user(*user), *user) {
                self.errors.add("", None, format!("The users {other} and {user} are the same one here."));
            }
        }
        let private: Vec<(&PlannedConversation, [UserId; 2])> = self
            .saved
            .plan
            .conversations
            .values()
            .filter(|planned| planned.line.kind == ConversationType::Private)
            .filter_map(|planned| Some((planned, pair(&ids, planned)?)))
            .collect();
        for some in private.chunks(PAIRS_PER_STATEMENT) {
            let pairs: Vec<[UserId; 2]> = some.iter().map(|(_, pair)| *pair).collect();
            let found = self.to.rows.private_conversations(&pairs).await?;
            for (planned, pair) in some {
                let own = ids.space.conversation(planned.line.conversation_id, planned.line.kind);
                if found.iter().any(|(found, id)| found == pair && *id != own) {
                    self.errors.add(&planned.at.0, Some(planned.at.1), taken());
                }
            }
        }
        if self.errors.list.is_empty() {
            Ok(())
        } else {
            Err(StepError::Invalid(std::mem::take(&mut self.errors.list)))
        }
    }

    async fn users(&mut self, after: Option<UserId>) -> Result<Cursor, StepError> {
        let plan = &self.saved.plan;
        let ids = Ids::of(self.import, plan);
        let next = plan.users.keys().filter(|user| after.is_none_or(|after| **user > after)).take(USERS_PER_STEP);
        let next: Vec<UserId> = next.copied().collect();
        let Some(last) = next.last().copied() else { return Ok(Cursor::After(None)) };
        let new: Vec<(UserId, String)> =
            next.into_iter().filter(|user| !user.is_system()).map(|user| (ids.user(user), plan.name(user))).collect();
        self.to.rows.create_users(&new).await?;
        let users: Vec<UserId> = new.iter().map(|(user, _)| *user).collect();
        self.saved.erased.extend(self.to.rows.erased(&users).await?);
        self.saved.counts.users += new.len() as u64;
        Ok(Cursor::Users { after: Some(last) })
    }

    /// Begins a conversation, unless it is there.
    async fn begin(&mut self, source: ConversationId) -> Result<Cursor, StepError> {
        match self.standing(source).await? {
            Standing::Unseen => {}
            Standing::Opened => return Ok(Cursor::After(Some(source))),
            Standing::There => {
                self.saved.counts.existing_conversations += 1;
                return Ok(Cursor::After(Some(source)));
            }
        }
        let planned = &self.saved.plan.conversations[&source];
        let ids = Ids::of(self.import, &self.saved.plan);
        let conversation_id = ids.space.conversation(source, planned.line.kind);
        // A worker that crashed may have left more than this file has.
        self.to.clear_log(conversation_id, planned.seqs.head()).await?;
        self.saved.conversation = Conversation { counts: self.saved.counts, ..Conversation::default() };
        Ok(Cursor::Messages { conversation: source, entry: 0, line: 0, end: LogEnd::default() })
    }

    /// Asks how far a conversation is, and hands one that is visible to its users.
    pub(super) async fn standing(&mut self, source: ConversationId) -> Result<Standing, StepError> {
        let planned = &self.saved.plan.conversations[&source];
        let new = self.conversation(planned);
        loop {
            match self.to.rows.begin(self.import.import_id, &new).await? {
                Begun::Here => {
                    self.confirmed = Some(source);
                    let is_visible = self.to.members.conversation(new.conversation_id).await?.is_some();
                    if !is_visible {
                        return Ok(Standing::Unseen);
                    }
                    self.open(source, None).await?;
                    return Ok(Standing::Opened);
                }
                Begun::There => return Ok(Standing::There),
                Begun::By(other) => {
                    let item = self.imports.get(other).await?;
                    if item.is_some_and(|item| item.may_be_at_work(Timestamp::now())) {
                        let mut errors = Errors::default();
                        let (name, line) = &planned.at;
                        errors.add(name, Some(*line), format!("The import {other} is bringing the conversation."));
                        return Err(StepError::Invalid(errors.list));
                    }
                    self.to.discard(other, new.conversation_id).await?;
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
    "The two users have a private conversation already."
}
