//! Filling the index from the log: one conversation, and all of them.

use std::time::{Duration, Instant};

use end_to_end::lambda::{Invoked, invoke};
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use store::opensearch::INDEX;

use crate::room::{Room, finds_nothing, found, word};

/// Time that the queue may take on a busy machine.
pub(crate) const FILL_TIMEOUT: Duration = Duration::from_mins(2);

/// Returns the answer of the function to an operator.
pub(crate) async fn ask(cloud: &Cloud, request: &Value) -> Value {
    let Invoked { function_error, result } = invoke(cloud, "SearchReindex", request.to_string()).await;
    assert_eq!(function_error, None, "{result}");
    result
}

/// Waits until a search finds this many messages.
pub(crate) async fn until_found(user: &TestUser, q: &str, seqs: &[u64]) {
    let deadline = Instant::now() + FILL_TIMEOUT;
    while found(user, q).await != seqs {
        assert!(Instant::now() < deadline, "the index is not filled");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// In a cloud of its own, whose index is lost.
#[tokio::test]
async fn one_conversation_is_filled_from_its_log() {
    let cloud = Cloud::start(None);
    let alice = TestUser::of(&cloud, "alice").await;
    let (room, other) = (Room::of(&alice, &[]).await, Room::of(&alice, &[]).await);
    let (kept, gone, elsewhere) = (word(), word(), word());
    let seq = room.say(&alice, &kept).await;
    let deleted = room.say(&alice, &gone).await;
    room.delete(&alice, deleted).await;
    let other_seq = other.say(&alice, &elsewhere).await;
    tokio::join!(room.settle(&alice), other.settle(&alice));
    assert!(aws::message_index(&cloud).delete(INDEX).await.unwrap());
    finds_nothing(&alice, &kept).await;
    let answer = ask(&cloud, &json!({"conversation_id": room.id})).await;
    assert_eq!(answer, json!({"queued": 1}));
    until_found(&alice, &kept, &[seq]).await;
    finds_nothing(&alice, &gone).await;
    finds_nothing(&alice, &elsewhere).await;
    assert_eq!(ask(&cloud, &json!({})).await, json!({"queued": 1}));
    until_found(&alice, &elsewhere, &[other_seq]).await;
    cloud.stop();
}
