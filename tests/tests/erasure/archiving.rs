//! A worker of the archive that has read a segment before its user is erased, and writes the chunk afterwards.

use std::time::Duration;

use domain::{Content, Seq, Timestamp};
use end_to_end::faults::Kind;
use end_to_end::lambda::invoke;
use end_to_end::long_log::append;
use end_to_end::{Cloud, TestBackend, TestUser, aws};
use serde_json::json;

use crate::room::{Room, erase, until, until_state, word};
use crate::stores::until_nowhere;

/// Age from which items move.
const AGE: Duration = Duration::from_secs(3);

/// In a cloud of its own, whose plan nobody else has. Its grace is longer than the worker of the archive is slow.
#[tokio::test]
async fn segments_that_move_meanwhile_are_erased_as_well() {
    let cloud = &Cloud::start_with(None, &["ErasureGrace=10", "ArchiveAfter=0.00002"]);
    let (alice, bob, backend) =
        tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"), TestBackend::of(cloud));
    let room = Room::group(&bob, &[&alice]).await;
    let secret = word();
    for n in 0..3 {
        room.say(&alice, &format!("{secret} {n}")).await;
    }
    // The rest has its sender.
    room.say(&bob, "a text of bob").await;
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let head = aws::log(&dynamodb).messages.head(room.conversation_id(), true).await.unwrap().unwrap();
    let texts = (head.seq.0 + 1..=2_005).map(|seq| Content::new(format!("text {seq}"), None, Vec::new()).unwrap());
    let newest = append(&dynamodb, head, texts).await.unwrap().pop().unwrap();
    let due = newest.sent_at.plus(AGE);
    until("the age of the messages", async || (Timestamp::now() > due).then_some(())).await;
    // Between the read of the rows and the index item of their chunk, for seconds: each less than an attempt may take.
    let slow = |operation: &str| {
        let rule = Kind::Delay(2_500, 2_500).rule().operation(operation).function("LogArchive");
        rule.resource(aws::MESSAGES)
    };
    cloud.inject_faults(0, &[slow("GetItem").next(2), slow("PutItem").next(2)]).await;
    invoke(cloud, "LogArchive", json!({"conversation_id": room.id}).to_string()).await;
    erase(&alice).await;
    until_state(&backend, &alice, "finished").await;
    until_nowhere(cloud, &[&secret]).await;
    cloud.clear_faults().await;
    until("the chunk", async || aws::chunks(cloud).get(room.conversation_id(), Seq(1)).await.unwrap()).await;
    until_nowhere(cloud, &[&secret]).await;
    assert_eq!(room.at_seq(&bob, 2).await["kind"], "deleted");
    assert_eq!(room.at_seq(&bob, 7).await["text"], "text 7");
}
