//! A schedule as a request describes it, and what is supported of it.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>

use serde::{Deserialize, Serialize};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::error::SchedulerError;

/// Largest input of a target in SQS, in bytes.
const MAX_INPUT_BYTES: usize = 256 * 1024;

/// The group of schedules that name none.
pub(crate) const DEFAULT_GROUP: &str = "default";

/// The body of a request, and what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Schedule {
    #[serde(default = "default_group")]
    pub(crate) group_name: String,
    #[serde(rename = "ScheduleExpression")]
    expression: String,
    #[serde(rename = "ScheduleExpressionTimezone", default, skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    flexible_time_window: FlexibleTimeWindow,
    pub(crate) target: Target,
    #[serde(default)]
    pub(crate) action_after_completion: ActionAfterCompletion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ActionAfterCompletion {
    #[default]
    None,
    Delete,
}

/// Only enabled schedules are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    #[serde(rename = "ENABLED")]
    Enabled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FlexibleTimeWindow {
    mode: String,
}

/// The target: a standard queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) arn: String,
    pub(crate) role_arn: String,
    pub(crate) input: String,
    /// A target in this process fails only where it does not exist, so it is not tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_policy: Option<serde_json::Value>,
}

impl Target {
    /// Returns the name of the queue.
    pub(crate) fn queue(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }
}

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

impl Schedule {
    /// Reads the body of a request.
    pub(crate) fn read(body: &[u8]) -> Result<Self, SchedulerError> {
        serde_json::from_slice(body).map_err(|error| {
            SchedulerError::invalid(format!("The request is not supported by the local cloud: {error}"))
        })
    }

    /// Checks it, and returns the time at which it invokes its target, in milliseconds since the epoch. One in the past is due at
    /// once.
    pub(crate) fn due(&self) -> Result<u64, SchedulerError> {
        if self.flexible_time_window.mode != "OFF" {
            return Err(SchedulerError::invalid("The local cloud supports the FlexibleTimeWindow OFF only."));
        }
        if self.timezone.as_deref().is_some_and(|zone| zone != "UTC") {
            return Err(SchedulerError::invalid("The local cloud supports the ScheduleExpressionTimezone UTC only."));
        }
        let is_queue =
            self.target.arn.starts_with("arn:aws:sqs:") && self.target.queue().strip_suffix(".fifo").is_none();
        if !is_queue {
            return Err(SchedulerError::invalid("The local cloud supports standard queues of SQS as targets only."));
        }
        if !self.target.role_arn.starts_with("arn:aws:iam::") {
            return Err(SchedulerError::invalid("Provided RoleArn is not in correct format."));
        }
        if self.target.input.is_empty() || self.target.input.len() > MAX_INPUT_BYTES {
            return Err(SchedulerError::invalid("The Input has to have 1 to 262144 bytes."));
        }
        let invalid = || SchedulerError::invalid(format!("Invalid Schedule Expression {}.", self.expression));
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        let text = self.expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
        let time = PrimitiveDateTime::parse(text.ok_or_else(invalid)?, format).map_err(|_| invalid())?;
        u64::try_from(time.assume_utc().unix_timestamp_nanos() / 1_000_000).map_err(|_| invalid())
    }

    /// Returns true for the same request, sent again by a client that missed the answer.
    pub(crate) fn repeats(&self, earlier: &Self) -> bool {
        self.client_token.is_some() && self == earlier
    }
}

/// Checks the name of a schedule or group.
pub(crate) fn check_name(name: &str) -> Result<(), SchedulerError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(SchedulerError::invalid(format!("{name} is no name: it has to match [0-9a-zA-Z-_.]{{1,64}}.")))
}

/// Milliseconds since the epoch.
pub(crate) fn now() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn due(change: impl FnOnce(&mut Value)) -> Result<u64, SchedulerError> {
        let mut body = json!({"ScheduleExpression": "at(2026-11-27T07:30:00)", "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:jobs", "RoleArn": "arn:aws:iam::000000000000:role/r",
                "Input": "{}"}});
        change(&mut body);
        Schedule::read(body.to_string().as_bytes())?.due()
    }

    #[test]
    fn times_are_utc_and_everything_else_is_refused() {
        assert_eq!(due(|_| {}), Ok(1_795_764_600_000));
        for expression in ["rate(1 minute)", "at(2026-11-27 07:30:00)", "at(2026-02-30T07:30:00)", "at()"] {
            let refused = due(|body| body["ScheduleExpression"] = expression.into()).unwrap_err();
            assert!(refused.to_string().starts_with("ValidationException: Invalid Schedule Expression"), "{refused}");
        }
        for (pointer, value) in [
            ("/FlexibleTimeWindow/Mode", "FLEXIBLE"),
            ("/Target/Arn", "arn:aws:lambda:us-east-1:000000000000:function:f"),
            ("/Target/Arn", "arn:aws:sqs:us-east-1:000000000000:jobs.fifo"),
            ("/Target/RoleArn", "role"),
            ("/Target/Input", ""),
        ] {
            due(|body| *body.pointer_mut(pointer).unwrap() = value.into()).unwrap_err();
        }
        due(|body| body["ScheduleExpressionTimezone"] = "Europe/Berlin".into()).unwrap_err();
        due(|body| body["Target"]["SqsParameters"] = json!({"MessageGroupId": "a"})).unwrap_err();
    }

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "upload-1_2.3", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "é", &"x".repeat(65)] {
            check_name(bad).unwrap_err();
        }
    }
}
