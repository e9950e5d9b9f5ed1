//! Rules of the protocol that hold for every type, applied to the schemas that the derive macro writes.

use domain::conversation::{MAX_RETENTION_DAYS, MAX_UNREAD};
use domain::export::MAX_DURATION as MAX_EXPORT_DURATION;
use domain::file::{MAX_ATTACHMENTS, MAX_FILE_BYTES};
use domain::import::MAX_IMPORT_ERRORS;
use domain::membership::MAX_GROUP_MEMBERS;
use domain::message::{MAX_MENTIONS, MAX_TEXT_BYTES};
use domain::number::MAX_NUMBER;
use domain::protocol::MAX_BATCH_MESSAGES;
use serde_json::{Map, Value, json};

use super::strings;

/// In a request, an optional field may be `null`, which is the same as its absence.
pub(super) fn request(mut schema: Value) -> Value {
    walk(&mut schema, &mut |schema| {
        common(schema);
        for_optional(schema, nullable);
    });
    schema
}

/// In an answer, an optional field is absent and never `null`.
pub(super) fn answer(mut schema: Value) -> Value {
    answer_in_place(&mut schema);
    schema
}

pub(super) fn answer_in_place(schema: &mut Value) {
    walk(schema, &mut |schema| {
        common(schema);
        for_optional(schema, not_null);
    });
}

/// Applies a rule to a schema and all schemas in it, the inner ones first.
fn walk(schema: &mut Value, rule: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Value::Object(fields) = schema else { return };
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(schemas)) => {
                for schema in schemas.values_mut() {
                    walk(schema, rule);
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                for schema in schemas.iter_mut() {
                    walk(schema, rule);
                }
            }
            ("items" | "additionalProperties" | "propertyNames", schema) => walk(schema, rule),
            _ => {}
        }
    }
    rule(fields);
}

fn common(schema: &mut Map<String, Value>) {
    apart_from_reference(schema);
    bounded_number(schema);
    one_enum(schema);
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = plain(text);
    }
}

/// Older drafts of JSON Schema, which tools for AsyncAPI know, read nothing beside a reference.
fn apart_from_reference(schema: &mut Map<String, Value>) {
    let says_more = schema.keys().any(|key| !["$ref", "description", "default"].contains(&key.as_str()));
    if says_more && let Some(reference) = schema.remove("$ref") {
        let all = schema.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(json!({ "$ref": reference }));
        }
    }
}

/// A number is whole, and JSON parsers of every language hold it exactly. `uint64` is no format that others know.
fn bounded_number(schema: &mut Map<String, Value>) {
    if !types(schema).contains(&"integer") {
        return;
    }
    let is_large = schema.remove("format").is_some_and(|format| format == "uint64" || format == "uint");
    if is_large && !schema.contains_key("maximum") {
        schema.insert("maximum".to_owned(), MAX_NUMBER.into());
    }
}

/// Names with a description each become one `enum`, as tools expect it, and a list in the description.
fn one_enum(schema: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = schema.get("oneOf") else { return };
    let mut names = Vec::new();
    let mut lines = Vec::new();
    for variant in variants {
        match (&variant["const"], &variant["enum"]) {
            (Value::String(name), _) => {
                names.push(name.clone());
                let text = variant["description"].as_str().unwrap_or_default();
                lines.push(format!("- `{name}`: {text}"));
            }
            (_, Value::Array(plain)) => {
                let plain: Vec<String> = plain.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
                lines.extend(plain.iter().map(|name| format!("- `{name}`")));
                names.extend(plain);
            }
            _ => return,
        }
    }
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let text = format!("{text}\n\n{}", lines.join("\n"));
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), names.into());
    schema.insert("description".to_owned(), text.trim().into());
}

fn for_optional(schema: &mut Map<String, Value>, rule: fn(&mut Value)) {
    let required: Vec<String> =
        schema.get("required").map(strings).unwrap_or_default().into_iter().map(str::to_owned).collect();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let optional = properties.iter_mut().filter(|(name, _)| !required.contains(name));
        optional.for_each(|(_, schema)| rule(schema));
    }
}

/// Makes a schema one of a value or `null`.
fn nullable(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    let types: Vec<String> = types(fields).into_iter().map(str::to_owned).collect();
    let absent = json!({ "type": "null" });
    if types.iter().any(|kind| kind == "null") || fields.get("const").is_some() {
        return;
    }
    if let Some(Value::Array(schemas)) = fields.get_mut("anyOf") {
        if !schemas.contains(&absent) {
            schemas.push(absent);
        }
    } else if types.is_empty() || fields.contains_key("enum") {
        let description = fields.remove("description");
        let inner = std::mem::take(fields);
        fields.insert("anyOf".to_owned(), json!([inner, absent]));
        fields.extend(description.map(|text| ("description".to_owned(), text)));
    } else {
        let types: Vec<String> = types.into_iter().chain(["null".to_owned()]).collect();
        fields.insert("type".to_owned(), types.into());
    }
}

/// Makes a schema one of a value alone.
fn not_null(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            fields["type"] = only.clone();
        }
    }
    let Some(Value::Array(schemas)) = fields.get_mut("anyOf") else { return };
    schemas.retain(|schema| *schema != json!({ "type": "null" }));
    if let [Value::Object(only)] = &schemas[..] {
        let only = only.clone();
        fields.remove("anyOf");
        // The field's own description counts more than that of its type.
        for (name, value) in only {
            fields.entry(name).or_insert(value);
        }
    }
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(types) => strings(types),
        None => Vec::new(),
    }
}

/// Names of constants that doc comments have, with their values.
fn constants() -> [(&'static str, String); 10] {
    [
        ("MAX_ATTACHMENTS", MAX_ATTACHMENTS.to_string()),
        ("MAX_BATCH_MESSAGES", MAX_BATCH_MESSAGES.to_string()),
        ("MAX_DURATION", format!("{} hours", MAX_EXPORT_DURATION.as_secs() / 3600)),
        ("MAX_FILE_BYTES", format!("{MAX_FILE_BYTES} bytes")),
        ("MAX_GROUP_MEMBERS", MAX_GROUP_MEMBERS.to_string()),
        ("MAX_IMPORT_ERRORS", MAX_IMPORT_ERRORS.to_string()),
        ("MAX_MENTIONS", MAX_MENTIONS.to_string()),
        ("MAX_RETENTION_DAYS", MAX_RETENTION_DAYS.to_string()),
        ("MAX_TEXT_BYTES", format!("{MAX_TEXT_BYTES} bytes of UTF-8")),
        ("MAX_UNREAD", MAX_UNREAD.to_string()),
    ]
}

/// Returns a doc comment without the links of Rust, in one line a paragraph: `` [`crate::a::B`] `` is `` `B` ``.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find(']') else { break };
        let (label, after) = (&from[1..end], &from[end + 1..]);
        let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        let is_code = label.starts_with('`') && label.ends_with('`') && label.len() > 1;
        let is_link = target.is_some_and(|(target, _)| target.contains("::")) || is_code;
        if !is_link {
            out.push('[');
            rest = &from[1..];
            continue;
        }
        if is_code {
            let name = label.trim_matches('`').rsplit("::").next().unwrap_or_default();
            out.extend(["`", name, "`"]);
        } else {
            out.push_str(label);
        }
        rest = target.filter(|(target, _)| target.contains("::")).map_or(after, |(_, after)| after);
    }
    out.push_str(rest);
    for (name, value) in constants() {
        out = out.replace(&format!("`{name}`"), &value);
    }
    let out = out.replace("`None`", "none");
    let paragraphs = out.split("\n\n");
    paragraphs
        .map(|paragraph| {
            if paragraph.starts_with("- ") {
                paragraph.to_owned()
            } else {
                paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        })
        .collect::<Vec<_>>()
        .join("\n\n")
}
