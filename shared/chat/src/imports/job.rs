//! The work on an import: steps, with a checkpoint after each few.
//!
//! A worker claims the import until its invocation ends, goes on from the newest checkpoint, and records the next one on the condition that its
//! claim stands. What it had written after the checkpoint is written again, the same. When its time is over it hands over by a queue message,
//! and after a few times in a row by a schedule: Lambda takes a longer chain for a loop.

use std::time::Duration;

use domain::Timestamp;
use domain::import::{ImportError, ImportFailure, MAX_DURATION};
use store::dynamodb::Imports;
use store::dynamodb::imports::{ImportItem, ImportProgress};
use store::import_objects::ImportObjects;
use store::sqs::{ImportBody, Queue};
use store::{Schedules, StoreError};
use uuid::Uuid;

use super::bring::{Step, Work};
use super::cursor::Saved;
use super::destinations::Destinations;
use super::errors::StepError;
use super::file::ImportFile;
use crate::handover::{CHECKPOINT_TIME, CLAIM_RESERVE, HANDOVER_RESERVE, MAX_ROUNDS, while_busy};

/// Brings imports in, step by step.
#[derive(Clone, Debug)]
pub struct ImportJob {
    pub imports: Imports,
    pub objects: ImportObjects,
    pub to: Destinations,
    pub queue: Queue,
    /// Send to the same queue.
    pub schedules: Schedules,
}

impl ImportJob {
    /// Works on an import until it is done, or the invocation that ends at `deadline` has to hand over. Safe to repeat and to run twice at
    /// once.
    pub async fn work(&self, body: ImportBody, deadline: Timestamp) -> Result<(), StoreError> {
        let by = Uuid::new_v4();
        while_busy(deadline, async || self.attempt(body, by, deadline).await).await
    }

    async fn attempt(&self, body: ImportBody, by: Uuid, deadline: Timestamp) -> Result<(), StoreError> {
        let import_id = body.import_id;
        let Some(item) = self.imports.get(import_id).await? else { return Ok(()) };
        if item.state.is_given_up() {
            return self.clean_up(body, &item).await;
        }
        let until = deadline.plus(CLAIM_RESERVE);
        let Some(item) = self.imports.claim(import_id, by, Timestamp::now(), until).await? else { return Ok(()) };
        let saved = match &item.checkpoint {
            Some(name) => serde_json::from_slice(&self.objects.checkpoint(import_id, name).await?)?,
            None => Saved::default(),
        };
        if Timestamp::now().since(item.created_at) > MAX_DURATION {
            return self.fail(body, &item, by, ImportFailure::TookTooLong, &saved, &[]).await;
        }
        let file = match ImportFile::open(&self.objects, import_id, item.size).await {
            Ok(file) => file,
            Err(StepError::Invalid(errors)) => {
                return self.fail(body, &item, by, ImportFailure::Invalid, &saved, &errors).await;
            }
            Err(StepError::Store(error)) => return Err(error),
        };
        let mut work = Work::new(&self.to, &self.imports, &item, file, saved);
        match self.steps(&mut work, by, deadline.minus(HANDOVER_RESERVE)).await {
            Ok(End::Done) => self.finish(&item, by, &work).await,
            Ok(End::OutOfTime) => self.hand_over(body, by, work.saved.steps).await,
            Ok(End::Overtaken) => self.overtaken(body).await,
            Err(StepError::Invalid(errors)) => {
                self.fail(body, &item, by, ImportFailure::Invalid, &work.saved, &errors).await
            }
            Err(StepError::Store(error)) => Err(error),
        }
    }

    /// Does piece after piece, with checkpoints.
    async fn steps(&self, work: &mut Work<'_>, by: Uuid, until: Timestamp) -> Result<End, StepError> {
        let import_id = work.import.import_id;
        let mut newest = work.import.checkpoint.clone();
        let mut saved_at = Timestamp::now();
        loop {
            if work.step().await? == Step::Last {
                return Ok(End::Done);
            }
            let now = Timestamp::now();
            let is_over = now >= until;
            if is_over || now.since(saved_at) >= CHECKPOINT_TIME {
                // An invocation that goes on from here would not know of them.
                if !work.errors.list.is_empty() {
                    return Err(StepError::Invalid(std::mem::take(&mut work.errors.list)));
                }
                work.saved.steps += 1;
                let name = format!("{by}-{}", work.saved.steps);
                let bytes = serde_json::to_vec(&work.saved).map_err(StoreError::from)?;
                self.objects.put_checkpoint(import_id, &name, bytes).await?;
                let progress = ImportProgress::Checkpoint { name: &name, counts: work.counts() };
                if !self.imports.progress(import_id, by, now, &progress).await? {
                    self.objects.delete_checkpoint(import_id, &name).await?;
                    return Ok(End::Overtaken);
                }
                if let Some(before) = newest.replace(name) {
                    self.objects.delete_checkpoint(import_id, &before).await?;
                }
                saved_at = now;
            }
            if is_over {
                return Ok(End::OutOfTime);
            }
        }
    }

    async fn finish(&self, item: &ImportItem, by: Uuid, work: &Work<'_>) -> Result<(), StoreError> {
        let progress = ImportProgress::Done(work.counts());
        if !self.imports.progress(item.import_id, by, Timestamp::now(), &progress).await? {
            return self.overtaken(ImportBody { import_id: item.import_id, round: 0 }).await;
        }
        tracing::info!(import_id = %item.import_id, counts = ?work.counts(), "an import is done");
        self.objects.delete(item.import_id).await
    }

    async fn fail(
        &self,
        body: ImportBody,
        item: &ImportItem,
        by: Uuid,
        reason: ImportFailure,
        saved: &Saved,
        errors: &[ImportError],
    ) -> Result<(), StoreError> {
        let progress = ImportProgress::Failed { reason, counts: saved.counts, errors };
        if !self.imports.progress(item.import_id, by, Timestamp::now(), &progress).await? {
            return self.overtaken(body).await;
        }
        tracing::warn!(import_id = %item.import_id, ?reason, errors = errors.len(), "an import has failed");
        self.delete_all(item).await
    }

    /// Leaves the rest to another worker, without a claim in its way.
    async fn hand_over(&self, body: ImportBody, by: Uuid, steps: u64) -> Result<(), StoreError> {
        let now = Timestamp::now();
        self.imports.progress(body.import_id, by, now, &ImportProgress::HandedOver).await?;
        if body.round < MAX_ROUNDS {
            let next = ImportBody { round: body.round + 1, ..body };
            return self.queue.send_import(next, Duration::ZERO).await;
        }
        let name = format!("import-{}-{steps}", body.import_id);
        self.schedules.send_at(&name, now, &ImportBody { round: 0, ..body }).await
    }

    /// Ends the work of a worker that has lost its claim: to another one, or because the import is cancelled.
    async fn overtaken(&self, body: ImportBody) -> Result<(), StoreError> {
        match self.imports.get(body.import_id).await? {
            // This worker was the one at work.
            Some(item) if item.state.is_given_up() => self.delete_all(&item).await,
            _ => Ok(()),
        }
    }

    /// Deletes what there is of an import that was given up, once nobody is at work on it.
    async fn clean_up(&self, body: ImportBody, item: &ImportItem) -> Result<(), StoreError> {
        let now = Timestamp::now();
        match item.claimed_until.filter(|until| *until >= now) {
            None => self.delete_all(item).await,
            // Its worker meets the end at its next checkpoint, and deletes it. If it crashes, this message finds it.
            Some(until) => {
                let name = format!("import-end-{}-{}", body.import_id, until.epoch_seconds());
                self.schedules.send_at(&name, until.next(), &ImportBody { round: 0, ..body }).await
            }
        }
    }

    /// Deletes what there is of an import that was given up. Safe to repeat. A checkpoint that is left is deleted by the bucket.
    async fn delete_all(&self, item: &ImportItem) -> Result<(), StoreError> {
        self.to.discard_all(item.import_id).await?;
        if let Some(checkpoint) = &item.checkpoint {
            self.objects.delete_checkpoint(item.import_id, checkpoint).await?;
        }
        self.objects.delete(item.import_id).await
    }
}

/// End of the work of one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    OutOfTime,
    /// Its claim stands no more.
    Overtaken,
}
