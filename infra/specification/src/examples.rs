//! Values that several examples have.

use serde_json::{Value, json};

pub(crate) const CONVERSATION_ID: &str = "019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d";
pub(crate) const ALICE: &str = "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e";
pub(crate) const BOB: &str = "0b6e2c1d-4f3a-5d2b-8c9e-7a6b5c4d3e2f";
pub(crate) const MESSAGE_ID: &str = "019ac1d3-0a2b-7c4d-8e5f-6a7b8c9d0e1f";
pub(crate) const CLIENT_MESSAGE_ID: &str = "0d9c8b7a-6f5e-4d3c-8b2a-190817263544";
pub(crate) const FILE_ID: &str = "019ac1e0-1a2b-7c3d-8e4f-506172839405";
pub(crate) const EXPORT_ID: &str = "019ac1f0-2b3c-7d4e-8f50-617283940516";
pub(crate) const IMPORT_ID: &str = "019ac1f1-2b3c-7d4e-8f50-617283940516";
pub(crate) const REQUEST_ID: &str = "8f14e45f-ceea-467f-a0e6-1b2c3d4e5f60";
pub(crate) const AT: &str = "2026-11-22T10:00:00.123Z";
pub(crate) const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

pub(crate) fn user() -> Value {
    json!({"user_id": ALICE, "display_name": "Alice", "custom": {"title": "Captain"}, "created_at": AT, "updated_at": AT})
}

pub(crate) fn message() -> Value {
    json!({
        "conversation_id": CONVERSATION_ID, "seq": 2, "message_id": MESSAGE_ID, "sender_id": ALICE, "sent_at": AT,
        "client_message_id": CLIENT_MESSAGE_ID, "kind": "text", "text": "Hello, Bob", "reply_to_seq": 1, "custom": {"priority": 1},
        "reactions": [{"emoji": "👍", "count": 1, "mine": false}]
    })
}

pub(crate) fn conversation() -> Value {
    json!({
        "conversation_id": CONVERSATION_ID, "type": "group", "title": "Ships", "topic": "Arrivals", "history": "full", "custom": {"colour": "blue"},
        "closed": false, "role": "owner", "member_count": 2, "head_seq": 2, "last_message_at": AT, "last_message": message(),
        "read_seq": 2, "unread": 0
    })
}

pub(crate) fn member() -> Value {
    json!({"user_id": ALICE, "role": "owner", "joined_seq": 1, "joined_at": AT})
}

pub(crate) fn file() -> Value {
    json!({
        "file_id": FILE_ID, "conversation_id": CONVERSATION_ID, "name": "ship.txt", "content_type": "text/plain", "size": 5,
        "sha256": SHA256, "status": "pending", "created_at": AT
    })
}

pub(crate) fn signed_request() -> Value {
    json!({
        "method": "PUT", "url": "https://bucket.s3.eu-central-1.amazonaws.com/files/019ac1e0?X-Amz-Signature=…",
        "headers": {"content-length": "5", "content-type": "text/plain"}, "expires_at": AT
    })
}

pub(crate) fn export() -> Value {
    json!({
        "export_id": EXPORT_ID, "of": "user", "user_id": ALICE, "messages": "visible", "files": false, "state": "running",
        "created_at": AT
    })
}

pub(crate) fn import() -> Value {
    json!({
        "import_id": IMPORT_ID, "source": "slack-acme", "users": "mapped", "size": 1_048_576, "state": "running", "created_at": AT,
        "counts": {
            "users": 12, "conversations": 3, "existing_conversations": 0, "members": 20, "messages": 1_000, "files": 7,
            "missing_files": 0, "erased_messages": 0
        }
    })
}

pub(crate) fn sent() -> Value {
    json!({"conversation_id": CONVERSATION_ID, "seq": 2, "message_id": MESSAGE_ID, "sent_at": AT, "duplicate": false})
}

pub(crate) fn synced() -> Value {
    json!({
        "conversations": [
            {"conversation_id": CONVERSATION_ID, "messages": [], "hidden": [[42, 50]], "head_seq": 50, "more": false}
        ],
        "cursor": null
    })
}
