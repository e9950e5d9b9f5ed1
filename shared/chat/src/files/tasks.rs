//! Work on files that is due later, for the `file-cleanup` worker.

use domain::Timestamp;
use store::sqs::{FilesBody, MAX_DELAY, Queue};
use store::{Schedules, StoreError};

/// Queues work until it is due: SQS delays a message for up to 15 minutes, and a schedule sends one that is due later.
#[derive(Clone, Debug)]
pub struct FileTasks {
    queue: Queue,
    schedules: Schedules,
}

impl FileTasks {
    /// `queue` is the queue of the worker, to which `schedules` send.
    pub fn new(queue: Queue, schedules: Schedules) -> Self {
        Self { queue, schedules }
    }

    /// Queues a task until it is due. Cost: one request.
    pub(super) async fn defer(&self, task: FilesBody) -> Result<(), StoreError> {
        let now = Timestamp::now();
        match later(&task, now) {
            Some(due) => self.schedules.send_at(&task.schedule_name(), due, &task.due_at(now)).await,
            None => self.queue.send_files(task, now).await,
        }
    }

    /// Queues several tasks. Cost: one request for each ten, and one for each that is due later than in 15 minutes.
    pub(super) async fn defer_all(&self, tasks: &[FilesBody]) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let (scheduled, queued): (Vec<FilesBody>, Vec<FilesBody>) =
            tasks.iter().partition(|task| later(task, now).is_some());
        for task in scheduled {
            self.defer(task).await?;
        }
        self.queue.send_all_files(&queued, now).await
    }
}

/// Returns the time of a task that is due later than a queue can delay it.
fn later(task: &FilesBody, now: Timestamp) -> Option<Timestamp> {
    task.due().filter(|due| due.since(now) > MAX_DELAY)
}
