//! The event of a schedule.

use local_template::model::ScheduleEvent;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

const SECOND: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// `Input`, or the event that says what was due when. The two services differ in `source` and in `detail`, which is text in
/// the one of Scheduler: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html>.
pub(super) fn payload(schedule: &ScheduleEvent, due: OffsetDateTime) -> String {
    if let Some(input) = &schedule.input {
        return input.clone();
    }
    // `arn:aws:<service>:<region>:<account>:<resource>`
    let part = |place| schedule.arn.split(':').nth(place).unwrap_or_default();
    let is_rule = part(2) == "events";
    json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": if is_rule { "aws.events" } else { "aws.scheduler" },
        "account": part(4),
        // A time that has all of these components; writing to memory does not fail.
        "time": due.format(SECOND).unwrap_or_default(),
        "region": part(3),
        "resources": [schedule.arn],
        "detail": if is_rule { json!({}) } else { json!("{}") },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use local_aws::ScheduleExpression;
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;

    fn event(arn: &str, input: Option<&str>) -> Value {
        let schedule = ScheduleEvent {
            arn: arn.to_owned(),
            expression: ScheduleExpression::Rate(Duration::from_mins(1)),
            input: input.map(str::to_owned),
        };
        serde_json::from_str(&payload(&schedule, datetime!(2026-10-08 16:53:06.7 UTC))).unwrap()
    }

    #[test]
    fn a_rule_sends_eventbridges_scheduled_event() {
        let mut event = event("arn:aws:events:us-east-1:000000000000:rule/local-FTick", None);
        assert!(event["id"].take().is_string());
        let expected = json!({
            "version": "0",
            "id": null,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": "2026-10-08T16:53:06Z",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:000000000000:rule/local-FTick"],
            "detail": {},
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn a_schedule_sends_schedulers() {
        let event = event("arn:aws:scheduler:us-east-1:000000000000:schedule/default/FTick", None);
        assert_eq!((&event["source"], &event["detail"]), (&json!("aws.scheduler"), &json!("{}")));
    }

    #[test]
    fn the_input_takes_its_place() {
        assert_eq!(event("arn:aws:events:r:a:rule/x", Some(r#"{"a": 1}"#)), json!({"a": 1}));
    }
}
