//! The comparison of SQL and DynamoDB, and the repair of what differs: after a restore, in which the two never are of exactly the
//! same moment.
//!
//! SQL is the truth for conversations, members, users and files; DynamoDB for messages. A conversation is compared under its
//! lock, with an empty outbox, so that nothing changes it meanwhile and messages go on. Everything is safe to repeat.

mod conversation;
mod finding;
mod members;

use domain::{ConversationId, FileId, UserId};
use store::StoreError;
use store::dynamodb::{Connections, FileItem, FileItems};
use store::sql::FileMetadata;
use store::sql::files::StoredFile;
use store::sql::reconcile::Rows;
use store::sqs::{Queue, RelayBody};

use crate::archive::Items;
use crate::membership::Relay;

pub use finding::{Finding, FindingKind};

/// Compares the two stores, and mends DynamoDB if asked to.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    pub rows: Rows,
    pub relay: Relay,
    pub items: Items,
    pub connections: Connections,
    pub files: FileItems,
    pub metadata: FileMetadata,
    /// Queue of the worker that ends memberships of deleted users.
    pub relay_queue: Queue,
}

/// What to do beside comparing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Mends what can be mended.
    pub mend: bool,
    /// Reads whole logs to find holes: a read unit for each 4 KB of messages, and each chunk of the archive.
    pub logs: bool,
}

impl Reconciliation {
    /// Compares a deleted user's tombstone. Cost: one read unit.
    pub async fn user(&self, user: UserId, options: Options) -> Result<Vec<Finding>, StoreError> {
        if self.connections.has_tombstone(user).await? {
            return Ok(Vec::new());
        }
        if options.mend {
            // Connections that the user has are not closed here: they end with their tokens.
            self.connections.leave_tombstone(user).await?;
            self.relay_queue.send_relay(RelayBody::all_of(user), std::time::Duration::ZERO).await?;
        }
        Ok(vec![Finding::new(FindingKind::Tombstone).user(user)])
    }

    /// Compares the items of those files that are ready. Cost: one read unit for each, and one SQL request for each that differs.
    pub async fn files(&self, stored: &[StoredFile], options: Options) -> Result<Vec<Finding>, StoreError> {
        let ready: Vec<FileId> =
            stored.iter().filter(|stored| stored.is_ready()).map(|stored| stored.file.file_id).collect();
        let items = self.files.get(&ready).await?;
        let mut findings = Vec::new();
        for stored in stored.iter().filter(|stored| stored.is_ready()) {
            let file = &stored.file.file_id;
            let item = items.iter().find(|item| item.attachment.file_id == *file);
            let same = |item: &FileItem| {
                item.owner_id == stored.owner_id && item.conversation_id == stored.file.conversation_id
            };
            if item.is_some_and(same) {
                continue;
            }
            // The file may have been deleted since SQL was read.
            let Some(stored) = self.metadata.get(*file).await?.filter(StoredFile::is_ready) else { continue };
            let expected = stored.item();
            if options.mend && item.is_none() {
                self.files.put(&expected).await?;
                // The file may have been deleted meanwhile.
                if !self.metadata.get(*file).await?.is_some_and(|stored| stored.is_ready()) {
                    self.files.delete(*file).await?;
                }
            }
            let detail = if item.is_some() { "another owner or conversation" } else { "missing" };
            let finding = Finding { file_id: Some(*file), ..Finding::new(FindingKind::File).detail(detail) };
            findings.push(Finding { conversation_id: Some(expected.conversation_id), ..finding });
        }
        Ok(findings)
    }

    /// Compares a conversation with its members, their periods, blocks and the end of the log. Cost if nothing differs: seven
    /// requests of SQL and five of DynamoDB, more above 500 periods.
    pub async fn conversation(
        &self,
        conversation: ConversationId,
        options: Options,
    ) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        if options.mend {
            match Box::pin(self.relay.run(conversation)).await {
                // What cannot be applied to this projection is part of what is mended.
                Ok(_) | Err(StoreError::Inconsistent(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let compared = self.rows.locked(conversation, async |connection, row| {
            Box::pin(self.compare(connection, conversation, row, options)).await
        });
        findings.extend(compared.await?.unwrap_or_default());
        if options.logs {
            findings.extend(Box::pin(self.hole(conversation)).await?);
        }
        Ok(findings)
    }
}
