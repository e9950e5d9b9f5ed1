//! A function that is frozen inside a transaction, as Lambda freezes one whose invocation is over.

use std::time::Duration;

use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestUser};
use serde_json::json;

use crate::frozen_database::{processes, signal};
use crate::is_busy;

/// Has its own cloud, whose function it stops.
#[tokio::test]
async fn locks_of_a_frozen_function_delay_others_by_seconds() {
    let cloud = Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let team = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (_, group) = alice.post("/v1/conversations", &team).await;
    let path = format!("/v1/conversations/{}", group["conversation_id"].as_str().unwrap());
    // The first statement of the transaction has the lock, and the second one does not come.
    let slow = Kind::Delay(60_000, 60_000).rule().operation("ExecuteStatement").function("HttpConversations");
    cloud.inject_faults(0, &[slow.skip(1).next(1)]).await;
    let (title, stopping) = (json!({"title": "Frozen"}), json!({"title": "Stopped"}));
    let stopped = alice.patch(&path, &stopping);
    tokio::pin!(stopped);
    while cloud.meter().await["faults"]["delay"].as_u64().is_none_or(|faults| faults == 0) {
        // The request goes on meanwhile.
        let answer = tokio::time::timeout(Duration::from_millis(50), &mut stopped).await;
        assert!(answer.is_err(), "it is answered before its second statement: {answer:?}");
    }
    let frozen = processes(&cloud, "http-conversati");
    assert!(!frozen.is_empty());
    signal("-STOP", &frozen);
    for attempt in 1.. {
        let answer = tokio::time::timeout(Duration::from_secs(10), bob.get("/v1/users/me")).await;
        assert_eq!(answer.expect("an answer within ten seconds").0, 200);
        let (status, answer) = alice.patch(&path, &title).await;
        if status == 200 {
            break;
        }
        assert!(is_busy(&answer) && attempt < 5, "{status} {answer}");
    }
    signal("-KILL", &frozen);
}
