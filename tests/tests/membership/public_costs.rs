//! The requests for a message in a public conversation, by the meter of the cloud: users who are not subscribed cost nothing.

use std::collections::BTreeMap;

use end_to_end::large_conversation::users_without_tokens;
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};

use crate::group::Group;

/// Requests by operation, and read units of DynamoDB.
pub(crate) type Usage = (BTreeMap<String, u64>, f64);

/// Returns the requests of `ws-send` so far.
pub(crate) async fn usage_so_far(cloud: &Cloud) -> Usage {
    let reading = cloud.meter().await;
    let (mut requests, mut units) = (BTreeMap::new(), 0.0);
    for operations in reading["functions"]["WsSend"]["requests"].as_object().unwrap().values() {
        for (operation, counts) in operations.as_object().unwrap() {
            requests.insert(operation.clone(), counts["requests"].as_u64().unwrap());
            units += counts["read_units"].as_f64().unwrap_or_default();
        }
    }
    (requests, units)
}

/// Returns the requests since those before, without operations that had none.
pub(crate) fn since(before: &BTreeMap<String, u64>, after: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let spent = after.into_iter().map(|(operation, n)| (n - before.get(&operation).unwrap_or(&0), operation));
    spent.filter(|(n, _)| *n > 0).map(|(n, operation)| (operation, n)).collect()
}

/// Returns the cost of one message: the least of a few, since a slow put on a busy machine makes the function read recipients
/// again.
async fn cost(cloud: &Cloud, group: &Group, socket: &mut Socket) -> Usage {
    let mut least: Option<Usage> = None;
    for _ in 0..4 {
        let (before, units_before) = usage_so_far(cloud).await;
        assert_eq!(group.send_text(socket, "hear").await["type"], "sent");
        let (after, units) = usage_so_far(cloud).await;
        let spent = since(&before, after);
        let total = |spent: &BTreeMap<String, u64>| spent.values().sum::<u64>();
        if least.as_ref().is_none_or(|(cheapest, _)| total(&spent) < total(cheapest)) {
            least = Some((spent, units - units_before));
        }
    }
    least.unwrap()
}

pub(crate) fn requests(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
    all.iter().map(|(operation, n)| ((*operation).to_owned(), *n)).collect()
}

/// Uses a cloud of its own, without other traffic.
#[tokio::test]
async fn only_subscribers_cost_requests() {
    let cloud = &Cloud::start(None);
    let alice = TestUser::of(cloud, "alice").await;
    let idle_users = users_without_tokens(cloud, 49).await;
    let conversation =
        Group::new(&alice, &json!({"type": "public", "title": "Square", "member_ids": idle_users})).await;
    let mut a = alice.connect().await;
    let open = json!({"action": "open", "conversation_id": conversation.id});
    // The requests of a cold start are not counted.
    assert_eq!(conversation.send_text(&mut a, "first").await["type"], "sent");

    // Of the members, the sender; the message, and the subscriptions. The process remembers the log.
    let without_subscribers = [("BatchGetItem", 1), ("PutItem", 1), ("Query", 1)];
    let (found, units) = cost(cloud, &conversation, &mut a).await;
    assert_eq!(found, requests(&without_subscribers), "no subscribers");
    assert!(units <= 3.0, "{units}");
    assert_eq!(a.ask(open.clone()).await["type"], "accepted");
    let sender_only = [("BatchGetItem", 2), ("PutItem", 1), ("Query", 1)];
    assert_eq!(
        cost(cloud, &conversation, &mut a).await.0,
        requests(&sender_only),
        "the sender alone, who is not notified"
    );

    let users = [TestUser::of(cloud, "bob").await, TestUser::of(cloud, "carol").await];
    let mut subscribers = Vec::new();
    for (count, user) in (1_u32..).zip(&users) {
        assert_eq!(user.put(&format!("{}/me", conversation.members), &json!({})).await.0, 200);
        let mut socket = user.connect().await;
        assert_eq!(socket.ask(open.clone()).await["type"], "accepted");
        subscribers.push(socket);
        let few = [("BatchGetItem", 2), ("PostToConnection", count.into()), ("PutItem", 1), ("Query", 1)];
        let (found, units) = cost(cloud, &conversation, &mut a).await;
        assert_eq!(found, requests(&few), "{count} subscribers and the sender");
        // Of members who look one unit each.
        assert!(units <= 3.0 + 1.0 + f64::from(count), "{units}");
    }
    assert_ne!(subscribers[0].pushed().await, [] as [Value; 0]);
}
