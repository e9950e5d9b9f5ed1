//! A deletion that its request could not finish.

use std::time::Duration;

use domain::{ConversationId, ConversationType, UserId};
use end_to_end::socket::handshake;
use end_to_end::test_user::client;
use end_to_end::{Cloud, Socket, TestUser, aws};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sqlx_data_api::query_as;
use store::sql::Users;
use store::sqs::{Queue, RelayBody};
use uuid::Uuid;

use crate::setup::{eventually, group, messages, refusal, send_frame};

/// More than are looked up at once, twice over.
const CONVERSATIONS: usize = 60;

/// Injects one fault rule.
async fn inject_fault(cloud: &Cloud, rule: Value) {
    let plan = client().post(format!("{}/faults", cloud.endpoints.control)).json(&json!({"rules": [rule]}));
    assert_eq!(plan.send().await.unwrap().status().as_u16(), 204);
}

/// Queues a user for the relay worker, several times, since queues deliver at least once.
async fn queue_user_for_relay(cloud: &Cloud, user: UserId) {
    let relay = Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud));
    for _ in 0..3 {
        relay.send_relay(RelayBody::all_of(user), Duration::ZERO).await.unwrap();
    }
}

/// In how many conversations the user is.
async fn memberships(cloud: &Cloud, user: UserId) -> i64 {
    let (memberships,): (i64,) =
        query_as("SELECT count(*) FROM conversation_members WHERE user_id = $1 AND left_at IS NULL")
            .bind(user.0)
            .fetch_one(&aws::database(cloud))
            .await
            .unwrap();
    memberships
}

/// Conversations in whose outboxes something waits.
async fn waiting(cloud: &Cloud) -> Vec<ConversationId> {
    let waiting: Vec<(Uuid,)> =
        query_as("SELECT DISTINCT conversation_id FROM outbox").fetch_all(&aws::database(cloud)).await.unwrap();
    waiting.into_iter().map(|(id,)| ConversationId(id)).collect()
}

#[tokio::test]
async fn worker_finishes_the_deletion_of_a_killed_request() {
    // A cloud of its own: no other test's function may be killed.
    let cloud = Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let groups = stream::iter(0..CONVERSATIONS).map(async |_| group(&alice, &[&bob]).await);
    let groups: Vec<String> = groups.buffer_unordered(4).collect().await;
    let user: UserId = alice.user_id.parse().unwrap();

    let kill = json!({"kind": {"kill": "after"}, "service": "rds-data", "operation": "CommitTransaction",
        "function": "HttpAccount", "skip": 20, "next": 1});
    inject_fault(&cloud, kill).await;
    assert!(alice.delete("/v1/users/me").await.0 >= 500, "the function is killed");
    let left = memberships(&cloud, user).await;
    // Memberships that end at the same time may be committed until the process is gone.
    let most = i64::try_from(CONVERSATIONS).unwrap() - 21;
    assert!((1..=most).contains(&left), "the function was killed midway: {left}");
    // The token is refused all the same, also in the conversations that the worker has not reached yet.
    for group in &groups {
        let refused = refusal(alice.get(&format!("/v1/conversations/{group}/messages")).await);
        assert_eq!(refused, (403, "user_deleted".to_owned()));
    }

    queue_user_for_relay(&cloud, user).await;
    eventually("memberships", async || memberships(&cloud, user).await, |left| *left == 0).await;
    // The killed request's last change waits for the message that it sent; another one is quicker.
    for conversation_id in waiting(&cloud).await {
        let relay = Queue::new(aws::sqs(&cloud), aws::relay_queue_url(&cloud));
        relay.send_relay(RelayBody::Conversation { conversation_id }, Duration::ZERO).await.unwrap();
    }
    eventually("outboxes", async || waiting(&cloud).await, Vec::is_empty).await;
    for group in &groups {
        let kinds: Vec<Value> = messages(&bob, group).await.iter().map(|message| message["kind"].clone()).collect();
        assert_eq!(kinds, ["created", "member_left"], "the departure is logged once");
        assert_eq!(bob.get(&format!("/v1/conversations/{group}")).await.1["role"], "owner");
    }
    cloud.stop();
}

#[tokio::test]
async fn queue_message_alone_finishes_a_deletion_and_keeps_active_users() {
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (team, other) = (group(&bob, &[&alice]).await, group(&alice, &[&bob]).await);
    let [deleted, active]: [UserId; 2] = [&alice, &bob].map(|person| person.user_id.parse().unwrap());
    let phone = alice.connect().await;
    // The tombstone is committed, and then the function is killed.
    Users::new(aws::database(cloud)).delete(deleted).await.unwrap();
    queue_user_for_relay(cloud, active).await;
    queue_user_for_relay(cloud, deleted).await;
    phone.wait_until_closed().await;
    for id in [team, other] {
        let path = format!("/v1/conversations/{id}");
        let seen = eventually("the worker", async || bob.get(&path).await.1, |seen| seen["member_count"] == 1);
        assert_eq!(seen.await["role"], "owner");
    }
    assert_eq!(memberships(cloud, active).await, 2);
    bob.connect().await.pushed().await;
}

#[tokio::test]
async fn connection_left_open_by_a_deletion_can_neither_send_nor_receive() {
    let cloud = Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let team = group(&bob, &[&alice]).await;
    let (mut alices, mut bobs) = tokio::join!(alice.connect(), bob.connect());
    alices.pushed().await;
    bobs.pushed().await;
    inject_fault(
        &cloud,
        json!({"kind": "request_lost", "service": "apigatewaymanagementapi", "operation": "DeleteConnection"}),
    )
    .await;
    assert_eq!(alice.delete("/v1/users/me").await.0, 204);
    assert_eq!(bobs.ask(send_frame(&team, 2, "Is alice deleted?")).await["type"], "sent");
    let refused = alices.ask(send_frame(&team, 2, "No")).await;
    assert_eq!(refused["error"]["code"], "user_deleted", "{refused}");
    // Also where the user was never a member.
    let elsewhere = group(&bob, &[]).await;
    for frame in [
        send_frame(&elsewhere, 1, "No"),
        json!({"action": "typing", "conversation_id": elsewhere, "typing": true}),
        json!({"action": "open", "conversation_id": ConversationId::of_kind(ConversationType::Public)}),
    ] {
        let refused = alices.ask(frame.clone()).await;
        assert_eq!(refused["error"]["code"], "user_deleted", "{frame}: {refused}");
    }
    assert!(alices.pushed().await.iter().all(|frame| frame["message"]["text"].is_null()), "nothing is pushed");
    assert_eq!(Socket::open(request(&cloud, &alice)).await.err(), Some(403));

    inject_fault(&cloud, json!({"kind": "throttle", "next": 0})).await;
    queue_user_for_relay(&cloud, alice.user_id.parse().unwrap()).await;
    alices.wait_until_closed().await;
    cloud.stop();
}

fn request(cloud: &Cloud, person: &TestUser) -> tokio_tungstenite::tungstenite::handshake::client::Request {
    let mut request = handshake(cloud);
    request.headers_mut().insert("authorization", format!("Bearer {}", person.token).parse().unwrap());
    request
}
