//! The Rust client subscribes to public conversations, on every connection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Api, Client, Endpoints, Event, Pace};
use domain::UserId;
use end_to_end::{Cloud, TestUser};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use crate::public::PublicConversation;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits until the conversation is open on a connection that is not among `known`.
async fn wait_for_subscription(conversation: &PublicConversation, known: &BTreeSet<String>) -> BTreeSet<String> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let all = conversation.subscribers(0).await;
        if all.difference(known).next().is_some() {
            return all;
        }
        assert!(Instant::now() < deadline, "{all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for the item with this seq.
async fn wait_for_item(events: &mut UnboundedReceiver<Event>, seq: u64) {
    let item = async {
        while let Some(event) = events.recv().await {
            if matches!(&event, Event::Item(item) if item.seq.0 == seq) {
                return;
            }
        }
        panic!("the client stopped");
    };
    tokio::time::timeout(WAIT_TIMEOUT, item).await.expect("the item arrives");
}

#[tokio::test]
async fn client_renews_its_subscriptions_on_a_new_connection() {
    let from = &Cloud::shared().endpoints;
    let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
    let api = Api::new(Endpoints { http, websocket, oidc_token }, format!("bob-{}", Uuid::new_v4())).unwrap();
    let bob: UserId = api.profile("Bob").await.unwrap();
    let alice = TestUser::new("alice").await;
    let conversation = PublicConversation::of(&alice, &[]).await;
    let added = serde_json::json!({"user_ids": [bob]});
    assert_eq!(alice.post(&format!("{}/members", conversation.path), &added).await.0, 204);
    let mut a = alice.connect().await;
    // After the first nothing is found by syncing within the test.
    let pace = Pace {
        second_sync: Duration::from_hours(1),
        sync_every: Duration::from_hours(1),
        reconnect: (Duration::from_millis(10), Duration::from_millis(50)),
        retry: (Duration::from_millis(10), Duration::from_millis(50)),
        ..Pace::default()
    };
    let (client, mut events) = Client::start(Arc::new(api), bob, pace);
    let id = conversation.id.parse().unwrap();
    client.open(id);
    let first = wait_for_subscription(&conversation, &BTreeSet::new()).await;
    let seq = conversation.send_text(&mut a).await;
    wait_for_item(&mut events, seq).await;
    client.reconnect();
    let second = wait_for_subscription(&conversation, &first).await;
    let seq = conversation.send_text(&mut a).await;
    wait_for_item(&mut events, seq).await;
    client.close(id);
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !conversation.subscribers(0).await.is_subset(&first) {
        assert!(Instant::now() < deadline, "{second:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
