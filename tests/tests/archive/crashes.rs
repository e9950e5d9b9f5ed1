//! Workers that die between any two requests, and requests that fail: nothing is lost, and nothing is there twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use end_to_end::faults::{Kind, Moment, Rule};
use end_to_end::{Cloud, StoredArchive, StoredState, TestUser, aws};
use serde_json::{Value, json};

use crate::changing::queue_task;
use crate::pages::{check, history, sync};
use crate::room::{AGE, Room, until};
use Moment::{After, Before};

/// A segment takes some seconds, so that several workers die while it moves.
const SLOWLY: &str = "DeletionRate=200";

/// A worker that dies at one of its requests to DynamoDB; those to S3 lie between them.
fn dies(moment: Moment, operation: &str, skip: u64) -> Rule {
    Kind::Kill(moment).rule().operation(operation).function("LogArchive").skip(skip).next(1)
}

/// Between every two steps of a move, in their order.
fn crashes() -> Vec<Rule> {
    vec![
        dies(Before, "Query", 0),
        dies(After, "Query", 0),
        dies(After, "GetItem", 0),
        dies(After, "Query", 3),
        // The object is written and read back.
        dies(Before, "PutItem", 0),
        dies(After, "PutItem", 0),
        dies(Before, "DeleteItem", 0),
        dies(After, "DeleteItem", 100),
        dies(After, "DeleteItem", 900),
    ]
}

/// Waits until so many tasks are left whose worker has died, and no others: these are hidden for minutes.
async fn until_died(cloud: &Cloud, tasks: usize) {
    let hidden = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let waiting = QueueAttributeName::ApproximateNumberOfMessages;
    until("the death of workers", async || {
        let queue = aws::sqs(cloud).get_queue_attributes().queue_url(aws::queue_url(cloud, "ArchiveQueue"));
        let asked = queue.attribute_names(hidden.clone()).attribute_names(waiting.clone());
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        (attributes[&hidden] == tasks.to_string() && attributes[&waiting] == "0").then_some(())
    })
    .await;
}

/// In a cloud of its own, whose plan nobody else has. What is stored is compared.
#[tokio::test]
async fn killed_workers_lose_nothing_and_leave_nothing() {
    let cloud = &Cloud::start_with(None, &[AGE, SLOWLY]);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    // By hand alone: the stream would report the segment as well.
    room.write(1_999).await;
    room.fill(&[&alice], 2_010).await;
    let before = StoredState::after_relay(cloud, &room.id).await;
    let all = history(&room, &bob, true, 100).await;
    let plan = crashes();
    cloud.inject_faults(0, &plan).await;

    let is_done = AtomicBool::new(false);
    let reading = async {
        while !is_done.load(Ordering::Relaxed) {
            check(&history(&room, &alice, false, 100).await, &room.accepted, &alice);
        }
    };
    let moving = async {
        until("the archive", async || {
            queue_task(&room, false).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            room.is_archived().await.then_some(())
        })
        .await;
        is_done.store(true, Ordering::Relaxed);
    };
    tokio::join!(reading, moving);
    until_died(cloud, plan.len()).await;
    assert_eq!(StoredState::after_relay(cloud, &room.id).await, before);
    assert_eq!(history(&room, &bob, true, 100).await, all);
    StoredArchive::of(cloud, room.conversation_id()).await.check(cloud).await;

    // A change that dies when its row is back has changed nothing, and is done when it is asked for again.
    let died = Kind::Kill(After).rule().operation("TransactWriteItems").function("HttpMessages").next(1);
    cloud.inject_faults(0, &[died]).await;
    assert_eq!(alice.patch(&room.message(5), &json!({"text": "edited"})).await.0, 500);
    assert_eq!(history(&room, &bob, true, 100).await, all);
    assert_eq!(StoredArchive::of(cloud, room.conversation_id()).await.rows.len(), 1);

    // The same with changes that become part of the chunk.
    assert_eq!(alice.patch(&room.message(5), &json!({"text": "edited"})).await.0, 200);
    assert_eq!(alice.delete(&room.message(6)).await.0, 204);
    let thumb = format!("{}/reactions/%F0%9F%91%8D", room.message(7));
    assert_eq!(bob.put(&thumb, &Value::Null).await.0, 200);
    let before = StoredState::after_relay(cloud, &room.id).await;
    let all = sync(&room, &bob, 0).await;
    let plan = [
        dies(After, "Query", 0),
        dies(After, "GetItem", 0),
        dies(Before, "PutItem", 0),
        dies(After, "PutItem", 0),
        dies(Before, "DeleteItem", 0),
        dies(After, "DeleteItem", 2),
    ];
    cloud.inject_faults(0, &plan).await;
    until("the fold", async || {
        queue_task(&room, true).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let archive = StoredArchive::of(cloud, room.conversation_id()).await;
        (archive.segments[0].generation == 2 && archive.rows.is_empty()).then_some(())
    })
    .await;
    until_died(cloud, crashes().len() + plan.len()).await;
    cloud.clear_faults().await;
    queue_task(&room, true).await;
    until("the objects", async || {
        let archive = StoredArchive::of(cloud, room.conversation_id()).await;
        (archive.objects.len() == 1).then_some(())
    })
    .await;
    assert_eq!(StoredState::after_relay(cloud, &room.id).await, before);
    assert_eq!(sync(&room, &bob, 0).await, all);
    StoredArchive::of(cloud, room.conversation_id()).await.check(cloud).await;
}

/// Throttling and lost answers: the worker goes on more slowly, and finishes.
#[tokio::test]
async fn a_busy_table_slows_the_worker_down() {
    let cloud = &Cloud::start_with(None, &[AGE, SLOWLY]);
    let alice = TestUser::of(cloud, "alice").await;
    let mut room = Room::of(cloud, &alice, &[]).await;
    room.write(2_000).await;
    let throttled = Kind::Throttle.rule().operation("DeleteItem").function("LogArchive").next(40);
    let lost = Kind::ResponseLost.rule().operation("DeleteItem").function("LogArchive").chance(0.02);
    let restored = Kind::ResponseLost.rule().operation("PutItem").function("LogArchive").next(1);
    cloud.inject_faults(7, &[throttled, lost, restored]).await;
    room.archive().await;
    cloud.clear_faults().await;
    check(&history(&room, &alice, true, 100).await, &room.accepted, &alice);
    until_died(cloud, 0).await;
    let archive = StoredArchive::of(cloud, room.conversation_id()).await;
    archive.check(cloud).await;
    assert_eq!(archive.segments[0].generation, 1);
}
