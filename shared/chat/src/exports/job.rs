//! The work on an export: steps, with a checkpoint after each few.
//!
//! A worker claims the export until its invocation ends. It goes on from the newest checkpoint, and records the next one on the condition that
//! its claim stands. A part that it had uploaded after the checkpoint is uploaded again under the same number. So a worker that crashes
//! anywhere costs no more than the time since the last checkpoint.
//!
//! When its time is over it hands over by a queue message, and after a few times in a row by a schedule: Lambda takes a longer chain for a
//! loop.

use std::time::Duration;

use domain::export::{Export, ExportFailure, ExportState, MAX_DURATION, Subject};
use domain::{ApiError, Timestamp, UserId};
use store::dynamodb::exports::{ExportItem, Progress};
use store::dynamodb::{Connections, Exports};
use store::export_objects::ExportObjects;
use store::sqs::{ExportBody, Queue};
use store::{Schedules, StoreError};
use uuid::Uuid;

use super::contents::{Sources, Step};
use super::output::{Output, OutputError};
use super::requests::{expiry, require_exporter, shown};
use crate::handover::{CHECKPOINT_TIME, CLAIM_RESERVE, HANDOVER_RESERVE, MAX_ROUNDS, while_busy};

/// Bytes after which a checkpoint is written.
const CHECKPOINT_BYTES: usize = 16 * 1024 * 1024;

/// An export that has ended, for its user.
#[derive(Clone, Debug)]
pub struct Finished {
    pub user_id: UserId,
    pub export: Export,
}

/// Writes exports, step by step.
#[derive(Clone, Debug)]
pub struct ExportJob {
    pub exports: Exports,
    pub export_objects: ExportObjects,
    pub sources: Sources,
    /// Tell whether a user is deleted.
    pub connections: Connections,
    pub queue: Queue,
    /// Send to the same queue.
    pub schedules: Schedules,
}

/// End of the work of one invocation.
#[derive(Debug)]
enum End {
    Ready(u64),
    OutOfTime,
}

impl ExportJob {
    /// Works on an export until it is finished, or the invocation that ends at `deadline` has to hand over. Returns the export if it has
    /// ended now. Safe to repeat and to run twice at once.
    pub async fn work(&self, body: ExportBody, deadline: Timestamp) -> Result<Option<Finished>, StoreError> {
        let by = Uuid::new_v4();
        while_busy(deadline, async || self.attempt(body, by, deadline).await).await
    }

    async fn attempt(&self, body: ExportBody, by: Uuid, deadline: Timestamp) -> Result<Option<Finished>, StoreError> {
        let export_id = body.export_id;
        let Some(item) = self.exports.get(export_id).await? else { return Ok(None) };
        if item.state.is_given_up() {
            self.clean_up(&item).await?;
            return Ok(None);
        }
        let until = deadline.plus(CLAIM_RESERVE);
        let Some(item) = self.exports.claim(export_id, by, Timestamp::now(), until).await? else { return Ok(None) };
        if let Some(reason) = self.obstacle(&item).await? {
            return self.fail(&item, by, reason).await;
        }
        let upload_id = if let Some(upload_id) = &item.upload_id {
            upload_id.clone()
        } else {
            let upload_id = self.export_objects.begin(export_id).await?;
            let progress = Progress::Began { upload_id: upload_id.clone() };
            if !self.exports.progress(export_id, by, Timestamp::now(), &progress).await? {
                self.export_objects.abort(export_id, &upload_id).await?;
                return self.overtaken(&item).await;
            }
            upload_id
        };
        let objects = &self.export_objects;
        let checkpoint = item.checkpoint.as_deref();
        let mut output = Output::open(objects, export_id, &upload_id, item.created_at, checkpoint).await?;
        match self.steps(&item, by, &mut output, deadline.minus(HANDOVER_RESERVE)).await {
            Ok(End::Ready(size)) => {
                let item = ExportItem { checkpoint: output.newest.take(), ..item };
                self.finish(&item, by, size).await
            }
            Ok(End::OutOfTime) => {
                self.hand_over(body, by, output.saved.steps).await?;
                Ok(None)
            }
            Err(OutputError::Failed(reason)) => self.fail(&item, by, reason).await,
            // An earlier worker has joined the parts, and could not record it.
            Err(OutputError::UploadOver) => match self.export_objects.size(export_id).await? {
                Some(size) => self.finish(&item, by, size).await,
                None => self.overtaken(&item).await,
            },
            Err(OutputError::Store(error)) => Err(error),
        }
    }

    /// Writes piece after piece, with checkpoints.
    async fn steps(
        &self,
        item: &ExportItem,
        by: Uuid,
        output: &mut Output<'_>,
        until: Timestamp,
    ) -> Result<End, OutputError> {
        let mut saved_at = Timestamp::now();
        loop {
            if self.sources.step(item, output).await? == Step::Last {
                return Ok(End::Ready(output.finish().await?));
            }
            let now = Timestamp::now();
            let is_over = now >= until;
            if is_over || output.unsaved() >= CHECKPOINT_BYTES || now.since(saved_at) >= CHECKPOINT_TIME {
                let name = output.checkpoint(by).await?;
                let progress = Progress::Checkpoint(name.clone());
                if !self.exports.progress(item.export_id, by, now, &progress).await? {
                    return Err(OutputError::UploadOver);
                }
                if let Some(before) = output.newest.replace(name) {
                    self.export_objects.delete_checkpoint(item.export_id, &before).await?;
                }
                saved_at = now;
            }
            if is_over {
                return Ok(End::OutOfTime);
            }
        }
    }

    /// Returns the reason for which the export cannot go on.
    async fn obstacle(&self, item: &ExportItem) -> Result<Option<ExportFailure>, StoreError> {
        if Timestamp::now().since(item.created_at) > MAX_DURATION {
            return Ok(Some(ExportFailure::TookTooLong));
        }
        let is_allowed = async {
            match item.subject {
                Subject::User { .. } => Ok(()),
                Subject::Conversation { conversation_id } => {
                    require_exporter(&self.sources.members, conversation_id, item.requested_by).await
                }
            }
        };
        match self.connections.unless_deleted(item.requested_by, is_allowed).await {
            Ok(()) => Ok(None),
            Err(error) if error.code.retryable() => Err(retryable(error)),
            Err(_) => Ok(Some(ExportFailure::NotAllowed)),
        }
    }

    async fn finish(&self, item: &ExportItem, by: Uuid, size: u64) -> Result<Option<Finished>, StoreError> {
        let now = Timestamp::now();
        let expires_at = expiry(now);
        let progress = Progress::Ready { size, expires_at };
        if !self.exports.progress(item.export_id, by, now, &progress).await? {
            return self.overtaken(item).await;
        }
        if let Some(checkpoint) = &item.checkpoint {
            self.export_objects.delete_checkpoint(item.export_id, checkpoint).await?;
        }
        let ready =
            ExportItem { state: ExportState::Ready, size: Some(size), expires_at: Some(expires_at), ..item.clone() };
        Ok(Some(Finished { user_id: item.requested_by, export: shown(&ready, now) }))
    }

    async fn fail(&self, item: &ExportItem, by: Uuid, reason: ExportFailure) -> Result<Option<Finished>, StoreError> {
        let now = Timestamp::now();
        if !self.exports.progress(item.export_id, by, now, &Progress::Failed(reason)).await? {
            return self.overtaken(item).await;
        }
        tracing::warn!(export_id = %item.export_id, ?reason, "an export has failed");
        self.clean_up_newest(item).await?;
        let failed = ExportItem { state: ExportState::Failed, reason: Some(reason), ..item.clone() };
        Ok(Some(Finished { user_id: item.requested_by, export: shown(&failed, now) }))
    }

    /// Leaves the rest to another worker, without a claim in its way.
    async fn hand_over(&self, body: ExportBody, by: Uuid, steps: u64) -> Result<(), StoreError> {
        let now = Timestamp::now();
        self.exports.progress(body.export_id, by, now, &Progress::HandedOver).await?;
        if body.round < MAX_ROUNDS {
            let next = ExportBody { round: body.round + 1, ..body };
            return self.queue.send_export(next, Duration::ZERO).await;
        }
        let name = format!("export-{}-{steps}", body.export_id);
        self.schedules.send_at(&name, now, &ExportBody { round: 0, ..body }).await
    }

    /// Ends the work of a worker that has lost its claim: to another one, or because the export is cancelled.
    async fn overtaken(&self, item: &ExportItem) -> Result<Option<Finished>, StoreError> {
        self.clean_up_newest(item).await?;
        Ok(None)
    }

    /// Deletes what there is of an export, if it has ended without a file.
    async fn clean_up_newest(&self, item: &ExportItem) -> Result<(), StoreError> {
        match self.exports.get(item.export_id).await? {
            Some(newest) if newest.state.is_given_up() => self.clean_up(&newest).await,
            _ => Ok(()),
        }
    }

    /// Deletes what there is of an export that has ended without a file. Safe to repeat. A checkpoint that is left is deleted by the bucket.
    async fn clean_up(&self, item: &ExportItem) -> Result<(), StoreError> {
        if let Some(upload_id) = &item.upload_id {
            self.export_objects.abort(item.export_id, upload_id).await?;
            self.export_objects.delete(item.export_id).await?;
        }
        if let Some(checkpoint) = &item.checkpoint {
            self.export_objects.delete_checkpoint(item.export_id, checkpoint).await?;
        }
        Ok(())
    }
}

/// Returns a refusal that may end as the failure of a service.
fn retryable(error: ApiError) -> StoreError {
    StoreError::Busy { service: "DynamoDB", source: Box::new(error) }
}
