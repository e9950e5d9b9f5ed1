//! EventBridge Scheduler: queue messages that are due later than SQS can delay them.
//!
//! A schedule sends one message, whatever the wait, within a minute after its time, at least once, and deletes itself. Its message
//! begins a chain of its own, where a message that waits by being queued again lengthens one.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use domain::Timestamp;
use serde::Serialize;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::StoreError;

/// Name of the service in errors.
const SCHEDULER: &str = "EventBridge Scheduler";

/// Creates the schedules of one queue.
#[derive(Clone, Debug)]
pub struct Schedules {
    client: Client,
    group: String,
    role_arn: String,
    queue_arn: String,
}

impl Schedules {
    /// Creates schedules in `group` that send to a queue as `role_arn`.
    pub fn new(client: Client, group: String, role_arn: String, queue_arn: String) -> Self {
        Self { client, group, role_arn, queue_arn }
    }

    /// Sends a message to the queue at this time, or up to two minutes later. Safe to repeat with the same name, which has at most 64
    /// letters, digits and hyphens. Cost: one request, and one invocation when it is due.
    pub async fn send_at(&self, name: &str, at: Timestamp, body: &impl Serialize) -> Result<(), StoreError> {
        let target = Target::builder()
            .arn(&self.queue_arn)
            .role_arn(&self.role_arn)
            .input(serde_json::to_string(body)?)
            .build()
            .map_err(incomplete)?;
        let exact = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(incomplete)?;
        let created = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(name)
            .schedule_expression(expression(at)?)
            .flexible_time_window(exact)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await;
        match created {
            // An earlier attempt has created it.
            Err(error) if error.as_service_error().is_some_and(CreateScheduleError::is_conflict_exception) => Ok(()),
            created => created.map(drop).map_err(|error| StoreError::aws(SCHEDULER, error)),
        }
    }
}

/// Returns the first whole minute at or after this time: a schedule is invoked at any second of its minute.
fn expression(at: Timestamp) -> Result<String, StoreError> {
    let minute = OffsetDateTime::from(at) + Duration::MINUTE - Duration::MILLISECOND;
    let format = format_description!("at([year]-[month]-[day]T[hour]:[minute]:00)");
    minute.format(format).map_err(|error| StoreError::Service { service: SCHEDULER, source: Box::new(error) })
}

/// A field that this code left out.
fn incomplete(error: BuildError) -> StoreError {
    StoreError::Service { service: SCHEDULER, source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_is_never_invoked_before_its_time() {
        for (at, expected) in [
            ("2026-11-27T07:30:00.000Z", "at(2026-11-27T07:30:00)"),
            ("2026-11-27T07:30:00.001Z", "at(2026-11-27T07:31:00)"),
            ("2026-12-31T23:59:59.999Z", "at(2027-01-01T00:00:00)"),
        ] {
            let at = serde_json::from_value(at.into()).unwrap();
            assert_eq!(expression(at).unwrap(), expected);
        }
    }
}
