//! Workers that die between any two requests: what they had begun is finished, and nothing else changes.

use std::time::{Duration, Instant};

use end_to_end::faults::Moment::{After, Before};
use end_to_end::faults::{Kind, Moment, Rule};
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::{Value, json};

use crate::room::{AT_ONCE, Room, erase, state, word};
use crate::stores::until_nowhere;

/// Time that the workers may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(3);

/// A worker that dies at one of its requests.
fn dies(moment: Moment, operation: &str, skip: u64) -> Rule {
    Kind::Kill(moment).rule().operation(operation).function("UserErasure").skip(skip).next(1)
}

#[tokio::test]
async fn killed_workers_leave_nothing_undone() {
    let cloud = &Cloud::start_with(None, &AT_ONCE);
    let (alice, bob, backend) =
        tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"), TestBackend::of(cloud));
    let secret = word();
    let room = Room::group(&bob, &[]).await;
    let earlier = room.say(&bob, "from before").await;
    let members = format!("{}/members", room.path);
    assert_eq!(bob.post(&members, &json!({"user_ids": [alice.user_id]})).await.0, 204);
    room.react(&alice, earlier).await;
    for n in 0..3 {
        room.say(&alice, &format!("{secret} {n}")).await;
    }
    let plan = [
        dies(Before, "GetItem", 0),
        dies(Before, "TransactWriteItems", 0),
        dies(After, "TransactWriteItems", 0),
        dies(After, "Query", 1),
        dies(Before, "PutItem", 0),
        dies(After, "PutItem", 0),
        dies(After, "PutItem", 2),
        dies(Before, "BatchWriteItem", 0),
        dies(After, "BatchWriteItem", 1),
        dies(After, "ExecuteStatement", 5),
        dies(Before, "ExecuteStatement", 15),
    ];
    cloud.inject_faults(0, &plan).await;
    erase(&alice).await;
    // The queue message of a worker that died is hidden for minutes: a repeated request queues another one.
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while state(&backend, &alice).await["state"] != "finished" {
        assert!(Instant::now() < deadline, "{}", state(&backend, &alice).await);
        erase(&alice).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    cloud.clear_faults().await;
    until_nowhere(cloud, &[&secret]).await;
    let items = room.sync(&bob, 0).await;
    let items = items["messages"].as_array().unwrap();
    let seqs: Vec<u64> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let of = |kind: &str| items.iter().filter(|item| item["kind"] == kind).count();
    // One stands in the place of the reaction, and one says it.
    assert_eq!((of("deleted"), of("user_erased")), (3, 2), "{items:?}");
    assert_eq!(room.at_seq(&bob, earlier).await["reactions"], Value::Null);
}
