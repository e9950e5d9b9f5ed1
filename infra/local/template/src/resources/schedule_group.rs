//! The resource type `AWS::Scheduler::ScheduleGroup`, and the roles with which schedules invoke their targets.

use super::super::error::Fault;
use super::super::model::ScheduleGroup;
use super::super::resource::Resource;
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::Scheduler::ScheduleGroup";

pub(super) const SHAPE: Shape =
    Shape { place: TYPE, supported: &["Name"], ignored: &[(&["Tags"], "for people and bills")] };

/// A role has an ARN, and its policies are not enforced.
pub(super) const ROLE_TYPE: &str = "AWS::IAM::Role";

pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<ScheduleGroup, Fault> {
    Ok(ScheduleGroup { logical_id: resource.id.clone(), name: name(scope, resource)? })
}

pub(super) fn name(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    resource.name(scope, "Name")
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    match attribute {
        "Arn" => Ok(Some(scope.arn("scheduler", &format!("schedule-group/{}", name(scope, resource)?)))),
        _ => Ok(None),
    }
}

/// Returns an attribute of a role.
pub(super) fn role_attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Result<Option<String>, Fault> {
    match attribute {
        "Arn" => Ok(Some(scope.role_arn(&resource.name(scope, "RoleName")?))),
        _ => Ok(None),
    }
}
