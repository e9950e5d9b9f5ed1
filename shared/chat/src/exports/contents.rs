//! The contents of an export, a piece at a time.

use domain::ConversationId;
use domain::export::{ExportedMessages, Subject};
use store::StoreError;
use store::dynamodb::exports::ExportItem;
use store::dynamodb::{FileItems, Members};
use store::s3::Objects;
use store::sql::{FileMetadata, Users};

use super::cursor::Cursor;
use super::manifest;
use super::output::{Output, OutputError};
use crate::inbox::Inbox;
use crate::log::ReadError;
use crate::receipts::StatusReader;

/// Everything that exports are read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Conversations and histories, under the rules for reading them.
    pub inbox: Inbox,
    pub status_reader: StatusReader,
    pub members: Members,
    pub users: Users,
    pub metadata: FileMetadata,
    pub file_items: FileItems,
    pub objects: Objects,
}

/// State after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Another step has to follow.
    More,
    /// Everything is written but the directory of the archive.
    Last,
}

impl Sources {
    /// Writes the next piece. Cost: some tens of requests at most.
    pub(super) async fn step(&self, export: &ExportItem, output: &mut Output<'_>) -> Result<Step, OutputError> {
        let next = match output.saved.cursor {
            Cursor::Profile => self.profile(export, output).await?,
            Cursor::Conversations { after, entries } => self.conversations(export, output, after, entries).await?,
            Cursor::Members { at, entries } => self.members(export, output, at, entries).await?,
            Cursor::Messages { at, entries } => self.messages(export, output, at, entries).await?,
            Cursor::Files { after, open } => self.files(export, output, after, open).await?,
            Cursor::Manifest => {
                manifest::write(export, output).await?;
                return Ok(Step::Last);
            }
        };
        output.saved.cursor = next;
        Ok(Step::More)
    }

    /// Finds up to `limit` conversations of the export after one.
    pub(super) async fn conversations_after(
        &self,
        export: &ExportItem,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        match export.subject {
            Subject::Conversation { conversation_id } => {
                Ok(after.is_none().then_some(conversation_id).into_iter().collect())
            }
            Subject::User { user_id, .. } => self.members.of_user(user_id, after, limit).await,
        }
    }
}

/// Returns true if the export has what others did as well.
pub(super) fn has_others(export: &ExportItem) -> bool {
    !matches!(export.subject, Subject::User { messages: ExportedMessages::Sent, .. })
}

/// Returns the result of a read; `None` if the reader may not see the conversation any more.
pub(super) fn if_visible<T>(read: Result<T, ReadError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(ReadError::Store(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Returns the name of an entry of JSON lines after so many others of the same kind.
pub(super) fn numbered(name: &str, before: u32) -> String {
    if before == 0 { format!("{name}.jsonl") } else { format!("{name}.{}.jsonl", before + 1) }
}
