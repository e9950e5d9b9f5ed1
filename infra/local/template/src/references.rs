//! Checks that the names in a template exist, also if nothing needs their value.

use super::document::Template;
use super::error::{Fault, Problem};
use super::intrinsic::Intrinsic;
use super::names::names;
use super::resources::generated;
use super::scope::PSEUDO_PARAMETERS;
use super::yaml::{Node, Value};

/// Refuses a template that refers to something it does not have.
pub(super) fn check(template: &Template, outputs: Option<&Node>) -> Result<(), Fault> {
    for condition in &template.conditions {
        check_conditions(template, &condition.value)?;
        for (name, line) in names(&condition.value)? {
            if !is_parameter(template, &name) {
                let sentence = format!("a condition can refer to parameters only, not to `{name}`");
                return Err(Fault::invalid(line, sentence));
            }
        }
    }
    let generated: Vec<_> = template.resources.iter().flat_map(generated::ids).collect();
    let exists = |name: &str| {
        is_parameter(template, name) || template.resource(name).is_some() || generated.iter().any(|id| id == name)
    };
    for resource in &template.resources {
        for (name, line) in &resource.depends_on {
            if !exists(name) || is_parameter(template, name) {
                return Err(unknown(name, *line));
            }
        }
        if let Some((name, line)) = &resource.condition {
            check_condition(template, name, *line)?;
        }
    }
    for node in template.resources.iter().map(|resource| &resource.properties).chain(outputs) {
        check_conditions(template, node)?;
        if let Some((name, line)) = names(node)?.into_iter().find(|(name, _)| !exists(name)) {
            return Err(unknown(&name, line));
        }
    }
    Ok(())
}

fn check_conditions(template: &Template, node: &Node) -> Result<(), Fault> {
    match &node.value {
        Value::Null | Value::Scalar(_) => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| check_conditions(template, item)),
        Value::Map(entries) => entries.iter().try_for_each(|entry| check_conditions(template, &entry.value)),
        Value::Call(Intrinsic::Condition, name) => check_condition(template, name.text()?, name.line),
        Value::Call(function, argument) => {
            if let (Intrinsic::If, Value::List(arguments)) = (function, &argument.value)
                && let Some(name) = arguments.first()
            {
                check_condition(template, name.text()?, name.line)?;
            }
            check_conditions(template, argument)
        }
    }
}

fn check_condition(template: &Template, name: &str, line: usize) -> Result<(), Fault> {
    if template.conditions.iter().any(|condition| condition.key == name) {
        return Ok(());
    }
    let known = template.conditions.iter().map(|condition| condition.key.as_str());
    Err(Fault::unknown_value(line, "the condition", name, known))
}

fn is_parameter(template: &Template, name: &str) -> bool {
    PSEUDO_PARAMETERS.contains(&name) || template.parameters.iter().any(|parameter| parameter.key == name)
}

fn unknown(name: &str, line: usize) -> Fault {
    Fault::new(line, Problem::UnknownName(name.to_owned()))
}
