//! The WebSocket API as AsyncAPI 3.0, from the server's side: it receives frames, replies and pushes.

mod actions;
mod frames;

use serde_json::{Map, Value, json};

use crate::VERSION;
use crate::schemas::Schemas;

pub use actions::{Action, actions};

/// The description of the document.
const ABOUT: &str = "The WebSocket API of Palaver, from the server's side: it *receives* the frames of clients and *sends* replies and \
    pushes. It is written out of the types that the functions use. docs/protocol.md explains it; docs/openapi.yaml has the HTTP API.\n\n\
    A frame is a text frame with a JSON object. A success is answered only if the frame has an `id`; errors and pongs always are. \
    Frames with unknown fields are accepted. Within a version, frames may get fields, and pushes of other types may come: clients ignore \
    what they do not know. An empty frame means nothing.";

/// The description of the channel.
const CHANNEL: &str = "One connection. The handshake carries a token in the header `Authorization: Bearer <token>`, in \
    `Sec-WebSocket-Protocol: bearer, <token>`, or in the query as `token`; the first that is present counts. Without a valid one it gets \
    403, as does a deleted user. One that 20 newer connections of the user overtake gets 429.";

/// Codes with which a connection ends, and their meaning.
pub const CLOSE_CODES: [(u16, &str); 9] = [
    (
        1000,
        "The server closed the connection: the token expired, the account was deleted, or the user has too many connections.",
    ),
    (1001, "Ten minutes without a frame, two hours of connection, or API Gateway restarts."),
    (1002, "A protocol error."),
    (1003, "A binary frame."),
    (1005, "No code was given. Never in a frame."),
    (1006, "The network ended the connection. Never in a frame."),
    (1007, "A text frame that is not UTF-8."),
    (1008, "Too many requests."),
    (1009, "A frame above 32 KB, or a message above 128 KB."),
];

const CHANNEL_REF: &str = "#/channels/connection";

/// Returns the whole document, as AsyncAPI 3.0 has it.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let (mut messages, mut operations) = (Map::new(), Map::new());
    let replies = frames::replies(&mut schemas);
    let pushes = frames::pushes(&mut schemas);
    for action in actions() {
        let error = format!("{}Error", action.name);
        messages.insert(error.clone(), frames::error_of(&action, &replies));
        messages.insert(action.name.to_owned(), action.message(&mut schemas));
        operations.insert(action.name.to_owned(), operation(&action, &error));
    }
    operations.insert(
        "push".to_owned(),
        json!({
            "action": "send", "channel": {"$ref": CHANNEL_REF}, "summary": "Tell a client what happened",
            "description": "A push may be late, repeated or lost: the log is the source of truth.",
            "messages": pushes.keys().map(|name| of_channel(name)).collect::<Vec<_>>()
        }),
    );
    operations.insert("refuse".to_owned(), json!({
        "action": "send", "channel": {"$ref": CHANNEL_REF}, "summary": "API Gateway answers by itself",
        "description": "A function failed or a rate was exceeded. The frame has no `type`: treat it as a lost answer.",
        "messages": [of_channel("gatewayRefusal")]
    }));
    messages.insert("gatewayRefusal".to_owned(), frames::gateway_refusal());
    messages.extend(replies.into_iter().filter(|(name, _)| name != "error"));
    messages.extend(pushes);
    let on_channel: Map<String, Value> =
        messages.keys().map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")}))).collect();
    let mut named = schemas.named();
    // Each of their variants is a message.
    named.retain(|name, _| name != "Push" && name != "Reply");
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Palaver", "version": VERSION, "description": ABOUT, "license": {"name": "MIT OR Apache-2.0"}
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {"host": "127.0.0.1:3001", "protocol": "ws", "description": "A local cloud"},
            "deployment": {
                "host": "{domain}", "protocol": "wss", "description": "A deployment",
                "variables": {"domain": {"default": "ws.chat.example.com", "description": "The output `WebSocketUrl` of the stack"}},
                "security": [{"$ref": "#/components/securitySchemes/user"}]
            }
        },
        "channels": {"connection": {
            "address": "/", "description": CHANNEL, "messages": on_channel,
            "bindings": {"ws": {
                "method": "GET", "bindingVersion": "0.1.0",
                "query": {"type": "object", "properties": {"token": {"type": "string"}}},
                "headers": {"type": "object", "properties": {
                    "Authorization": {"type": "string"}, "Sec-WebSocket-Protocol": {"type": "string"}
                }}
            }},
            "x-close-codes": close_codes()
        }},
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": named,
            "securitySchemes": {"user": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A token of a user: OIDC, signed with RS256, RS384 or RS512."
            }}
        }
    })
}

fn close_codes() -> Vec<Value> {
    CLOSE_CODES.into_iter().map(|(code, meaning)| json!({"code": code, "meaning": meaning})).collect()
}

fn of_channel(message: &str) -> Value {
    json!({"$ref": format!("{CHANNEL_REF}/messages/{message}")})
}

fn operation(action: &Action, error: &str) -> Value {
    let codes: Vec<String> = action.codes().iter().map(ToString::to_string).collect();
    json!({
        "action": "receive", "channel": {"$ref": CHANNEL_REF}, "summary": action.summary, "description": action.description,
        "messages": [of_channel(action.name)],
        "reply": {"channel": {"$ref": CHANNEL_REF}, "messages": [of_channel(action.answer), of_channel(error)]},
        "x-error-codes": codes
    })
}
