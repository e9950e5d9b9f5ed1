//! `Events` of type `Schedule` (a rule of EventBridge) and `ScheduleV2` (EventBridge Scheduler).

use local_aws::ScheduleExpression;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::model::ScheduleEvent;
use super::super::super::resource::Resource;
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::event::{self, enabled, of_type};

const NEVER_LOST: (&[&str], &str) =
    (&["DeadLetterConfig", "RetryPolicy"], "they configure delivery to the function, which does not fail locally");

const RULE: Shape = Shape {
    place: "an event of type Schedule",
    supported: &["Enabled", "Input", "Name", "Schedule", "State"],
    ignored: &[NEVER_LOST, (&["RoleArn"], "IAM is not enforced"), (&["Description"], "for people")],
};

const SCHEDULE: Shape = Shape {
    place: "an event of type ScheduleV2",
    supported: &["GroupName", "Input", "Name", "ScheduleExpression", "ScheduleExpressionTimezone", "State"],
    ignored: &[
        NEVER_LOST,
        (&["FlexibleTimeWindow"], "the beginning of the window is within it"),
        (&["KmsKeyArn"], "nothing is encrypted at rest"),
        (&["OmitName"], "the generated name is not shown anywhere"),
        (&["PermissionsBoundary", "RoleArn"], "IAM is not enforced"),
        (&["Description"], "for people"),
    ],
};

/// The enabled schedules of a function.
pub(crate) fn schedule_events(scope: &Scope<'_>, function: &Resource) -> Result<Vec<ScheduleEvent>, Fault> {
    let mut schedules = Vec::new();
    for (id, fields) in enabled(scope, function, event::RULE, &RULE)? {
        let name = name(scope, function, id, &fields)?;
        push(&mut schedules, &fields, "Schedule", scope.arn("events", &format!("rule/{name}")))?;
    }
    for (id, fields) in of_type(scope, function, event::SCHEDULE, &SCHEDULE)? {
        fields.one_of("ScheduleExpressionTimezone", &["UTC"])?;
        let group = fields.text("GroupName")?.unwrap_or_else(|| "default".to_owned());
        let name = name(scope, function, id, &fields)?;
        push(
            &mut schedules,
            &fields,
            "ScheduleExpression",
            scope.arn("scheduler", &format!("schedule/{group}/{name}")),
        )?;
    }
    Ok(schedules)
}

fn name(scope: &Scope<'_>, function: &Resource, id: &str, fields: &Fields<'_>) -> Result<String, Fault> {
    Ok(fields.text("Name")?.unwrap_or_else(|| scope.physical_name(&format!("{}{id}", function.id))))
}

fn push(schedules: &mut Vec<ScheduleEvent>, fields: &Fields<'_>, key: &str, arn: String) -> Result<(), Fault> {
    let expression = ScheduleExpression::parse(&fields.required(key)?);
    let expression = expression.map_err(|error| Fault::invalid(fields.line(key), error.to_string()))?;
    let input = input(fields)?;
    if fields.one_of("State", &["ENABLED", "DISABLED"])?.as_deref() != Some("DISABLED") {
        schedules.push(ScheduleEvent { arn, expression, input });
    }
    Ok(())
}

fn input(fields: &Fields<'_>) -> Result<Option<String>, Fault> {
    let Some(input) = fields.text("Input")? else {
        return Ok(None);
    };
    if input.contains("<aws.scheduler.") {
        let sentence = "the context attributes of Scheduler (`<aws.scheduler.…>`) are not supported";
        return Err(Fault::invalid(fields.line("Input"), sentence));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(&input) {
        Ok(_) => Ok(Some(input)),
        Err(error) => Err(Fault::invalid(fields.line("Input"), format!("`Input` is not JSON: {error}"))),
    }
}
