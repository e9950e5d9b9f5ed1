//! Parameters of paths, queries and headers.

use domain::idempotency::MAX_KEY_CHARS;
use domain::protocol::read::PageSize;
use domain::{ConversationId, ExportId, FileId, ImportId, Seq, UserId};
use serde_json::{Value, json};

use super::{Callers, Operation};
use crate::examples;
use crate::schemas::Schemas;

/// Returns the parameters of an operation.
pub(super) fn of(operation: &Operation, by_backend: bool, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters = in_path(operation.path, schemas);
    if let Some(query) = operation.query {
        parameters.extend(query(schemas).into_iter().filter(|(name, ..)| !is_of_page(name)).map(in_query));
    }
    if let Some(PageSize { default, most }) = operation.page {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": most, "default": default});
        parameters.push(json!({"name": "limit", "in": "query", "description": "Elements of a page.", "schema": limit}));
        // History pages by seq, and a search for users has one page.
        if !["/messages", "/users"].iter().any(|end| operation.path.ends_with(end)) {
            let text = "The `cursor` of the page before, unchanged.";
            parameters
                .push(json!({"name": "cursor", "in": "query", "description": text, "schema": {"type": "string"}}));
        }
    }
    if operation.is_idempotent {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "example": "4b825dc6",
            "description": "The first request with a key creates; each repeat answers with the same object.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS}
        }));
    }
    if by_backend {
        let text = "The user as whom the backend acts. Without it the backend acts as the system.";
        let required = operation.callers == Callers::UsersAndBackends;
        let text = if required { text.split_inclusive('.').next().unwrap_or_default() } else { text };
        parameters.push(json!({
            "name": "Palaver-As", "in": "header", "description": text, "required": required, "example": examples::ALICE,
            "schema": schemas.request::<UserId>()
        }));
    }
    parameters
}

fn is_of_page(name: &str) -> bool {
    ["limit", "cursor"].contains(&name)
}

fn in_path(path: &str, schemas: &mut Schemas) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let (schema, example, description) = match name {
            "id" => of_id(path, schemas),
            "user_id" => {
                let schema = json!({"anyOf": [schemas.request::<UserId>(), {"const": "me"}]});
                (schema, json!(examples::BOB), "A user; `me` is the caller.")
            }
            "seq" => {
                let schema = json!({"allOf": [schemas.request::<Seq>()], "minimum": 1});
                (schema, json!(2), "The seq of the message.")
            }
            "emoji" => (json!({"type": "string", "minLength": 1}), json!("👍"), "One emoji of Unicode's list."),
            other => panic!("no parameter `{other}`"),
        };
        json!({
            "name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example
        })
    };
    names.map(parameter).collect()
}

fn of_id(path: &str, schemas: &mut Schemas) -> (Value, Value, &'static str) {
    let collection = path.split('/').nth(2).unwrap_or_default();
    match collection {
        "conversations" => (schemas.request::<ConversationId>(), json!(examples::CONVERSATION_ID), "The conversation."),
        "users" => (schemas.request::<UserId>(), json!(examples::BOB), "The user."),
        "files" => (schemas.request::<FileId>(), json!(examples::FILE_ID), "The file."),
        "exports" => (schemas.request::<ExportId>(), json!(examples::EXPORT_ID), "The export."),
        "imports" => (schemas.request::<ImportId>(), json!(examples::IMPORT_ID), "The import."),
        other => panic!("no ids of `{other}`"),
    }
}

fn in_query((name, mut schema, required): (String, Value, bool)) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({"name": name, "in": "query", "schema": schema});
    if required {
        parameter["required"] = true.into();
    }
    if let Some(description) = description {
        parameter["description"] = description;
    }
    if schema["type"] == "array" {
        // Values may also be repeated parameters.
        parameter["style"] = "form".into();
        parameter["explode"] = false.into();
    }
    parameter
}
