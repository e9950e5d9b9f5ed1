//! Answers of operations, and the errors among them.

use std::collections::BTreeMap;

use domain::protocol::http::Problem;
use domain::{ApiError, ErrorCode};
use serde_json::{Map, Value, json};

use super::{Callers, Operation};
use crate::examples::REQUEST_ID;
use crate::schemas::{Schemas, named as named_schema};

/// The media type of errors.
const PROBLEM: &str = "application/problem+json";

/// Answers that every operation has, by the names of components.
const OF_ALL: [(u16, &str, &[ErrorCode], Option<&str>); 3] = [
    (401, "Unauthorized", &[ErrorCode::Unauthorized], Some("Unauthorized")),
    (500, "Failed", &[ErrorCode::Internal], Some("Internal Server Error")),
    (503, "Busy", &[ErrorCode::Busy], Some("Service Unavailable")),
];

/// Returns the answers that all operations have.
pub(super) fn named(schemas: &mut Schemas) -> Map<String, Value> {
    let write = |(status, name, codes, gateway): (u16, &str, &[ErrorCode], Option<&str>)| {
        (name.to_owned(), error(status, codes, gateway, schemas))
    };
    OF_ALL.into_iter().map(write).collect()
}

/// Returns the schemas that no type has: API Gateway's own answers.
pub(super) fn schemas() -> Map<String, Value> {
    let gateway = json!({
        "type": "object",
        "description": "An answer that API Gateway gives by itself, without a code.",
        "properties": {"message": {"type": ["string", "null"]}},
        "required": ["message"]
    });
    Map::from_iter([("GatewayMessage".to_owned(), gateway)])
}

/// Returns the answers of an operation by status.
pub(super) fn of(operation: &Operation, by_backend: bool, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for (status, text, shape) in &operation.answers {
        let mut response = json!({"description": text});
        if let Some(shape) = shape {
            let mut content = json!({"schema": shape.schema(schemas)});
            // That of the same operation for users stands for both.
            if !by_backend || operation.callers == Callers::Backends {
                content["example"] = shape.example.clone();
            }
            response["content"] = json!({"application/json": content});
        }
        responses.insert(status.to_string(), response);
    }
    if operation.redirects {
        let location = json!({"description": "A presigned URL, valid for five minutes.", "schema": {"type": "string"}});
        responses.insert("302".to_owned(), json!({"description": "The content.", "headers": {"Location": location}}));
    }
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in operation.all_errors(by_backend) {
        by_status.entry(code.status()).or_default().push(code);
    }
    by_status.entry(429).or_default();
    for (status, codes) in by_status {
        let shared = OF_ALL.into_iter().find(|(of_all, ..)| *of_all == status);
        let gateway = match status {
            413 => Some("Request Entity Too Large"),
            429 => Some("Too Many Requests"),
            _ => None,
        };
        let response = if let Some((_, name, ..)) = shared {
            json!({"$ref": format!("#/components/responses/{name}")})
        } else {
            error(status, &codes, gateway, schemas)
        };
        responses.insert(status.to_string(), response);
    }
    responses.into()
}

/// Describes the errors of a status; `gateway` is the message if API Gateway may answer with it by itself.
fn error(status: u16, codes: &[ErrorCode], gateway: Option<&str>, schemas: &mut Schemas) -> Value {
    let mut content = Map::new();
    if let Some(message) = gateway {
        let body = json!({"schema": named_schema("GatewayMessage"), "example": {"message": message}});
        content.insert("application/json".to_owned(), body);
    }
    let mut names: Vec<String> = codes.iter().map(ToString::to_string).collect();
    names.sort();
    if let Some(code) = codes.first() {
        let problem = schemas.answer::<Problem>();
        let detail = "A sentence for developers.";
        let example = Problem::new(&ApiError::new(*code, detail), REQUEST_ID);
        let of_status = json!({"properties": {"status": {"const": status}, "code": {"enum": names}}});
        let mut body = json!({"schema": {"allOf": [problem, of_status]}});
        if codes.len() == 1 {
            body["example"] = json!(example);
        }
        content.insert(PROBLEM.to_owned(), body);
    }
    let description = match &names[..] {
        [] => "Too many requests.".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let mut response = json!({"description": description, "content": content});
    if codes.iter().any(|code| code.retryable() && *code != ErrorCode::Internal) {
        let after = json!({"description": "Whole seconds to wait.", "schema": {"type": "integer", "minimum": 0}});
        response["headers"] = json!({"Retry-After": after});
    }
    response
}
