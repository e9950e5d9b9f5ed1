//! The HTTP API as OpenAPI 3.1.

mod backends;
mod blocks;
mod conversations;
mod exports;
mod files;
mod members;
mod messages;
mod operation;
mod parameters;
mod responses;
mod users;

use serde_json::{Map, Value, json};

use crate::VERSION;
use crate::schemas::Schemas;

pub(crate) use messages::OF_SENDS;
pub use operation::{Callers, Operation};

/// The description of the document.
const ABOUT: &str = "The HTTP API of Palaver, written out of the types that the functions use. docs/protocol.md explains it; \
    docs/asyncapi.yaml has the WebSocket API.\n\nWithin a version, answers may get fields and names of an `enum` may be added: \
    clients ignore what they do not know. Requests with unknown fields are refused, except where the operation says otherwise. \
    An optional field of a request may be `null`, which is the same as its absence, except where its description says otherwise.\n\n\
    Lengths of texts are in characters here. Limits in bytes are in the descriptions.";

/// Returns the operations, those of backends by the paths of users where there are such.
pub fn operations() -> Vec<Operation> {
    let all = [
        ("users", users::operations()),
        ("conversations", conversations::operations()),
        ("blocks", blocks::operations()),
        ("members", members::operations()),
        ("messages", messages::operations()),
        ("files", files::operations()),
        ("exports", exports::operations()),
        ("backends", backends::operations()),
    ];
    all.into_iter().flat_map(|(tag, operations)| operations.into_iter().map(move |it| it.tag(tag))).collect()
}

/// Returns the routes of an operation: true for that of backends.
pub fn routes(operation: &Operation) -> Vec<(String, bool)> {
    let of_users = (operation.path.to_owned(), false);
    let of_backends = (operation.path.replacen("/v1/", "/v1/server/", 1), true);
    match operation.callers {
        Callers::Users => vec![of_users],
        Callers::UsersAndBackends | Callers::UsersAndSystem => vec![of_users, of_backends],
        Callers::Backends => vec![of_backends],
    }
}

/// Returns the whole document, as OpenAPI 3.1 has it.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        for (path, by_backend) in routes(&operation) {
            let written = write(&operation, by_backend, &mut schemas);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            item[operation.method.to_lowercase()] = written;
        }
    }
    let responses = responses::named(&mut schemas);
    let mut named = schemas.named();
    named.extend(responses::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Palaver", "version": VERSION, "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
        },
        "servers": [
            {"url": "http://127.0.0.1:3000", "description": "A local cloud"},
            {
                "url": "https://{domain}", "description": "A deployment",
                "variables": {"domain": {"default": "chat.example.com", "description": "The output `HttpUrl` of the stack"}}
            }
        ],
        "tags": tags(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "user": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A token of a user: OIDC, signed with RS256, RS384 or RS512."
                },
                "backend": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A server token: an access token by client credentials with the scope of backends (`ServerScope`)."
                }
            },
            "responses": responses,
            "schemas": named
        }
    })
}

fn tags() -> Value {
    json!([
        {"name": "users", "description": "Profiles and accounts"},
        {"name": "conversations", "description": "Conversations, and the search for public ones"},
        {"name": "blocks", "description": "Blocks between users"},
        {"name": "members", "description": "Members, roles, mutes, presence"},
        {"name": "messages", "description": "History, sending, edits, reactions, receipts, search, sync"},
        {"name": "files", "description": "Uploads and downloads"},
        {"name": "exports", "description": "What users and owners take with them"},
        {"name": "backends", "description": "Routes that only backends have"}
    ])
}

fn write(operation: &Operation, by_backend: bool, schemas: &mut Schemas) -> Value {
    let mut id = operation.id.to_owned();
    let mut description = operation.description.to_owned();
    if by_backend && operation.callers != Callers::Backends {
        id = format!("{id}ForBackend");
        description = format!("What `{}` does, for a backend. {description}", operation.id);
    }
    let mut written = json!({
        "operationId": id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [{if by_backend { "backend" } else { "user" }: []}],
        "responses": responses::of(operation, by_backend, schemas)
    });
    if !description.is_empty() {
        written["description"] = description.trim().into();
    }
    let parameters = parameters::of(operation, by_backend, schemas);
    if !parameters.is_empty() {
        written["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        let content = json!({"schema": body.schema(schemas), "example": body.example});
        written["requestBody"] = json!({"required": true, "content": {"application/json": content}});
    }
    if !operation.bytes.is_empty() {
        let of = |media: &&str| ((*media).to_owned(), json!({}));
        let content: Map<String, Value> = operation.bytes.iter().map(of).collect();
        written["requestBody"] = json!({"required": true, "content": content});
    }
    written
}
