//! Checks that the names in a template exist, also if nothing needs their value.

use super::Template;
use super::error::{Fault, Problem};
use super::intrinsics::Function;
use super::resources::generated;
use super::scope::PSEUDO_PARAMETERS;
use super::sub::{self, Part};
use super::yaml::{Node, Value};

/// Refuses a template that refers to something it does not have.
pub(super) fn check(template: &Template, outputs: Option<&Node>) -> Result<(), Fault> {
    for condition in &template.conditions {
        check_conditions(template, &condition.value)?;
        for (name, line) in names(&condition.value)? {
            if !is_parameter(template, &name) {
                let sentence = format!("a condition can refer to parameters only, and `{name}` is none");
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

/// Everything that `Ref`, `GetAtt` and `Sub` name below a node, with lines.
pub(super) fn names(node: &Node) -> Result<Vec<(String, usize)>, Fault> {
    let mut found = Vec::new();
    collect(node, &mut found)?;
    Ok(found)
}

fn collect(node: &Node, found: &mut Vec<(String, usize)>) -> Result<(), Fault> {
    match &node.value {
        Value::Null | Value::Scalar(_) => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| collect(item, found)),
        Value::Map(entries) => entries.iter().try_for_each(|entry| collect(&entry.value, found)),
        Value::Call(Function::Ref, argument) => {
            found.push((argument.text()?.to_owned(), argument.line));
            Ok(())
        }
        Value::Call(Function::GetAtt, argument) => {
            let path = match &argument.value {
                Value::List(parts) => parts.first().unwrap_or(argument),
                _ => argument,
            };
            found.push((owner(path.text()?), path.line));
            Ok(())
        }
        Value::Call(Function::Sub, argument) => {
            let (text, variables) = sub::arguments(argument)?;
            for part in sub::parts(text)? {
                if let Part::Variable(name) = part
                    && !variables.iter().any(|variable| variable.key == name)
                {
                    found.push((owner(name), text.line));
                }
            }
            variables.iter().try_for_each(|variable| collect(&variable.value, found))
        }
        Value::Call(_, argument) => collect(argument, found),
    }
}

/// The resource of `Resource.Attribute`.
fn owner(path: &str) -> String {
    path.split_once('.').map_or(path, |(owner, _)| owner).to_owned()
}

fn check_conditions(template: &Template, node: &Node) -> Result<(), Fault> {
    match &node.value {
        Value::Null | Value::Scalar(_) => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| check_conditions(template, item)),
        Value::Map(entries) => entries.iter().try_for_each(|entry| check_conditions(template, &entry.value)),
        Value::Call(Function::Condition, name) => check_condition(template, name.text()?, name.line),
        Value::Call(function, argument) => {
            if let (Function::If, Value::List(arguments)) = (function, &argument.value)
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
