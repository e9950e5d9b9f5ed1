//! From an export to an import into another id space: history is the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Api, ClientCredentials, Endpoints, FixedToken, Server};
use domain::FileId;
use domain::file::FileStatus;
use domain::import::{ImportState, ImportedUsers};
use end_to_end::test_user::client;
use end_to_end::{Cloud, StoredState, TestBackend, TestUser, aws};
use serde_json::{Value, json};
use store::dynamodb::FileItems;
use uuid::Uuid;

use crate::setup::{conversation, here, history, id, import, source};

/// Time that a worker may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

async fn send(user: &TestUser, conversation: &str, fields: &Value) -> u64 {
    let mut body = json!({"client_message_id": Uuid::new_v4(), "text": ""});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (status, sent) = user.post(&format!("/v1/conversations/{conversation}/messages"), &body).await;
    assert_eq!(status, 201, "{sent}");
    sent["seq"].as_u64().unwrap()
}

async fn api(user: &TestUser) -> Api {
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let endpoints = Endpoints::read(cloud.endpoints_file()).unwrap();
    Api::with_tokens(endpoints, Arc::new(FixedToken::new(user.token.clone()))).unwrap()
}

/// Uploads a file and waits until it is ready.
async fn upload(api: &Api, conversation: &str, bytes: &[u8]) -> FileId {
    let file =
        api.upload(conversation.parse().unwrap(), "plan.bin", "application/octet-stream", bytes, |_| {}).await.unwrap();
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while api.file(file.file_id).await.unwrap().status == FileStatus::Pending {
        assert!(Instant::now() < deadline, "the file is not inspected");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    file.file_id
}

/// Waits until the stream of messages has told that a message references a file.
async fn is_referenced(file: FileId) {
    let dynamodb = aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb);
    let items = FileItems::new(dynamodb, "local-FilesTable".to_owned());
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while items.find(file).await.unwrap().is_none_or(|item| item.referenced_by.is_empty()) {
        assert!(Instant::now() < deadline, "no message references the file");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns the file of an export.
async fn export(user: &TestUser, path: &str, body: &Value) -> Vec<u8> {
    let (status, export) = user.post(path, body).await;
    assert_eq!(status, 202, "{export}");
    let path = format!("/v1/exports/{}", export["export_id"].as_str().unwrap());
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let (_, found) = user.get(&path).await;
        if found["state"] == "ready" {
            let answer = client().get(found["url"].as_str().unwrap()).send().await.unwrap();
            return answer.bytes().await.unwrap().to_vec();
        }
        assert!(Instant::now() < deadline, "timed out: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A group with everything that a conversation can have: bob left and came back, and carol was removed.
async fn rich_group(alice: &TestUser, bob: &TestUser, carol: &TestUser, word: &str) -> (String, FileId) {
    let ids = [&bob.user_id, &carol.user_id];
    let body = json!({"type": "group", "title": "Team", "topic": "Everything", "member_ids": ids, "custom": {"colour": "blue"}});
    let group = alice.create_conversation(&body).await;
    let path = format!("/v1/conversations/{group}");
    let first = send(alice, &group, &json!({"text": format!("first {word}"), "custom": {"at": [0.5, 7]}})).await;
    send(bob, &group, &json!({"text": "an answer", "reply_to_seq": first, "mentions": [alice.user_id]})).await;
    for user in [alice, carol] {
        assert_eq!(user.put(&format!("{path}/messages/{first}/reactions/%F0%9F%91%8D"), &json!({})).await.0, 200);
    }
    assert_eq!(alice.put(&format!("{path}/pins/{first}"), &json!({})).await.0, 204);
    assert_eq!(alice.delete(&format!("{path}/members/{}", bob.user_id)).await.0, 204);
    send(alice, &group, &json!({"text": "without bob"})).await;
    assert_eq!(alice.delete(&format!("{path}/members/{}", carol.user_id)).await.0, 204);
    assert_eq!(alice.post(&format!("{path}/members"), &json!({"user_ids": [bob.user_id]})).await.0, 204);
    assert_eq!(alice.patch(&format!("{path}/members/{}", bob.user_id), &json!({"role": "admin"})).await.0, 200);
    let edited = send(bob, &group, &json!({"text": "wrong"})).await;
    assert_eq!(bob.patch(&format!("{path}/messages/{edited}"), &json!({"text": "right"})).await.0, 200);
    let deleted = send(alice, &group, &json!({"text": "taken back"})).await;
    assert_eq!(alice.delete(&format!("{path}/messages/{deleted}")).await.0, 204);
    let file = upload(&api(alice).await, &group, b"the plan").await;
    send(alice, &group, &json!({"attachment_ids": [file]})).await;
    is_referenced(file).await;
    send(bob, &group, &json!({"text": "the reply", "reply_to_seq": edited})).await;
    (group, file)
}

/// Messages without what an import cannot keep: ids, and seqs, which become places in the whole history.
fn comparable(messages: &[Value], whole: &[Value]) -> Vec<Value> {
    let places: BTreeMap<u64, usize> =
        whole.iter().enumerate().map(|(place, message)| (message["seq"].as_u64().unwrap(), place)).collect();
    let place = |seq: &Value| json!(seq.as_u64().map(|seq| places[&seq]));
    let mut messages = messages.to_vec();
    for message in &mut messages {
        let fields = message.as_object_mut().unwrap();
        for dropped in ["conversation_id", "message_id", "client_message_id", "deleted_seq"] {
            fields.remove(dropped);
        }
        for seq in ["seq", "reply_to_seq", "message_seq"] {
            fields.entry(seq).and_modify(|seq| *seq = place(seq));
        }
        for seq in fields.get_mut("pinned_seqs").and_then(Value::as_array_mut).into_iter().flatten() {
            *seq = place(seq);
        }
        for attachment in fields.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten() {
            attachment.as_object_mut().unwrap().remove("file_id");
        }
    }
    messages
}

#[tokio::test]
async fn what_was_exported_is_the_same_after_its_import() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (backend, word) = (TestBackend::new().await, format!("w{}", Uuid::new_v4().simple()));
    let (group, file) = rich_group(&alice, &bob, &carol, &word).await;
    let bytes = export(&alice, &format!("/v1/conversations/{group}/export"), &json!({"files": true})).await;
    let source = source();
    let done = import(&backend, &source, "kept", bytes.clone()).await;
    assert_eq!(done["state"], "done", "{done}");
    let here = here(&source, &group);
    let (before, after) = tokio::join!(history(&alice, &group), history(&alice, &here));
    assert_eq!(comparable(&after, &after), comparable(&before, &before));
    for user in [&bob, &carol] {
        let (seen_before, seen_after) = tokio::join!(history(user, &group), history(user, &here));
        assert!(seen_before.len() < before.len());
        assert_eq!(comparable(&seen_after, &after), comparable(&seen_before, &before), "by their periods");
    }
    let counts = json!({"conversations": 1, "existing_conversations": 0, "files": 1, "members": 3,
        "messages": before.len(), "missing_files": 0, "erased_messages": 0, "users": 3});
    assert_eq!(done["counts"], counts);
    StoredState::of(Cloud::shared(), &here).await.check();

    let (old, new) = tokio::join!(conversation(&bob, &group), conversation(&bob, &here));
    assert_eq!((&old["pinned_seqs"], &new["pinned_seqs"]), (&json!([2]), &json!([2])));
    for field in ["type", "title", "topic", "custom", "history", "role", "member_count", "closed", "last_message_at"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert_eq!((&new["unread"], &new["read_seq"]), (&json!(0), &new["head_seq"]));
    let attachment = &after.iter().find(|message| message["attachments"].is_array()).unwrap();
    let copied: FileId = attachment["attachments"][0]["file_id"].as_str().unwrap().parse().unwrap();
    assert_ne!(copied, file, "a file of its own");
    let seq = attachment["seq"].as_u64().unwrap();
    let bytes_of_file = api(&bob).await.download(here.parse().unwrap(), domain::Seq(seq), copied).await.unwrap();
    assert_eq!(bytes_of_file, b"the plan");

    // It is a conversation as any other.
    let head = new["head_seq"].as_u64().unwrap();
    assert_eq!(send(&alice, &here, &json!({"text": "on we go", "after_seq": head})).await, head + 1);
    assert_eq!(conversation(&bob, &here).await["unread"], 1);
    let reaction = format!("/v1/conversations/{here}/messages/2/reactions/%F0%9F%91%8D");
    assert_eq!(alice.delete(&reaction).await.0, 200, "an imported reaction can be withdrawn");
    assert_eq!(bob.delete(&format!("/v1/conversations/{here}/members/me")).await.0, 204);
    let again = import(&backend, &source, "kept", bytes).await;
    assert_eq!((&again["state"], &again["counts"]["existing_conversations"]), (&json!("done"), &json!(1)), "{again}");
    assert_eq!(again["counts"]["messages"], 0, "{again}");
    let last = history(&alice, &here).await;
    assert_eq!((last.len(), &last[1]["reactions"][0]["count"]), (after.len() + 2, &json!(1)), "nothing is overwritten");
    StoredState::after_relay(Cloud::shared(), &here).await.check();

    let deadline = Instant::now() + WAIT_TIMEOUT;
    let search = format!("/v1/search?q={word}&conversation_id={here}");
    while alice.get(&search).await.1["hits"].as_array().is_none_or(Vec::is_empty) {
        assert!(Instant::now() < deadline, "the search does not find it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn rust_client_imports_what_a_user_exports() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let file = cloud.endpoints_file();
    let credentials = Arc::new(ClientCredentials::local(&file).unwrap());
    let server = Server::new(Endpoints::read(&file).unwrap(), credentials).unwrap();
    let group = alice.create_conversation(&json!({"type": "group", "title": "Old", "member_ids": [bob.user_id]})).await;
    let attached = upload(&api(&bob).await, &group, b"of bob").await;
    send(&bob, &group, &json!({"text": "hello", "attachment_ids": [attached]})).await;
    // Of messages that bob sent, so it lacks the beginning of the log, and of members it has none.
    let bytes = export(&bob, "/v1/users/me/export", &json!({"messages": "sent", "files": true})).await;
    let source = source();
    let done = server.import(&source, ImportedUsers::Mapped, bytes).await.unwrap();
    assert_eq!((done.state, done.counts.messages, done.counts.files), (ImportState::Done, 1, 1), "{done:?}");
    assert_eq!(server.get_import(done.import_id).await.unwrap(), done);
    let refused = server.get_import(id().parse().unwrap()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("import_not_found")));
    server.cancel_import(done.import_id).await.unwrap();
    assert_eq!(server.get_import(done.import_id).await.unwrap().state, ImportState::Done, "it has ended");
    let here = here(&source, &group).parse().unwrap();
    let found = server.system().history(here, domain::Seq::ZERO).await.unwrap();
    let texts: Vec<Value> =
        found.messages.iter().map(|message| serde_json::to_value(message).unwrap()["text"].clone()).collect();
    assert_eq!(texts, [Value::Null, json!("hello")]);
    assert!(server.system().conversation(here).await.unwrap().closed, "nobody is in it");
}
