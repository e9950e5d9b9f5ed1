//! Schedules: the rules of EventBridge and the schedules of EventBridge Scheduler that invoke a function.
//!
//! All times are UTC. A `rate` counts from the start of the local cloud, and what was due while it did not run is not made
//! up for.

mod event;

use std::time::Duration;

use bytes::Bytes;
use local_lambda::Lambda;
use local_lambda::asynchronous::{Retries, deliver};
use local_template::model::ScheduleEvent;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest sleep: after the machine was suspended, due schedules run within that time.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// Invokes the function with that logical id asynchronously whenever the schedule says, until the token fires.
pub async fn run(schedule: ScheduleEvent, function: String, lambda: Lambda, shutdown: CancellationToken) {
    let invocations = TaskTracker::new();
    let mut due = schedule.expression.after(OffsetDateTime::now_utc());
    while let Some(time) = due {
        if shutdown.run_until_cancelled(sleep_until(time)).await.is_none() {
            break;
        }
        let payload = Bytes::from(event::payload(&schedule, time));
        let event = lambda.accept(&function, payload, None);
        let (lambda, shutdown) = (lambda.clone(), shutdown.clone());
        invocations.spawn(async move {
            deliver(&lambda, event, &Retries::default(), &shutdown).await;
        });
        due = schedule.expression.after(time);
        while due.is_some_and(|due| due < OffsetDateTime::now_utc() - MAX_SLEEP) {
            due = due.and_then(|missed| schedule.expression.after(missed));
        }
    }
    // A schedule that has had its last time stays, as AWS keeps it.
    shutdown.cancelled().await;
    invocations.close();
    invocations.wait().await;
}

async fn sleep_until(time: OffsetDateTime) {
    // Negative once it is due.
    while let Ok(left) = Duration::try_from(time - OffsetDateTime::now_utc())
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(MAX_SLEEP)).await;
    }
}
