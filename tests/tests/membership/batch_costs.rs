//! The requests for a batch, by the meter of the cloud: the reads of one message, a put for each, a post for each connection.

use std::collections::BTreeMap;

use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::group::Group;
use crate::public_costs::usage_so_far;

/// Uses a cloud of its own, without other traffic.
#[tokio::test]
async fn batch_costs_one_put_a_message_and_one_post_a_connection() {
    let cloud = &Cloud::start(None);
    let [alice, bob, carol] =
        [TestUser::of(cloud, "alice").await, TestUser::of(cloud, "bob").await, TestUser::of(cloud, "carol").await];
    let group = Group::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut b, _c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    // The requests of a cold start are not counted.
    assert_eq!(group.send_text(&mut a, "first").await["type"], "sent");
    let (before, _) = usage_so_far(cloud).await;
    let message =
        |n: u32| json!({"client_message_id": Uuid::new_v4(), "text": format!("message {n}"), "reply_to_seq": 1});
    let messages: Vec<Value> = (0..25).map(message).collect();
    let frame = json!({"action": "send", "conversation_id": group.id, "after_seq": 2, "messages": messages});
    let sent = a.ask(frame).await;
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(25), "{sent}");
    let (after, _) = usage_so_far(cloud).await;
    let mut used: BTreeMap<String, u64> =
        after.into_iter().map(|(name, n)| (name.clone(), n - before.get(&name).unwrap_or(&0))).collect();
    used.retain(|_, n| *n > 0);
    // The connections were read less than two seconds ago, unless the machine is busy; slow puts make the function look again.
    let connections = used.remove("BatchGetItem");
    assert!(matches!(connections, None | Some(1 | 2)), "{connections:?}");
    let expected = [("GetItem", 1), ("PostToConnection", 2), ("PutItem", 25)];
    assert_eq!(
        used,
        expected.map(|(name, n)| (name.to_owned(), n)).into(),
        "the message that all answer; the process remembers the log and the roster"
    );
    assert_eq!(b.next("messages").await["messages"].as_array().map(Vec::len), Some(25));
}
