//! With a shared cache, functions that have just started pay for a message what busy ones pay, and typing is notified once a second.

use std::time::{Duration, Instant};

use end_to_end::redis::RedisServer;
use end_to_end::{Cloud, TestUser};
use futures_util::future::join_all;
use serde_json::json;

use crate::group::Group;
use crate::public_costs::{requests, since, usage_so_far};

/// Longest wait for a message that is as cheap as it should be: on a busy machine the cache is too slow, and entries end.
const TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn function_that_has_just_started_takes_over_what_another_one_has_read() {
    let server = RedisServer::start();
    let cloud = &Cloud::start_with(None, &[&format!("CacheEndpoint={}", server.url())]);
    let names: Vec<String> = (1..10).map(|n| format!("member-{n}")).collect();
    let alice = TestUser::of(cloud, "alice").await;
    let others = join_all(names.iter().map(|name| TestUser::of(cloud, name))).await;
    let group = Group::of(&alice, &others.iter().collect::<Vec<_>>()).await;
    let (mut a, mut b) = (alice.connect().await, others[0].connect().await);

    let put_alone = requests(&[("PutItem", 1)]);
    let begun = Instant::now();
    let mut seen = Vec::new();
    loop {
        // Its entries are those of a function that knows the members and their connections.
        assert_eq!(group.send_text(&mut a, "first").await["type"], "sent");
        assert_eq!(cloud.kill("WsSend").await, 1);
        let (before, _) = usage_so_far(cloud).await;
        assert_eq!(group.send_text(&mut a, "second").await["type"], "sent");
        let (after, _) = usage_so_far(cloud).await;
        let mut spent = since(&before, after);
        spent.remove("PostToConnection");
        // Opening the connection to DynamoDB takes a read.
        spent.entry("BatchGetItem".to_owned()).and_modify(|n| *n -= 1);
        spent.retain(|_, n| *n > 0);
        if spent == put_alone {
            break;
        }
        seen.push(spent);
        assert!(begun.elapsed() < TIMEOUT, "{seen:?}");
        // Members are shared two seconds after a change.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    while b.next("message").await["message"]["text"] != "second" {}

    let typing = json!({"action": "typing", "conversation_id": group.id, "typing": true});
    let begun = Instant::now();
    loop {
        for _ in 0..2 {
            assert_eq!(a.ask(typing.clone()).await["type"], "accepted");
        }
        let end = json!({"action": "typing", "conversation_id": group.id, "typing": false});
        assert_eq!(a.ask(end).await["type"], "accepted");
        assert_eq!(b.next("typing").await["typing"], true);
        if b.next("typing").await["typing"] == false {
            break;
        }
        assert_eq!(b.next("typing").await["typing"], false, "the machine was slow: both frames were notified");
        assert!(begun.elapsed() < TIMEOUT, "each of two frames is notified");
    }
}
