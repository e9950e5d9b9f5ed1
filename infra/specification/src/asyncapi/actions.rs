//! The actions: frames that clients send.

use domain::ErrorCode;
use domain::protocol::{
    MAX_FRAME_ID_BYTES, ReceiptsRequest, SendRequest, SubscribeRequest, SyncRequest, TypingRequest,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::examples::{CLIENT_MESSAGE_ID, CONVERSATION_ID};
use crate::openapi::OF_SENDS;
use crate::schemas::Schemas;
use crate::shape::Shape;

/// A frame without fields of its own.
#[derive(Deserialize, JsonSchema)]
struct PingRequest {}

/// An action: a frame of a client, and the replies to it.
#[derive(Clone, Debug)]
pub struct Action {
    pub name: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// Type of the reply to a success.
    pub answer: &'static str,
    /// The fields beside `action` and `id`.
    shape: Shape,
    /// Errors beside those of all frames.
    errors: Vec<ErrorCode>,
}

impl Action {
    /// Returns every error with which a frame may be answered.
    pub fn codes(&self) -> Vec<ErrorCode> {
        let of_all = [
            ErrorCode::BadJson,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidUuid,
            ErrorCode::BodyTooLarge,
            ErrorCode::Unauthorized,
            ErrorCode::TokenExpired,
            ErrorCode::UserDeleted,
            ErrorCode::Internal,
            ErrorCode::Busy,
        ];
        let own = self.errors.iter().copied().filter(|code| !of_all.contains(code));
        of_all.into_iter().chain(own).collect()
    }

    /// Returns the message with an example.
    pub(super) fn message(&self, schemas: &mut Schemas) -> Value {
        let fields = self.shape.schema(schemas);
        let frame = json!({
            "action": {"type": "string", "const": self.name},
            "id": {
                "type": ["string", "null"], "maxLength": MAX_FRAME_ID_BYTES,
                "description": format!("At most {MAX_FRAME_ID_BYTES} bytes. The answer repeats it as `reply_to`.")
            }
        });
        let mut example = json!({"action": self.name, "id": "r1"});
        if let (Some(example), Some(fields)) = (example.as_object_mut(), self.shape.example.as_object()) {
            example.extend(fields.clone());
        }
        json!({
            "name": self.name, "title": self.name, "summary": self.summary,
            "payload": {"type": "object", "allOf": [fields], "properties": frame, "required": ["action"]},
            "examples": [{"name": self.name, "payload": example}]
        })
    }
}

/// Returns all actions, in the order of the document.
pub fn actions() -> Vec<Action> {
    let receipts =
        || Shape::request::<ReceiptsRequest>(json!({"receipts": [{"conversation_id": CONVERSATION_ID, "seq": 2}]}));
    let subscription = || Shape::request::<SubscribeRequest>(json!({"conversation_id": CONVERSATION_ID}));
    let send = json!({
        "conversation_id": CONVERSATION_ID, "client_message_id": CLIENT_MESSAGE_ID, "after_seq": 1, "text": "Hello, Bob"
    });
    let action =
        |name, answer, summary, shape| Action { name, summary, description: "", answer, shape, errors: Vec::new() };
    vec![
        Action {
            description: "With `messages` it is a batch, and the other fields but `conversation_id` and `after_seq` are left out. \
                A resend with the same `client_message_id` and `after_seq` is not appended again.",
            errors: OF_SENDS.to_vec(),
            ..action("send", "sent", "Send a message, or a batch", Shape::request::<SendRequest>(send))
        },
        Action {
            errors: vec![ErrorCode::TooManyReceipts],
            ..action("ack", "accepted", "A device has everything up to a seq", receipts())
        },
        Action {
            errors: vec![ErrorCode::TooManyReceipts],
            ..action("read", "accepted", "The user has seen everything up to a seq", receipts())
        },
        Action {
            description: "With `cursors`, the items after each; without, a page of the caller's conversations.",
            errors: vec![ErrorCode::TooManyConversations],
            ..action(
                "sync",
                "synced",
                "Catch up",
                Shape::request::<SyncRequest>(json!({"cursors": {CONVERSATION_ID: 41}})),
            )
        },
        Action {
            errors: vec![ErrorCode::NotAMember, ErrorCode::ConversationClosed, ErrorCode::Blocked, ErrorCode::Muted],
            ..action(
                "typing",
                "accepted",
                "The user is typing, or has stopped",
                Shape::request::<TypingRequest>(json!({"conversation_id": CONVERSATION_ID, "typing": true})),
            )
        },
        Action {
            errors: vec![ErrorCode::NotAMember],
            ..action("open", "accepted", "Subscribe this connection to a public conversation", subscription())
        },
        action("close", "accepted", "End the subscription of this connection", subscription()),
        Action {
            errors: vec![ErrorCode::UnknownAction],
            description: "Any other `action` is answered with `unknown_action`.",
            ..action("ping", "pong", "Ask for a sign of life", Shape::request::<PingRequest>(json!({})))
        },
    ]
}
