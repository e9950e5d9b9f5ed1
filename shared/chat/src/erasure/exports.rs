//! Exports that may have what is erased.

use domain::export::{ExportedMessages, Subject};
use domain::{ExportId, Timestamp, UserId};
use std::time::Duration;
use store::StoreError;
use store::dynamodb::exports::ExportItem;
use store::sqs::ExportBody;

use super::ErasureJob;

impl ErasureJob {
    /// Cancels every export from before that may have what the user wrote, or the user's name. The worker of exports deletes what there is of
    /// them. Safe to repeat.
    ///
    /// The objects of exports live a day, so a list of them is short. Cost: a request for each thousand, and for each export from before
    /// a read unit, and a statement.
    pub(super) async fn cancel_exports(&self, user: UserId, before: Timestamp) -> Result<(), StoreError> {
        let mut rest = None;
        loop {
            let (exports, next) = self.export_objects.list(rest).await?;
            for export in exports {
                self.cancel_export(user, export, before).await?;
            }
            if next.is_none() {
                return Ok(());
            }
            rest = next;
        }
    }

    async fn cancel_export(&self, user: UserId, export: ExportId, before: Timestamp) -> Result<(), StoreError> {
        let Some(item) = self.exports.get(export).await? else { return Ok(()) };
        if item.created_at > before || !self.may_have(user, &item).await? {
            return Ok(());
        }
        self.exports.cancel(export, Timestamp::now()).await?;
        tracing::info!(user_id = %user, export_id = %export, "an export is cancelled that may have what is erased");
        // Also for one that is cancelled already: the earlier attempt may have failed to queue it.
        self.export_queue.send_export(ExportBody { export_id: export, round: 0 }, Duration::ZERO).await
    }

    async fn may_have(&self, user: UserId, item: &ExportItem) -> Result<bool, StoreError> {
        match item.subject {
            Subject::User { user_id, .. } if user_id == user => Ok(true),
            // It has nothing of others.
            Subject::User { messages: ExportedMessages::Sent, .. } => Ok(false),
            Subject::User { user_id, .. } => self.erasures.have_met(user, user_id).await,
            Subject::Conversation { conversation_id } => self.erasures.was_in(user, conversation_id).await,
        }
    }
}
