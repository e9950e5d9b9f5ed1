//! Values that are known only once a custom resource was created. Until then a text has a mark in their place.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

/// Stands on both sides of a name. A character for private use, so no template contains it.
const MARK: char = '\u{f8ff}';

/// Stands for what `!Ref` of a custom resource gives or, with an attribute, `!GetAtt`.
pub(super) fn mark(id: &str, attribute: Option<&str>) -> String {
    format!("{MARK}{}{MARK}", name(id, attribute))
}

/// Returns true if a text has a mark in it.
pub(super) fn is_in(text: &str) -> bool {
    text.contains(MARK)
}

fn name(id: &str, attribute: Option<&str>) -> String {
    // Logical ids are letters and digits.
    attribute.map_or_else(|| id.to_owned(), |attribute| format!("{id}.{attribute}"))
}

/// The answers of the stack's custom resources so far. Cheap to clone; all clones share them.
#[derive(Debug, Clone, Default)]
pub struct CustomValues {
    known: Arc<RwLock<BTreeMap<String, String>>>,
}

/// No custom resource has answered with this: `Thing` or `Thing.Attribute`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no custom resource has returned `{0}`")]
pub struct UnknownValue(pub String);

impl CustomValues {
    /// Adds the `PhysicalResourceId` and the `Data` of an answer. Values become texts.
    pub fn add(&self, logical_id: &str, physical_id: &str, data: &Map<String, Value>) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let attributes = data.iter().map(|(key, value)| (name(logical_id, Some(key)), text(value)));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name(logical_id, None), physical_id.to_owned());
        known.extend(attributes);
    }

    /// The text with the values in the place of the marks.
    pub fn fill(&self, text: &str) -> Result<String, UnknownValue> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let value = |name: &str| known.get(name).cloned().ok_or_else(|| UnknownValue(name.to_owned()));
        // Every second part is a name.
        let parts = text.split(MARK).enumerate();
        parts.map(|(place, part)| if place % 2 == 1 { value(part) } else { Ok(part.to_owned()) }).collect()
    }

    /// Fills all texts of a JSON value.
    pub fn fill_json(&self, json: &Value) -> Result<Value, UnknownValue> {
        Ok(match json {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| Ok((key.clone(), self.fill_json(value)?)));
                Value::Object(fields.collect::<Result<_, UnknownValue>>()?)
            }
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_replaced_by_responses() {
        let values = CustomValues::default();
        let text = format!("a/{}/{}", mark("Thing", None), mark("Thing", Some("Count")));
        assert_eq!(values.fill(&text), Err(UnknownValue("Thing".to_owned())));
        values.clone().add("Thing", "thing-1", json!({"Count": 3}).as_object().unwrap());
        assert_eq!(values.fill(&text).as_deref(), Ok("a/thing-1/3"));
        assert_eq!(values.fill_json(&json!({"k": [text]})), Ok(json!({"k": ["a/thing-1/3"]})));
        assert_eq!(values.fill(&mark("Thing", Some("Other"))), Err(UnknownValue("Thing.Other".to_owned())));
    }
}
