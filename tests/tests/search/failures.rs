//! Deployments without a search, an index that does not answer or is busy, and records that it refuses.

use std::time::{Duration, Instant};

use end_to_end::aws::{queue_url, sqs};
use end_to_end::cloud::root;
use end_to_end::faults::{Kind, Rule};
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};

use crate::room::{Room, found, word};

/// Time in which a request that gives up after two seconds is answered on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn without_an_index_the_answer_says_so() {
    let cloud = Cloud::start_with(None, &["Search=off"]);
    let alice = TestUser::of(&cloud, "alice").await;
    let (status, refused) = alice.get("/v1/search?q=hello").await;
    assert_eq!((status, refused["code"].as_str()), (501, Some("search_off")), "{refused}");
    assert_eq!(refused["retryable"], false);
    cloud.stop();
}

/// In a cloud of its own: faults affect all searches.
#[tokio::test]
async fn an_index_in_trouble_loses_nothing() {
    let cloud = Cloud::start(None);
    let alice = TestUser::of(&cloud, "alice").await;
    let room = Room::of(&alice, &[]).await;
    let (first, second) = (word(), word());
    let seq = room.say(&alice, &first).await;
    room.settle(&alice).await;

    let search = |kind: Kind| kind.rule().operation("Search").function("HttpSearch");
    for rule in [
        search(Kind::Delay(5_000, 5_000)),
        search(Kind::Throttle),
        search(Kind::ResponseError),
        search(Kind::RequestLost),
    ] {
        cloud.inject_faults(1, std::slice::from_ref(&rule)).await;
        let asked = Instant::now();
        let (status, refused) = alice.get(&format!("/v1/search?q={first}")).await;
        assert_eq!((status, refused["code"].as_str()), (503, Some("busy")), "{rule:?}: {refused}");
        assert!(refused["retry_after_ms"].as_u64().is_some_and(|after| after > 0) && asked.elapsed() < ANSWER_TIMEOUT);
    }
    cloud.clear_faults().await;
    assert_eq!(found(&alice, &first).await, [seq]);

    let change = |kind: Kind| -> Rule { kind.rule().operation("Bulk").function("SearchIndex").next(1) };
    let kinds = [Kind::Throttle, Kind::ResponseError, Kind::ResponseLost, Kind::RequestLost];
    cloud.inject_faults(2, &kinds.map(change)).await;
    let seq = room.say(&alice, &second).await;
    room.settle(&alice).await;
    assert_eq!(found(&alice, &second).await, [seq]);
    cloud.clear_faults().await;
    let left = waiting(&cloud).await;
    assert_eq!(left, [] as [Value; 0], "nothing is given up");

    // Poison: an item that no version has written.
    let mut event: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("tests/events/search-index.json")).unwrap()).unwrap();
    event["Records"][0]["dynamodb"]["NewImage"]["sender_id"] = json!({"S": "nobody"});
    let Invoked { function_error, result } = invoke(&cloud, "SearchIndex", event.to_string()).await;
    assert_eq!((function_error, result), (None, json!({"batchItemFailures": []})), "it holds up nothing");
    let refused = waiting(&cloud).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["sequence_number"], event["Records"][0]["dynamodb"]["SequenceNumber"]);
    assert!(!refused[0].to_string().contains("hello"), "the text is not in it: {}", refused[0]);
    cloud.stop();
}

/// Returns the messages of the dead-letter queue.
async fn waiting(cloud: &Cloud) -> Vec<Value> {
    let url = queue_url(cloud, "SearchDeadLetterQueue");
    let received = sqs(cloud).receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
    let bodies = received.messages.unwrap_or_default();
    bodies.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()).collect()
}
