//! The frames that clients receive: one message for each variant of the types of replies and pushes.

use domain::protocol::{ErrorBody, Push, Reply};
use domain::{ApiError, ErrorCode};
use serde_json::{Map, Value, json};

use super::Action;
use crate::examples::{
    ALICE, AT, BOB, CLIENT_MESSAGE_ID, CONVERSATION_ID, MESSAGE_ID, REQUEST_ID, export, file, message, sent, synced,
};
use crate::schemas::Schemas;
use crate::shape::Shape;

/// Returns the replies by their `type`.
pub(super) fn replies(schemas: &mut Schemas) -> Map<String, Value> {
    let error =
        ErrorBody::new(&ApiError::new(ErrorCode::NotAMember, "You are not a member of this conversation."), REQUEST_ID);
    let mut batch = json!({"conversation_id": CONVERSATION_ID, "messages": [sent()], "error": error});
    let entry = &mut batch["messages"][0];
    entry["client_message_id"] = CLIENT_MESSAGE_ID.into();
    entry.as_object_mut().expect("an object").remove("conversation_id");
    let examples = [
        ("sent", sent()),
        ("sent", batch),
        ("accepted", json!({})),
        ("synced", synced()),
        ("pong", json!({"time": AT})),
        ("error", json!({"error": error})),
    ];
    let examples = examples.map(|(kind, fields)| (kind, with(fields, &json!({"type": kind, "reply_to": "r1"}))));
    schemas.answer::<Reply>();
    let reply = schemas.variants("Reply");
    messages(reply, &examples, |example| Shape::answer::<Reply>(example.clone()).example, "")
}

/// Returns the pushes by their names: `push` and their `type`.
pub(super) fn pushes(schemas: &mut Schemas) -> Map<String, Value> {
    let item = |seq: u64, kind: Value| {
        let item = json!({
            "conversation_id": CONVERSATION_ID, "seq": seq, "message_id": MESSAGE_ID, "sender_id": ALICE, "sent_at": AT
        });
        with(item, &kind)
    };
    let reaction = json!({"kind": "reaction", "target_seq": 2, "emoji": "👍", "on": true});
    let added = json!({"kind": "members_added", "members": [{"user_id": BOB, "role": "member"}]});
    let edited = json!({"kind": "message_edited", "target_seq": 2, "text": "Hello, bob", "reply_to_seq": 1});
    let receipt = json!({"kind": "read", "conversation_id": CONVERSATION_ID, "user_id": BOB, "seq": 2, "at": AT});
    let mut ready = export();
    ready["state"] = "ready".into();
    ready["size"] = 1_048_576.into();
    ready["expires_at"] = AT.into();
    let mut inspected = file();
    inspected["status"] = "ready".into();
    let examples = [
        ("message", json!({"message": message()})),
        ("messages", json!({"messages": [message(), item(3, added)]})),
        ("message_edited", json!({"message": item(5, edited)})),
        ("message_deleted", json!({"message": item(6, json!({"kind": "message_deleted", "target_seq": 2}))})),
        ("reaction", json!({"message": item(4, reaction)})),
        ("receipts", json!({"receipts": [receipt]})),
        ("unread", json!({"unread": [{"conversation_id": CONVERSATION_ID, "read_seq": 2, "unread": 0}]})),
        ("block", json!({"user_id": BOB, "blocked": true})),
        ("conversation_settings", json!({"conversation_id": CONVERSATION_ID, "settings": {"archived": true}})),
        ("file", json!({"file": inspected})),
        ("export", json!({"export": ready})),
        ("typing", json!({"conversation_id": CONVERSATION_ID, "user_id": BOB, "typing": true})),
        ("token_expired", json!({})),
    ];
    let examples = examples.map(|(kind, fields)| (kind, with(fields, &json!({"type": kind}))));
    schemas.answer::<Push>();
    let push = schemas.variants("Push");
    messages(push, &examples, |example| Shape::answer::<Push>(example.clone()).example, "push_")
}

/// Returns the error reply to an action: with its codes.
pub(super) fn error_of(action: &Action, replies: &Map<String, Value>) -> Value {
    let mut message = replies["error"].clone();
    let codes: Vec<String> = action.codes().iter().map(ToString::to_string).collect();
    let name = format!("{}Error", action.name);
    message["payload"] = json!({
        "allOf": [message["payload"].take()],
        "properties": {"error": {"properties": {"code": {"enum": codes}}}}
    });
    message["name"] = name.clone().into();
    message["title"] = format!("error of {}", action.name).into();
    // The code of the example is one of a few actions.
    let example = &mut message["examples"][0];
    example["name"] = name.into();
    let error = ErrorBody::new(&ApiError::new(action.codes()[1], "A sentence for developers."), REQUEST_ID);
    example["payload"]["error"] = json!(error);
    message
}

/// Returns the frame that API Gateway sends by itself.
pub(super) fn gateway_refusal() -> Value {
    let payload = json!({"message": "Internal server error", "connectionId": "d2VicQ==", "requestId": "c2VydmVy"});
    json!({
        "name": "gatewayRefusal", "title": "gateway refusal", "summary": "A frame of API Gateway, without a `type`.",
        "payload": {
            "type": "object", "required": ["message"],
            "properties": {
                "message": {"type": "string"}, "connectionId": {"type": "string"}, "requestId": {"type": "string"}
            }
        },
        "examples": [{"name": "gatewayRefusal", "payload": payload}]
    })
}

/// Returns a message for each variant, with its examples.
fn messages(
    variants: Vec<Value>,
    examples: &[(&str, Value)],
    check: impl Fn(&Value) -> Value,
    prefix: &str,
) -> Map<String, Value> {
    let message = |payload: Value| {
        let kind = payload["properties"]["type"]["const"].as_str().expect("a type").to_owned();
        let name = format!("{prefix}{kind}");
        let of_kind = examples.iter().filter(|(of, _)| *of == kind);
        let examples: Vec<Value> =
            of_kind.map(|(_, example)| json!({"name": name, "payload": check(example)})).collect();
        assert!(!examples.is_empty(), "`{kind}` has no example");
        (name.clone(), json!({"name": name, "title": kind, "payload": payload, "examples": examples}))
    };
    variants.into_iter().map(message).collect()
}

fn with(mut value: Value, more: &Value) -> Value {
    if let (Some(value), Some(more)) = (value.as_object_mut(), more.as_object()) {
        value.extend(more.clone());
    }
    value
}
