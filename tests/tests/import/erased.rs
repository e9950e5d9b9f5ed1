//! Authors who are erased here: their words are not brought back.

use std::time::Duration;

use domain::import::ImportState;
use end_to_end::{Cloud, StoredState, TestBackend, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::{here, history, id, import, lines, source, text, zip};
use crate::worker::Worker;

const LONG: Duration = Duration::from_mins(5);

/// A file in which both write, and the first one reacts to the second, with this word in all that the first one wrote.
fn file(group: &str, [erased, other]: [&str; 2], word: &str) -> Vec<u8> {
    let mut texts: Vec<Value> = vec![
        text(group, 1, erased, word),
        text(group, 2, other, "fine"),
        text(group, 3, erased, &format!("{word} again")),
    ];
    texts[1]["reactions"] = json!([{"emoji": "👍", "count": 2, "mine": false, "user_ids": [erased, other]}]);
    texts[2]["edited_at"] = texts[2]["sent_at"].clone();
    let file = Uuid::new_v4();
    texts[2]["attachments"] = json!([{"file_id": file, "name": "secret.txt", "content_type": "text/plain", "size": 6}]);
    texts.push(json!({"conversation_id": group, "seq": 4, "message_id": Uuid::new_v4(), "sender_id": erased,
        "sent_at": "2024-06-01T00:00:00Z", "kind": "title_changed", "title": word}));
    let member = |user: &str| json!({"conversation_id": group, "user_id": user, "role": "member"});
    zip(&[
        ("conversations.jsonl", lines(&[json!({"conversation_id": group, "type": "group", "title": "Ours"})])),
        ("members.jsonl", lines(&[member(erased), member(other)])),
        (&format!("messages/{group}.jsonl"), lines(&texts)),
        (&format!("files/{file}/secret.txt"), word.as_bytes().to_vec()),
    ])
}

async fn erase(user: &TestUser) {
    assert_eq!(user.delete("/v1/users/me?messages=erase").await.0, 204);
}

/// Checks that nothing of the word is stored, and that the other user's message is.
async fn check(other: &TestUser, conversation: &str, word: &str) {
    let messages = history(other, conversation).await;
    let kinds: Vec<&str> = messages.iter().filter_map(|message| message["kind"].as_str()).collect();
    assert_eq!(kinds, ["created", "deleted", "text", "deleted"], "{messages:?}");
    assert_eq!(messages[2]["reactions"], json!([{"emoji": "👍", "count": 1, "mine": true}]));
    let state = StoredState::of(Cloud::shared(), conversation).await;
    assert!(!format!("{state:?}").contains(word), "{state:?}");
    assert!(!state.active.keys().any(|user| user.to_string() != other.user_id), "{:?}", state.active);
}

#[tokio::test]
async fn erased_author_comes_without_words() {
    let (backend, alice, bob) = tokio::join!(TestBackend::new(), TestUser::new("alice"), TestUser::new("bob"));
    let (group, source, word) = (id(), source(), format!("w{}", Uuid::new_v4().simple()));
    erase(&alice).await;
    let done = import(&backend, &source, "kept", file(&group, [&alice.user_id, &bob.user_id], &word)).await;
    assert_eq!(done["state"], "done", "{done}");
    let counts = &done["counts"];
    assert_eq!((&counts["messages"], &counts["erased_messages"], &counts["files"]), (&json!(4), &json!(2), &json!(0)));
    check(&bob, &here(&source, &group), &word).await;
}

#[tokio::test]
async fn author_who_is_erased_meanwhile_comes_without_words() {
    let worker = Worker::new(Cloud::shared()).await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (group, source, word) = (id(), source(), format!("w{}", Uuid::new_v4().simple()));
    let here = here(&source, &group);
    let import = worker.start(&source, file(&group, [&alice.user_id, &bob.user_id], &word)).await;
    worker.until_written(import, &here).await;
    erase(&alice).await;
    worker.work(import, LONG).await;
    let found = worker.state(import).await;
    assert_eq!((found.state, found.counts.messages, found.counts.files), (ImportState::Done, 4, 0), "{found:?}");
    check(&bob, &here, &word).await;
}
