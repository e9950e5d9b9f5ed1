//! The work on an import, a step at a time.

use domain::import::ImportCounts;
use domain::{Attachment, ConversationId, ConversationType, Message, MessageKind, Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::dynamodb::Imports;
use store::dynamodb::imports::ImportItem;
use store::sql::imports::Begun;

use super::cursor::{Cursor, LogEnd, Saved};
use super::destinations::Destinations;
use super::errors::{Errors, StepError};
use super::file::{ImportFile, check_size};
use super::layout::Layout;
use super::lines::parse;
use super::log::LogWriter;
use super::plan::{Ids, PlannedConversation};

/// Users that one statement creates.
const USERS_PER_STEP: usize = 500;

/// Pairs of users that one statement looks for.
const PAIRS_PER_STATEMENT: usize = 1_000;

/// Lines of messages of a step.
const LINES_PER_STEP: usize = 10_000;

/// Files that are copied at once.
const FILES_AT_ONCE: usize = 4;

/// State after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More steps follow.
    More,
    /// Everything is there.
    Last,
}

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// This import brings it, and nobody sees it yet.
    Unseen,
    /// This import has made it visible, and has not ended its part: users write to it, and nothing of it may be written again.
    Visible,
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
    file: ImportFile<'a>,
    layout: Layout,
    /// The conversation that this invocation knows to be brought by this import. After a checkpoint an earlier one may have finished it.
    confirmed: Option<ConversationId>,
    /// The entry of messages that is being read: its place and its bytes.
    open: Option<(usize, Vec<u8>)>,
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
        let Some((kind, place)) = self.layout.lines.get(entry).copied() else {
            self.finish_check().await?;
            return Ok(Cursor::Users { after: None });
        };
        let listed = &self.file.entries[place];
        match self.file.read(listed).await {
            Ok(bytes) => self.saved.plan.check(kind, &listed.name, &bytes, Timestamp::now(), &mut self.errors),
            Err(StepError::Invalid(errors)) => self.errors.list.extend(errors),
            Err(error) => return Err(error),
        }
        if self.errors.is_full() {
            return Err(StepError::Invalid(std::mem::take(&mut self.errors.list)));
        }
        Ok(Cursor::Check { entry: entry + 1 })
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
        self.saved.counts.users += new.len() as u64;
        Ok(Cursor::Users { after: Some(last) })
    }

    /// Begins a conversation, unless it is there.
    async fn begin(&mut self, source: ConversationId) -> Result<Cursor, StepError> {
        match self.standing(source).await? {
            Standing::Unseen => {}
            Standing::Visible => {
                self.open(source).await?;
                return Ok(Cursor::After(Some(source)));
            }
            Standing::There => {
                self.saved.counts.existing_conversations += 1;
                return Ok(Cursor::After(Some(source)));
            }
        }
        let planned = &self.saved.plan.conversations[&source];
        let ids = Ids::of(self.import, &self.saved.plan);
        let conversation_id = ids.space.conversation(source, planned.line.kind);
        // A worker that crashed may have left more than this file has.
        self.to.items.clear_log(conversation_id).await?;
        let mut end = LogEnd::default();
        if planned.seqs.offset > 0 {
            let files = &self.layout.files;
            let mut writer = LogWriter { ids, planned, conversation_id, files, end };
            self.to.items.put_log(&[writer.begin(self.import.created_at)]).await?;
            end = writer.end;
        }
        Ok(Cursor::Messages { conversation: source, entry: 0, line: 0, end })
    }

    /// Asks how far a conversation is.
    async fn standing(&mut self, source: ConversationId) -> Result<Standing, StepError> {
        let planned = &self.saved.plan.conversations[&source];
        let new = self.conversation(planned);
        loop {
            match self.to.rows.begin(self.import.import_id, &new).await? {
                Begun::Here => {
                    self.confirmed = Some(source);
                    let is_visible = self.to.members.conversation(new.conversation_id).await?.is_some();
                    return Ok(if is_visible { Standing::Visible } else { Standing::Unseen });
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

    /// Writes some messages of a conversation, with their files; or makes it visible, once all are there.
    async fn messages(
        &mut self,
        source: ConversationId,
        entry: usize,
        line: usize,
        end: LogEnd,
    ) -> Result<Cursor, StepError> {
        if self.confirmed != Some(source) {
            match self.standing(source).await? {
                Standing::Unseen => {}
                Standing::Visible => {
                    self.open(source).await?;
                    return Ok(Cursor::After(Some(source)));
                }
                // An earlier invocation had finished it after its last checkpoint.
                Standing::There => {
                    self.count(source);
                    return Ok(Cursor::After(Some(source)));
                }
            }
        }
        let Some(place) = self.layout.messages(source).get(entry).copied() else {
            self.publish(source, end).await?;
            return Ok(Cursor::After(Some(source)));
        };
        if self.open.as_ref().is_none_or(|(open, _)| *open != place) {
            self.open = Some((place, self.file.read(&self.file.entries[place]).await?));
        }
        let bytes = self.open.as_ref().map_or(&[] as &[u8], |(_, bytes)| bytes);
        let mut lines = bytes.split(|byte| *byte == b'\n').skip(line);
        let messages = lines.by_ref().take(LINES_PER_STEP).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let messages = messages.map(parse).collect::<Result<Vec<Message>, String>>().map_err(StepError::of_file)?;
        let is_last = lines.next().is_none();
        self.files(source, &messages).await?;
        let plan = &self.saved.plan;
        let planned = &plan.conversations[&source];
        let ids = Ids::of(self.import, plan);
        let conversation_id = ids.space.conversation(source, planned.line.kind);
        let mut writer = LogWriter { ids, planned, conversation_id, files: &self.layout.files, end };
        self.saved.counts.messages += messages.len() as u64;
        let items: Vec<_> = messages.into_iter().map(|message| writer.next(message)).collect();
        self.to.items.put_log(&items).await?;
        let end = writer.end;
        Ok(if is_last {
            Cursor::Messages { conversation: source, entry: entry + 1, line: 0, end }
        } else {
            Cursor::Messages { conversation: source, entry, line: line + LINES_PER_STEP, end }
        })
    }

    /// Copies the files of messages, before the messages are there that reference them.
    async fn files(&mut self, source: ConversationId, messages: &[Message]) -> Result<(), StepError> {
        let mut found: Vec<(&Attachment, &Message)> = Vec::new();
        for message in messages {
            let MessageKind::Text(content) = &message.kind else { continue };
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

/// Returns the two users of a private conversation as they are here, the smaller id first.
pub(super) fn pair(ids: &Ids<'_>, planned: &PlannedConversation) -> Option<[UserId; 2]> {
    let mut pair = planned.pair()?.map(|user| ids.user(user));
    pair.sort_unstable();
    Some(pair)
}

pub(super) fn taken() -> &'static str {
    "The two users have a private conversation already."
}
