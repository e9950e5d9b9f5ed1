//! The Rust client subscribes to public conversations, on every connection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Api, Client, Endpoints, Event, Pace};
use domain::UserId;
use end_to_end::{Cloud, TestUser};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use crate::public::Square;

const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits until the conversation is open on a connection that is not among `known`.
async fn opened(square: &Square, known: &BTreeSet<String>) -> BTreeSet<String> {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let all = square.looking(0).await;
        if all.difference(known).next().is_some() {
            return all;
        }
        assert!(Instant::now() < deadline, "{all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for the item at a place.
async fn heard(events: &mut UnboundedReceiver<Event>, seq: u64) {
    let item = async {
        while let Some(event) = events.recv().await {
            if matches!(&event, Event::Item(item) if item.seq.0 == seq) {
                return;
            }
        }
        panic!("the client stopped");
    };
    tokio::time::timeout(WAIT_TIMEOUT, item).await.expect("the item comes");
}

#[tokio::test]
async fn client_renews_its_subscriptions_on_a_new_connection() {
    let from = &Cloud::shared().endpoints;
    let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
    let api = Api::new(Endpoints { http, websocket, oidc_token }, format!("bob-{}", Uuid::new_v4())).unwrap();
    let bob: UserId = api.profile("Bob").await.unwrap();
    let alice = TestUser::new("alice").await;
    let square = Square::of(&alice, &[]).await;
    let added = serde_json::json!({"user_ids": [bob]});
    assert_eq!(alice.post(&format!("{}/members", square.path), &added).await.0, 204);
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
    let conversation = square.id.parse().unwrap();
    client.open(conversation);
    let first = opened(&square, &BTreeSet::new()).await;
    let seq = square.say(&mut a).await;
    heard(&mut events, seq).await;
    client.reconnect();
    let second = opened(&square, &first).await;
    let seq = square.say(&mut a).await;
    heard(&mut events, seq).await;
    client.close(conversation);
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !square.looking(0).await.is_subset(&first) {
        assert!(Instant::now() < deadline, "{second:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
