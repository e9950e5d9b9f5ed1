//! A new index: it takes over without a gap, and none is lost or left over when a step fails.

use std::time::{Duration, Instant};

use end_to_end::aws::{self, queue_url, sqs};
use end_to_end::faults::{Kind, Moment, Rule};
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::test_user::client;
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use store::opensearch::INDEX;

use crate::filling::{FILL_TIMEOUT, ask, until_found};
use crate::room::{Room, found, word};

/// Requires that the function refuses an event, and returns its reason.
async fn refused(cloud: &Cloud, event: Value) -> String {
    let Invoked { function_error, result } = invoke(cloud, "SearchReindex", event.to_string()).await;
    assert!(function_error.is_some(), "{event}: {result}");
    result.to_string()
}

/// Asks until the new index has taken over.
async fn finish(cloud: &Cloud) -> Value {
    let deadline = Instant::now() + FILL_TIMEOUT;
    loop {
        let answer = ask(cloud, &json!({"finish": true})).await;
        if answer["unfinished"].is_null() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn of_reindex(kind: Kind, operation: &str) -> Rule {
    kind.rule().function("SearchReindex").operation(operation)
}

/// Makes an index by hand, which no alias has.
async fn make_index(cloud: &Cloud, name: &str) {
    let request = client().put(format!("{}/{name}", cloud.endpoints.aws.opensearch));
    let answer = local_testing::signed(request, "aoss").send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

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
    assert_eq!(finish(&cloud).await, json!({"removed": [INDEX]}));
    until_found(&alice, &before, &sent).await;
    assert_eq!(found(&alice, &meanwhile).await, [written]);
    assert_eq!(ask(&cloud, &json!({"finish": true})).await, json!({"removed": []}), "safe to repeat");
    cloud.stop();
}

#[tokio::test]
async fn a_step_that_fails_neither_loses_an_index_nor_leaves_one() {
    let cloud = Cloud::start(None);
    let alice = TestUser::of(&cloud, "alice").await;
    let room = Room::of(&alice, &[]).await;
    let tag = word();
    let seq = room.say(&alice, &tag).await;
    room.settle(&alice).await;

    // Each time it is killed at one step of the beginning.
    let begin = json!({"index": "messages-v2"});
    for (moment, operation) in [
        (Moment::After, "CreateIndex"),
        (Moment::Before, "UpdateAliases"),
        (Moment::After, "UpdateAliases"),
        (Moment::Before, "SendMessageBatch"),
    ] {
        cloud.inject_faults(1, &[of_reindex(Kind::Kill(moment), operation).next(1)]).await;
        refused(&cloud, begin.clone()).await;
        let answer = ask(&cloud, &json!({"finish": true})).await;
        assert_eq!(
            answer,
            json!({"unfinished": 1}),
            "{moment:?} {operation}: the queue is empty, and the index as well"
        );
        assert_eq!(found(&alice, &tag).await, [seq], "{moment:?} {operation}");
    }

    // The work is given up: its messages are gone from the queue.
    cloud.inject_faults(2, &[of_reindex(Kind::ResponseError, "Query")]).await;
    assert_eq!(ask(&cloud, &begin).await, json!({"queued": 1}));
    let deadline = Instant::now() + FILL_TIMEOUT;
    while !cloud.log().contains("a queue message will be retried") {
        assert!(Instant::now() < deadline, "no part has failed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sqs(&cloud).purge_queue().queue_url(queue_url(&cloud, "SearchReindexQueue")).send().await.unwrap();
    let answer = ask(&cloud, &json!({"finish": true})).await;
    assert_eq!(answer, json!({"unfinished": 1}), "no message is in the queue");
    cloud.clear_faults().await;
    assert_eq!(found(&alice, &tag).await, [seq]);

    // Begun again, it goes on with what is left.
    ask(&cloud, &begin).await;
    let deadline = Instant::now() + FILL_TIMEOUT;
    cloud.inject_faults(3, &[of_reindex(Kind::Kill(Moment::Before), "DeleteIndex").next(1)]).await;
    loop {
        let Invoked { function_error, result } =
            invoke(&cloud, "SearchReindex", json!({"finish": true}).to_string()).await;
        if function_error.is_some() {
            break;
        }
        assert!(result["unfinished"].is_u64() && Instant::now() < deadline, "{result}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let index = aws::message_index(&cloud);
    assert_eq!(index.aliases().await.unwrap().read, ["messages-v2"]);
    assert!(index.exists(INDEX).await.unwrap(), "without an alias");
    // It is full; what was written last is found after a refresh.
    until_found(&alice, &tag, &[seq]).await;
    assert_eq!(ask(&cloud, &json!({"finish": true})).await, json!({"removed": [INDEX]}));
    assert!(!index.exists(INDEX).await.unwrap());
    cloud.stop();
}

#[tokio::test]
async fn an_abandoned_index_is_deleted_with_the_one_of_before() {
    let cloud = Cloud::start(None);
    let alice = TestUser::of(&cloud, "alice").await;
    let room = Room::of(&alice, &[]).await;
    let (tag, meanwhile) = (word(), word());
    let seq = room.say(&alice, &tag).await;
    room.settle(&alice).await;
    cloud.inject_faults(1, &[of_reindex(Kind::ResponseError, "Query")]).await;
    ask(&cloud, &json!({"index": "messages-v2"})).await;
    // It is in the second index alone.
    let later = room.say(&alice, &meanwhile).await;
    room.settle(&alice).await;
    cloud.clear_faults().await;
    ask(&cloud, &json!({"index": "messages-v3"})).await;
    assert_eq!((found(&alice, &tag).await, found(&alice, &meanwhile).await), (vec![seq], vec![later]));
    assert_eq!(finish(&cloud).await, json!({"removed": [INDEX, "messages-v2"]}));
    until_found(&alice, &tag, &[seq]).await;
    until_found(&alice, &meanwhile, &[later]).await;
    cloud.stop();
}

#[tokio::test]
async fn an_index_that_something_uses_is_neither_begun_nor_deleted() {
    let cloud = Cloud::shared();
    let alice = TestUser::new("alice").await;
    let room = Room::of(&alice, &[]).await;
    room.settle(&alice).await;
    for (event, reason) in [
        (json!({"index": "messages-v1/_doc/x"}), "an index of messages is called"),
        (json!({"index": INDEX}), "the index messages-v1 exists"),
        (json!({"delete": INDEX}), "the index messages-v1 is in use"),
        (json!({"delete": "other"}), "an index of messages is called"),
    ] {
        let answer = refused(cloud, event.clone()).await;
        assert!(answer.contains(reason), "{event}: {answer}");
    }
    make_index(cloud, "messages-v9-left").await;
    let answer = refused(cloud, json!({"index": "messages-v9-left"})).await;
    assert!(answer.contains("messages-v9-left exists"), "{answer}");
    let delete = json!({"delete": "messages-v9-left"});
    assert_eq!(ask(cloud, &delete).await, json!({"removed": ["messages-v9-left"]}));
    assert_eq!(ask(cloud, &delete).await, json!({"removed": []}), "safe to repeat");
}
