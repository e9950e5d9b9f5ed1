//! Filling the index from the log: one conversation, all of them, and a new index without a gap.

use std::time::{Duration, Instant};

use end_to_end::lambda::{Invoked, invoke};
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use store::opensearch::{Change, DocumentId, INDEX};

use crate::room::{Room, finds_nothing, found, index, word};

/// Time that the queue may take on a busy machine.
const FILL_TIMEOUT: Duration = Duration::from_mins(2);

async fn ask(cloud: &Cloud, request: &Value) -> Value {
    let Invoked { function_error, result } = invoke(cloud, "SearchReindex", request.to_string()).await;
    assert_eq!(function_error, None, "{result}");
    result
}

/// Waits until a search finds this many messages.
async fn until_found(user: &TestUser, q: &str, seqs: &[u64]) {
    let deadline = Instant::now() + FILL_TIMEOUT;
    while found(user, q).await != seqs {
        assert!(Instant::now() < deadline, "the index is not filled");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn one_conversation_is_filled_from_its_log() {
    let alice = TestUser::new("alice").await;
    let room = Room::of(&alice, &[]).await;
    let (kept, gone) = (word(), word());
    let seq = room.say(&alice, &kept).await;
    let deleted = room.say(&alice, &gone).await;
    room.delete(&alice, deleted).await;
    room.settle(&alice).await;
    // As if it had never been indexed.
    let id = DocumentId { conversation_id: room.id.parse().unwrap(), seq: domain::Seq(seq) };
    index().write(&[Change::Delete { id, version: domain::Seq(seq) }]).await.unwrap();
    room.settle(&alice).await;
    finds_nothing(&alice, &kept).await;
    let answer = ask(Cloud::shared(), &json!({"conversation_id": room.id})).await;
    assert_eq!(answer, json!({"queued": 1}));
    until_found(&alice, &kept, &[seq]).await;
    finds_nothing(&alice, &gone).await;
}

/// In a cloud of its own, since it replaces the index.
#[tokio::test]
async fn a_new_index_takes_over_without_a_gap() {
    let cloud = Cloud::start(None);
    let alice = TestUser::of(&cloud, "alice").await;
    let rooms = [Room::of(&alice, &[]).await, Room::of(&alice, &[]).await];
    let (before, meanwhile) = (word(), word());
    let mut sent = Vec::new();
    for room in &rooms {
        sent.push(room.say(&alice, &before).await);
        room.settle(&alice).await;
    }
    sent.reverse();
    assert_eq!(found(&alice, &before).await, sent);
    let answer = ask(&cloud, &json!({"index": "messages-v2"})).await;
    assert_eq!(answer, json!({"queued": 1}));
    // Searches go on in both, and what is written now is found.
    assert_eq!(found(&alice, &before).await, sent);
    let written = rooms[0].say(&alice, &meanwhile).await;
    rooms[0].settle(&alice).await;
    assert_eq!(found(&alice, &meanwhile).await, [written]);
    assert_eq!(found(&alice, &before).await, sent, "each message once");
    let deadline = Instant::now() + FILL_TIMEOUT;
    let removed = loop {
        let answer = ask(&cloud, &json!({"finish": true})).await;
        if answer["unfinished"].is_null() {
            break answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(removed, json!({"removed": [INDEX]}));
    until_found(&alice, &before, &sent).await;
    assert_eq!(found(&alice, &meanwhile).await, [written]);
    assert_eq!(ask(&cloud, &json!({"finish": true})).await, json!({"removed": []}), "safe to repeat");
    cloud.stop();
}

#[tokio::test]
async fn a_name_that_reaches_something_else_is_refused() {
    let event = json!({"index": "messages-v1/_doc/x"});
    let Invoked { function_error, .. } = invoke(Cloud::shared(), "SearchReindex", event.to_string()).await;
    assert!(function_error.is_some());
}
