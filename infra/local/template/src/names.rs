//! The names that a part of a template refers to.

use super::error::Fault;
use super::intrinsic::Intrinsic;
use super::sub::{self, Part};
use super::yaml::{Node, Value};

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
        Value::Call(Intrinsic::Ref, argument) => {
            found.push((argument.text()?.to_owned(), argument.line));
            Ok(())
        }
        Value::Call(Intrinsic::GetAtt, argument) => {
            let path = match &argument.value {
                Value::List(parts) => parts.first().unwrap_or(argument),
                _ => argument,
            };
            found.push((owner(path.text()?), path.line));
            Ok(())
        }
        Value::Call(Intrinsic::Sub, argument) => {
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
