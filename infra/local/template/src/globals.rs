//! The `Globals` section: properties that every resource of a SAM type has unless it has its own.
//!
//! Mappings are merged key by key, lists are joined with the global items first, anything else is replaced by the
//! resource's own: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>.

use super::error::Fault;
use super::shape::Shape;
use super::yaml::{Entry, Node, Value};

/// The sections of `Globals`: `AWS::Serverless::<section>`.
const SHAPE: Shape = Shape { place: "`Globals`", supported: &["Function", "HttpApi", "WebSocketApi"], ignored: &[] };

/// Properties that belong to one function, so SAM does not take them from `Globals`.
const NOT_GLOBAL: [&str; 4] = ["Role", "Policies", "FunctionName", "Events"];

pub(super) fn check(globals: &Node) -> Result<(), Fault> {
    SHAPE.check(globals)?;
    for section in globals.map()? {
        let properties = section.value.map()?;
        if let Some(entry) = properties.iter().find(|entry| NOT_GLOBAL.contains(&entry.key.as_str())) {
            let sentence = format!("`{}` belongs to a resource, not to `Globals`", entry.key);
            return Err(Fault::invalid(entry.line, sentence));
        }
    }
    Ok(())
}

/// The properties of a resource of that type with the global ones merged in.
pub(super) fn merged(globals: Option<&Node>, resource_type: &str, own: Node) -> Node {
    let section = resource_type.strip_prefix("AWS::Serverless::");
    match section.and_then(|section| globals?.get(section)) {
        Some(global) => merge(global, own),
        None => own,
    }
}

fn merge(global: &Node, own: Node) -> Node {
    let value = match (&global.value, own.value) {
        (Value::Map(global), Value::Map(own)) => Value::Map(merge_entries(global, own)),
        (Value::List(global), Value::List(own)) => Value::List(global.iter().cloned().chain(own).collect()),
        (_, own) => own,
    };
    Node { line: own.line, value }
}

fn merge_entries(global: &[Entry], mut own: Vec<Entry>) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(global.len() + own.len());
    for global in global {
        match own.iter().position(|entry| entry.key == global.key) {
            Some(position) => {
                let entry = own.remove(position);
                // Two architectures would be an error of the function, so SAM replaces this list.
                let value = if entry.key == "Architectures" { entry.value } else { merge(&global.value, entry.value) };
                merged.push(Entry { value, ..entry });
            }
            None => merged.push(global.clone()),
        }
    }
    merged.extend(own);
    merged
}
