//! Crashes of the function that changes a conversation.

use std::time::{Duration, Instant};

use end_to_end::faults::{Kind, Moment, Rule};
use end_to_end::{Cloud, StoredState, TestUser, aws};
use serde_json::{Value, json};
use store::sqs::{Queue, RelayBody};

use crate::group::Group;
use AfterCrash::{Committed, Unchanged};
use Moment::{After, Before};

/// The state that a crash leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum AfterCrash {
    /// The change was not committed.
    Unchanged,
    /// The change is committed, and has to be finished.
    Committed,
}

/// Between every two steps of a change.
fn crashes(function: &str) -> Vec<(&'static str, Rule, AfterCrash)> {
    let kill = |moment, operation: &str, skip| {
        Kind::Kill(moment).rule().operation(operation).function(function).skip(skip).next(1)
    };
    vec![
        ("begun", kill(After, "BeginTransaction", 0), Unchanged),
        ("locked", kill(After, "ExecuteStatement", 0), Unchanged),
        ("read", kill(After, "ExecuteStatement", 1), Unchanged),
        ("written", kill(After, "ExecuteStatement", 2), Unchanged),
        ("queued", kill(After, "SendMessage", 0), Unchanged),
        ("before the commit", kill(Before, "CommitTransaction", 0), Unchanged),
        ("committed", kill(After, "CommitTransaction", 0), Committed),
        ("before the log", kill(Before, "TransactWriteItems", 0), Committed),
        ("in the log", kill(After, "TransactWriteItems", 0), Committed),
        ("before the outbox is cleared", kill(Before, "ExecuteStatement", 3), Committed),
        ("outbox cleared", kill(After, "ExecuteStatement", 3), Committed),
    ]
}

/// Has its own cloud: processes that die take the requests of other tests with them.
#[tokio::test]
async fn change_is_completed_or_discarded_after_a_crash() {
    let cloud = &Cloud::start(None);
    let users = ["alice", "bob", "carol"].map(|name| TestUser::of(cloud, name));
    let [alice, bob, carol] = <[TestUser; 3]>::try_from(futures_util::future::join_all(users).await).unwrap();
    let relay = Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud));
    for (step, (when, rule, expected)) in crashes("HttpMembers").into_iter().enumerate() {
        let group = Group::of(&alice, &[&bob]).await;
        let before = StoredState::after_relay(cloud, &group.id).await;
        cloud.inject_faults(0, &[rule]).await;
        // Join, leave and removal in turn.
        let (status, _) = match step % 3 {
            0 => group.add(&alice, &[&carol]).await,
            1 => group.remove(&alice, &bob).await,
            _ => group.remove(&alice, &alice).await,
        };
        cloud.clear_faults().await;
        assert_eq!(status, 500, "{when}: the function was not killed");
        if expected == AfterCrash::Unchanged {
            assert_eq!(StoredState::of(cloud, &group.id).await, before, "{when}");
            continue;
        }
        // Twice: queues deliver at least once.
        for _ in 0..2 {
            let body = RelayBody::Conversation { conversation_id: group.id.parse().unwrap() };
            relay.send_relay(body, Duration::ZERO).await.unwrap();
        }
        let after = StoredState::after_relay(cloud, &group.id).await;
        let kind = ["members_added", "member_removed", "member_left"][step % 3];
        assert_eq!(after.kinds(), ["created", kind], "{when}");
    }
    next_request_finishes(cloud, &alice, &bob).await;
    refused_creation_finishes(cloud, &alice, &bob).await;
    repeat_finishes_what_was_committed(cloud, &alice, &bob, &carol).await;
    locks_of_a_dead_function_are_released(cloud, &alice, &bob, &carol).await;
    queue_is_notified_before_the_commit(cloud, &alice, &bob).await;
    killed_relays_are_retried(cloud, &alice, &bob, &relay).await;
    block_is_whole_or_not_there(cloud, &alice, &carol, &relay).await;
}

/// Without the queue: the next request finds the waiting change and applies it first.
async fn next_request_finishes(cloud: &Cloud, alice: &TestUser, bob: &TestUser) {
    let group = Group::of(alice, &[bob]).await;
    let kill = Kind::Kill(Moment::After).rule().operation("CommitTransaction").function("HttpMembers");
    cloud.inject_faults(0, &[kill.next(1)]).await;
    assert_eq!(group.set_role(alice, bob, "admin").await.0, 500);
    cloud.clear_faults().await;
    assert_eq!(StoredState::of(cloud, &group.id).await.outbox, [2]);
    let (status, member) = alice.patch(&group.member(bob), &json!({"role": "admin"})).await;
    assert_eq!((status, &member["role"]), (200, &json!("admin")), "the repeated request succeeds");
    let state = StoredState::of(cloud, &group.id).await;
    state.check();
    assert_eq!(state.kinds(), ["created", "role_changed"]);

    // Also if the next request is refused.
    let kill = Kind::Kill(Moment::After).rule().operation("CommitTransaction").function("HttpMembers");
    cloud.inject_faults(0, &[kill.next(1)]).await;
    assert_eq!(group.set_role(alice, bob, "member").await.0, 500);
    cloud.clear_faults().await;
    assert_eq!(StoredState::of(cloud, &group.id).await.outbox, [3]);
    assert_eq!(bob.patch(&group.path, &json!({"title": "Mine"})).await.0, 403);
    let state = StoredState::of(cloud, &group.id).await;
    state.check();
    assert!(state.outbox.is_empty());
    assert_eq!(state.kinds().len(), 3);
}

/// A key that was used before: the conversation that it created is finished although the request is refused.
async fn refused_creation_finishes(cloud: &Cloud, alice: &TestUser, bob: &TestUser) {
    let kill = Kind::Kill(Moment::After).rule().operation("CommitTransaction").function("HttpConversations");
    cloud.inject_faults(0, &[kill.next(1)]).await;
    let team = |title| json!({"type": "group", "title": title, "member_ids": [bob.user_id]});
    assert_eq!(alice.post_with_key("/v1/conversations", "crash", &team("One")).await.0, 500);
    cloud.clear_faults().await;
    let (status, problem) = alice.post_with_key("/v1/conversations", "crash", &team("Two")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency_mismatch")), "{problem}");
    let (_, list) = bob.get("/v1/conversations").await;
    let conversations = list["conversations"].as_array().unwrap();
    assert!(conversations.iter().any(|conversation| conversation["title"] == "One"), "{list}");
}

/// A change that was committed and is answered `busy`: the same request again finishes it.
async fn repeat_finishes_what_was_committed(cloud: &Cloud, alice: &TestUser, bob: &TestUser, carol: &TestUser) {
    let group = Group::of(alice, &[bob]).await;
    let slow = Kind::Delay(20_000, 20_000).rule().operation("TransactWriteItems").function("HttpMembers");
    cloud.inject_faults(0, &[slow]).await;
    let (status, problem) = group.add(alice, &[carol]).await;
    cloud.clear_faults().await;
    assert_eq!((status, &problem), (503, &json!("busy")));
    let (status, problem) = group.add(alice, &[carol]).await;
    assert!(status == 204 || problem == "already_a_member", "{status} {problem}");
    assert_eq!(carol.get(&group.path).await.0, 200);
    assert!(StoredState::of(cloud, &group.id).await.outbox.is_empty());
}

/// A function dies inside a transaction, whose lock keeps others waiting for seconds, and `busy` comes within ten.
async fn locks_of_a_dead_function_are_released(cloud: &Cloud, alice: &TestUser, bob: &TestUser, carol: &TestUser) {
    let group = Group::of(alice, &[bob]).await;
    let kill = Kind::Kill(After).rule().operation("ExecuteStatement").function("HttpMembers");
    cloud.inject_faults(0, &[kill.next(1)]).await;
    assert_eq!(group.add(alice, &[carol]).await.0, 500);
    cloud.clear_faults().await;
    let added = [carol];
    for attempt in 1.. {
        let adding = tokio::time::timeout(Duration::from_secs(10), group.add(alice, &added));
        let (status, problem) = adding.await.expect("an answer within ten seconds");
        if status == 204 {
            break;
        }
        assert_eq!((status, &problem), (503, &json!("busy")));
        assert!(attempt < 5, "the lock is still held");
    }
}

/// The commit's answer is lost: the client gets an error and repeats the request.
async fn queue_is_notified_before_the_commit(cloud: &Cloud, alice: &TestUser, bob: &TestUser) {
    let group = Group::of(alice, &[bob]).await;
    let lost = Kind::ResponseLost.rule().operation("CommitTransaction").function("HttpConversations");
    let refused = Kind::RequestLost.rule().operation("SendMessage").function("HttpConversations");
    cloud.inject_faults(0, &[lost.next(1)]).await;
    let title = json!({"title": "Lost and found"});
    let (status, answer) = alice.patch(&group.path, &title).await;
    cloud.clear_faults().await;
    assert!([200, 500, 503].contains(&status), "{status} {answer}");
    let (status, answer) = alice.patch(&group.path, &title).await;
    assert_eq!((status, &answer["title"]), (200, &title["title"]));
    let before = StoredState::after_relay(cloud, &group.id).await;
    assert_eq!(before.kinds(), ["created", "title_changed"]);

    // No word to the queue, no change: and the transaction is over, so that the next one need not wait for its lock.
    cloud.inject_faults(0, &[refused]).await;
    let (status, answer) = alice.patch(&group.path, &json!({"title": "Refused"})).await;
    cloud.clear_faults().await;
    assert_eq!((status, &answer["code"]), (503, &json!("busy")), "{answer}");
    assert_eq!(StoredState::of(cloud, &group.id).await, before);
    let (status, answer) = alice.patch(&group.path, &json!({"title": "Accepted"})).await;
    assert_eq!((status, &answer["title"]), (200, &json!("Accepted")));
    StoredState::after_relay(cloud, &group.id).await;
}

/// The worker of the queue dies as well, at every step.
async fn killed_relays_are_retried(cloud: &Cloud, alice: &TestUser, bob: &TestUser, relay: &Queue) {
    let group = Group::of(alice, &[bob]).await;
    let kill = |function: &str, moment, operation: &str| {
        Kind::Kill(moment).rule().operation(operation).function(function).next(1)
    };
    let plan = [
        kill("HttpMembers", Moment::After, "CommitTransaction"),
        kill("Relay", Moment::Before, "TransactWriteItems"),
        kill("Relay", Moment::After, "TransactWriteItems"),
        kill("Relay", Moment::Before, "ExecuteStatement").skip(1),
    ];
    cloud.inject_faults(0, &plan).await;
    assert_eq!(group.remove(alice, bob).await, (500, Value::Null));
    // A message whose worker dies is hidden for minutes: what another brings is not.
    for _ in 0..5 {
        relay
            .send_relay(RelayBody::Conversation { conversation_id: group.id.parse().unwrap() }, Duration::ZERO)
            .await
            .unwrap();
    }
    let state = StoredState::after_relay(cloud, &group.id).await;
    cloud.clear_faults().await;
    assert_eq!(state.kinds(), ["created", "member_removed"]);
}

/// Between users who have no private conversation: what the list shows is what holds, wherever the request ended.
async fn block_is_whole_or_not_there(cloud: &Cloud, alice: &TestUser, carol: &TestUser, relay: &Queue) {
    let path = format!("/v1/blocks/{}", carol.user_id);
    let mut pair = [alice, carol].map(|user| user.user_id.parse().unwrap());
    pair.sort_unstable();
    for (moment, operation) in [
        (After, "SendMessage"),
        (After, "TransactWriteItems"),
        (Before, "CommitTransaction"),
        (After, "CommitTransaction"),
    ] {
        for on in [true, false] {
            let kill = Kind::Kill(moment).rule().operation(operation).function("HttpConversations").next(1);
            cloud.inject_faults(0, &[kill]).await;
            let (status, _) = if on { alice.put(&path, &json!({})).await } else { alice.delete(&path).await };
            cloud.clear_faults().await;
            assert_eq!(status, 500, "{moment:?} {operation}: the function was not killed");
            relay.send_relay(RelayBody::Blocks { pair }, Duration::ZERO).await.unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            while !list_is_true(alice, carol).await {
                assert!(Instant::now() < deadline, "{moment:?} {operation}: the list shows another state than holds");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        // The next one begins without a block.
        assert_eq!(alice.delete(&path).await.0, 204);
    }
}

/// Returns true if Alice's list has Carol exactly if Carol cannot add her.
async fn list_is_true(alice: &TestUser, carol: &TestUser) -> bool {
    let listed = alice.get("/v1/blocks").await.1["user_ids"] == json!([carol.user_id]);
    let team = json!({"type": "group", "title": "Team", "member_ids": [alice.user_id]});
    listed == (carol.post("/v1/conversations", &team).await.0 == 403)
}
