//! EventBridge Scheduler: one-time schedules that send a message to a queue, in this process, behind the real wire protocol.
//!
//! `CreateSchedule`, `GetSchedule`, `DeleteSchedule` and `ListSchedules`, without pages. With a file, every accepted schedule is on
//! the disk before its answer, and one that became due while the process was gone invokes its target after the start. A target is
//! invoked at least once. AWS invokes it within the minute that the schedule names, and this at the second.
//!
//! Not emulated: recurring schedules, flexible windows, time zones, other targets, retries and dead-letter queues.

#![warn(missing_docs)]

mod error;
mod http;
mod schedule;
mod store;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use local_sqs::Sqs;
use local_template::model::ScheduleGroup;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use error::SchedulerError;
use schedule::{DEFAULT_GROUP, Schedule, check_name, now};
use store::{Store, Stored};

/// Longest sleep: after the machine was suspended, due schedules run within that time.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The schedules of the last run cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", file.as_deref().unwrap_or(std::path::Path::new("the schedules")).display())]
pub struct SchedulesError {
    file: Option<PathBuf>,
    error: rusqlite::Error,
}

/// The schedules of a stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scheduler {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    region: String,
    account: String,
    groups: Vec<String>,
    store: Mutex<Store>,
    sqs: Sqs,
    /// Notifies the loop that a schedule was created.
    created: Notify,
}

impl Scheduler {
    /// Opens the schedules in a file, whose targets are the queues of `sqs`. Without a file nothing is kept.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(
        region: &str,
        account: &str,
        groups: &[ScheduleGroup],
        sqs: Sqs,
        file: Option<PathBuf>,
    ) -> Result<Self, SchedulesError> {
        let store = Store::open(file.as_deref()).map_err(|error| SchedulesError { file, error })?;
        let groups = groups.iter().map(|group| group.name.clone()).chain([DEFAULT_GROUP.to_owned()]).collect();
        let (region, account) = (region.to_owned(), account.to_owned());
        let inner = Inner { region, account, groups, store: Mutex::new(store), sqs, created: Notify::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Serves the API to signed requests, and invokes targets, until the token fires.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let (served, ()) =
            tokio::join!(http::serve(listener, self.clone(), shutdown.clone()), self.invoke_targets(shutdown));
        served
    }

    /// Invokes the targets of all schedules that are not due yet, and returns their number.
    ///
    /// # Errors
    /// The schedules cannot be read or written.
    pub async fn invoke_all(&self) -> io::Result<usize> {
        self.invoke_due(u64::MAX).await.map_err(io::Error::other)
    }

    async fn invoke_targets(&self, shutdown: CancellationToken) {
        loop {
            // Before the read, so that a schedule that is created meanwhile is seen.
            let created = self.inner.created.notified();
            let next = self.with_store(Store::next_due).await;
            let wait = match next {
                Ok(next) => next.map(|due| Duration::from_millis(due.saturating_sub(now()))),
                Err(error) => {
                    tracing::error!(%error, "the schedules cannot be read");
                    None
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = created => continue,
                () = tokio::time::sleep(wait.unwrap_or(MAX_SLEEP).min(MAX_SLEEP)) => {}
            }
            if let Err(error) = self.invoke_due(now()).await {
                tracing::error!(%error, "due schedules are kept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Invokes the targets of what is due. The message is sent before the schedule ends: it may be sent twice, and is never lost.
    async fn invoke_due(&self, time: u64) -> Result<usize, SchedulerError> {
        let due = self.with_store(move |store| store.due_at(time)).await?;
        for Stored { name, schedule, .. } in &due {
            let sent = self.inner.sqs.send_text(schedule.target.queue(), schedule.target.input.clone()).await;
            if let Err(error) = sent {
                tracing::error!(schedule = name, group = schedule.group_name, %error, "the target cannot be invoked");
            }
            let (group, name, action) = (schedule.group_name.clone(), name.clone(), schedule.action_after_completion);
            self.with_store(move |store| match action {
                schedule::ActionAfterCompletion::Delete => store.delete(&group, &name).map(drop),
                schedule::ActionAfterCompletion::None => store.complete(&group, &name),
            })
            .await?;
        }
        Ok(due.len())
    }

    pub(crate) fn arn(&self, group: &str, name: &str) -> String {
        let Inner { region, account, .. } = &*self.inner;
        format!("arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}")
    }

    pub(crate) async fn create(&self, name: String, schedule: Schedule) -> Result<(), SchedulerError> {
        check_name(&name)?;
        self.check_group(&schedule.group_name)?;
        let due = schedule.due()?;
        self.with_store(move |store| match store.get(&schedule.group_name, &name)? {
            Some(earlier) if schedule.repeats(&earlier.schedule) => Ok(()),
            Some(_) => Err(SchedulerError::conflict(format!("Schedule {name} already exists."))),
            None => store.insert(&Stored { name, schedule, created_at: now() }, due),
        })
        .await?;
        self.inner.created.notify_waiters();
        Ok(())
    }

    pub(crate) async fn get(&self, group: String, name: String) -> Result<Stored, SchedulerError> {
        self.check_group(&group)?;
        let missing = SchedulerError::not_found(format!("Schedule {name} does not exist."));
        self.with_store(move |store| store.get(&group, &name)).await?.ok_or(missing)
    }

    pub(crate) async fn list(&self, group: Option<String>) -> Result<Vec<Stored>, SchedulerError> {
        if let Some(group) = &group {
            self.check_group(group)?;
        }
        self.with_store(move |store| store.list(group.as_deref())).await
    }

    pub(crate) async fn delete(&self, group: String, name: String) -> Result<(), SchedulerError> {
        self.check_group(&group)?;
        let missing = SchedulerError::not_found(format!("Schedule {name} does not exist."));
        if self.with_store(move |store| store.delete(&group, &name)).await? { Ok(()) } else { Err(missing) }
    }

    fn check_group(&self, group: &str) -> Result<(), SchedulerError> {
        if self.inner.groups.iter().any(|known| known == group) {
            return Ok(());
        }
        Err(SchedulerError::not_found(format!("Schedule group {group} does not exist.")))
    }

    /// Uses the store on a thread that may wait for the disk.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, SchedulerError> + Send + 'static,
    ) -> Result<T, SchedulerError> {
        let inner = self.inner.clone();
        let done =
            tokio::task::spawn_blocking(move || work(&inner.store.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(SchedulerError::internal)?
    }
}
