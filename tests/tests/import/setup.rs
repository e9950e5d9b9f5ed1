//! Set-up of the tests: files in the format, and their import.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use domain::import::IdSpace;
use domain::{ConversationId, ConversationType};
use end_to_end::test_user::client;
use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) use end_to_end::test_user::{history, refusal};

/// Time that an import may take, cold starts on a busy machine included.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Writes a file out of entries.
pub(crate) fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Writes JSON lines.
pub(crate) fn lines(lines: &[Value]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

/// A name of a source that no other test has.
pub(crate) fn source() -> String {
    format!("test-{}", Uuid::new_v4())
}

/// Returns the id that a conversation of a source has here.
pub(crate) fn here(source: &str, conversation: &str) -> String {
    let conversation: ConversationId = conversation.parse().unwrap();
    IdSpace::of(source).conversation(conversation, ConversationType::Group).to_string()
}

/// A text of a file.
pub(crate) fn text(conversation: &str, seq: u64, sender: &str, text: &str) -> Value {
    json!({
        "conversation_id": conversation, "seq": seq, "message_id": Uuid::new_v5(&Uuid::NAMESPACE_OID, &seq.to_be_bytes()),
        "sender_id": sender, "sent_at": format!("2024-05-01T10:{:02}:{:02}.{:03}Z", seq / 60_000 % 60, seq / 1_000 % 60, seq % 1_000),
        "kind": "text", "text": text
    })
}

/// A file with a group of these users, and so many texts of the first.
pub(crate) fn group_file(conversation: &str, users: &[&str], texts: u64) -> Vec<u8> {
    let of = |users: &[&str]| -> Vec<Value> {
        let member = |user: &&str| json!({"conversation_id": conversation, "user_id": user, "display_name": "Somebody", "role": "member"});
        users.iter().map(member).collect()
    };
    let messages: Vec<Value> =
        (1..=texts).map(|seq| text(conversation, seq, users[0], &format!("message {seq}"))).collect();
    zip(&[
        (
            "conversations.jsonl",
            lines(&[json!({"conversation_id": conversation, "type": "group", "title": "Imported"})]),
        ),
        ("members.jsonl", lines(&of(users))),
        (&format!("messages/{conversation}.jsonl"), lines(&messages)),
    ])
}

/// Requests an import and uploads its file; returns its id.
pub(crate) async fn upload(backend: &TestBackend, source: &str, users: &str, bytes: Vec<u8>) -> String {
    let body = json!({"source": source, "size": bytes.len(), "users": users});
    let (status, import) = backend.post("/v1/server/imports", &body).await;
    assert_eq!(status, 201, "{import}");
    assert_eq!(import["state"], "waiting");
    let put = client().put(import["upload"]["url"].as_str().unwrap()).header("content-type", "application/zip");
    let response = put.body(bytes).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    import["import_id"].as_str().unwrap().to_owned()
}

/// Imports a file; returns the import once it has ended.
pub(crate) async fn import(backend: &TestBackend, source: &str, users: &str, bytes: Vec<u8>) -> Value {
    let id = upload(backend, source, users, bytes).await;
    let (status, started) = backend.post(&format!("/v1/server/imports/{id}/start"), &json!({})).await;
    assert_eq!(status, 202, "{started}");
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let (status, found) = backend.get(&format!("/v1/server/imports/{id}")).await;
        assert_eq!(status, 200, "{found}");
        if found["state"] != "running" {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn conversation(user: &TestUser, conversation: &str) -> Value {
    let (status, found) = user.get(&format!("/v1/conversations/{conversation}")).await;
    assert_eq!(status, 200, "{found}");
    found
}

pub(crate) fn id() -> String {
    Uuid::new_v4().to_string()
}
