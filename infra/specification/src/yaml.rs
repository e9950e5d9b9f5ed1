//! Writes a document as YAML, with the keys in the order in which people read them.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// Keys that come first, in this order. All others follow by their names.
const FIRST: [&str; 42] = [
    "openapi",
    "asyncapi",
    "info",
    "title",
    "version",
    "servers",
    "tags",
    "security",
    "defaultContentType",
    "channels",
    "operations",
    "paths",
    "get",
    "put",
    "post",
    "patch",
    "delete",
    "operationId",
    "name",
    "in",
    "address",
    "action",
    "channel",
    "summary",
    "description",
    "required",
    "parameters",
    "requestBody",
    "responses",
    "messages",
    "reply",
    "$ref",
    "type",
    "format",
    "const",
    "enum",
    "allOf",
    "anyOf",
    "oneOf",
    "content",
    "schema",
    "properties",
];

/// Returns the document as text, which is the same for equal documents.
///
/// # Panics
///
/// Never: a JSON value has a form in YAML.
pub(crate) fn text(document: &Value) -> String {
    let options = serde_saphyr::ser_options! { compact_list_indent: true, no_lang_directive: true };
    serde_saphyr::to_string_with_options(&Ordered(document), options).expect("a JSON value is YAML")
}

struct Ordered<'a>(&'a Value);

fn rank(key: &str) -> usize {
    FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len())
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let mut entries: Vec<(&String, &Value)> = fields.iter().collect();
                entries.sort_by_key(|(key, _)| (rank(key), *key));
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(elements) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    sequence.serialize_element(&Ordered(element))?;
                }
                sequence.end()
            }
            other => other.serialize(serializer),
        }
    }
}
