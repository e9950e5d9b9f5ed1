//! Public conversations with more subscribers than are notified inline, and with several shards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Seq, Timestamp, subscription};
use end_to_end::aws::{self, MEMBERS, dynamodb};
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use store::sqs::{Queue, SubscribersBody, SubscriptionRange};

use crate::public::Square;

/// Sets a number of `#conversation`.
async fn set(square: &Square, attribute: &str, number: u32) {
    let update = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .update_item()
        .table_name(MEMBERS)
        .key("conversation_id", AttributeValue::S(square.id.clone()))
        .key("entry", AttributeValue::S("#conversation".to_owned()))
        .update_expression("SET #attribute = :number")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":number", AttributeValue::N(number.to_string()));
    update.send().await.unwrap();
}

/// Returns the number of shards in `#conversation`.
async fn shards(square: &Square) -> Option<u32> {
    let get = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .get_item()
        .table_name(MEMBERS)
        .key("conversation_id", AttributeValue::S(square.id.clone()))
        .key("entry", AttributeValue::S("#conversation".to_owned()));
    let item = get.send().await.unwrap().item.unwrap();
    item.get("subscription_shards").map(|number| number.as_n().unwrap().parse().unwrap())
}

/// Waits for everything between these places, and nothing else.
async fn hear(socket: &mut Socket, first: u64, last: u64) {
    let mut heard = BTreeSet::new();
    while heard.len() as u64 <= last - first {
        for message in socket.next("messages").await["messages"].as_array().unwrap() {
            let seq = message["seq"].as_u64().unwrap();
            assert!((first..=last).contains(&seq), "{message}");
            heard.insert(seq);
        }
    }
}

#[tokio::test]
async fn worker_notifies_many_subscribers_page_by_page() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let square = Square::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    square.open(&mut b).await;
    let real = square.looking(0).await;
    // Before any id that API Gateway gives, so that the only real one is not on the first page.
    let exp = Timestamp::now().epoch_seconds() + 600;
    for n in 0..100 {
        square.subscribe(&bob, &format!("!{n:03}="), exp).await;
    }
    square.open(&mut c).await;
    assert_eq!(bob.delete(&format!("{}/members/me", square.path)).await.0, 204);
    assert_eq!(bob.put(&format!("{}/members/me", square.path), &json!({})).await.0, 200);
    assert_eq!(square.looking(0).await.len(), 102);
    let first = square.say(&mut a).await;
    assert_eq!(alice.patch(&square.path, &json!({"topic": "Many"})).await.0, 200);
    assert_eq!(carol.delete(&format!("{}/members/me", square.path)).await.0, 204);
    assert_eq!(alice.patch(&format!("{}/messages/{first}", square.path), &json!({"text": "hear"})).await.0, 200);
    hear(&mut b, first, first + 2).await;
    // The subscriptions of gone connections and of former members are removed.
    let deadline = Instant::now() + Duration::from_secs(30);
    while square.looking(0).await != real {
        assert!(Instant::now() < deadline, "{:?}", square.looking(0).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let last = square.say(&mut a).await;
    let pushed = b.next("message").await;
    assert_eq!(pushed["message"]["seq"], last, "few again, they are told at once");
}

#[tokio::test]
async fn typing_is_not_notified_with_several_shards() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let square = Square::of(&alice, &[&bob]).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    square.open(&mut b).await;
    set(&square, "subscription_shards", 2).await;
    let typing = json!({"action": "typing", "conversation_id": square.id, "typing": true});
    assert_eq!(a.ask(typing).await["type"], "accepted");
    assert_eq!(b.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn subscribers_from_before_a_shard_increase_are_still_notified() {
    let people = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (alice, bob, carol) = people;
    let square = Square::of(&alice, &[&bob, &carol]).await;
    let mut a = alice.connect().await;
    // One whose place among eight shards is another than the first.
    let (mut early, early_id) = loop {
        let mut socket = bob.connect().await;
        square.open(&mut socket).await;
        let id = square.looking(0).await.pop_first().unwrap();
        if subscription::shard(&id, 8) != 0 {
            break (socket, id);
        }
        assert_eq!(square.ask(&mut socket, "close").await["type"], "accepted");
    };
    set(&square, "subscription_shards", 8).await;
    // Until one lies elsewhere than in the first shard.
    let mut late = Vec::new();
    let spread = async || {
        for shard in 1..8 {
            if !square.looking(shard).await.is_empty() {
                return true;
            }
        }
        false
    };
    while late.is_empty() || !spread().await {
        let mut socket = carol.connect().await;
        square.open(&mut socket).await;
        late.push(socket);
    }
    let seq = square.say(&mut a).await;
    hear(&mut early, seq, seq).await;
    for socket in &mut late {
        hear(socket, seq, seq).await;
    }
    // Opening again moves it, and closing finds it wherever it is.
    square.open(&mut early).await;
    for shard in 0..8 {
        let there = square.looking(shard).await.contains(&early_id);
        assert_eq!(there, shard == subscription::shard(&early_id, 8), "{shard}");
    }
    set(&square, "subscription_shards", 16).await;
    for socket in late.iter_mut().chain([&mut early]) {
        assert_eq!(square.ask(socket, "close").await["type"], "accepted");
    }
    for shard in 0..16 {
        assert!(square.looking(shard).await.is_empty(), "{shard}");
    }
}

/// A worker queues the rest like this when its time is over.
#[tokio::test]
async fn worker_continues_where_another_stopped() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let square = Square::of(&alice, &[&bob]).await;
    let mut sockets = Vec::new();
    let mut known = BTreeSet::new();
    for _ in 0..3 {
        let mut socket = bob.connect().await;
        square.open(&mut socket).await;
        let all = square.looking(0).await;
        sockets.push((all.difference(&known).next().unwrap().clone(), socket));
        known = all;
    }
    sockets.sort_by(|(one, _), (other, _)| one.cmp(other));
    let subscribers = SubscriptionRange { shard: 0, after_connection: Some(sockets[0].0.clone()) };
    let body = SubscribersBody { conversation_id: square.id.parse().unwrap(), seqs: vec![Seq(1)], subscribers };
    let cloud = Cloud::shared();
    Queue::new(aws::sqs(cloud), aws::fanout_queue_url(cloud)).send_fanout(&[body]).await.unwrap();
    for (_, socket) in &mut sockets[1..] {
        hear(socket, 1, 1).await;
    }
    assert_eq!(sockets[0].1.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn shard_count_grows_with_the_members_and_never_shrinks() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let square = Square::of(&alice, &[]).await;
    let members = format!("{}/members", square.path);
    assert_eq!(shards(&square).await, None, "one");
    set(&square, "member_count", 999).await;
    assert_eq!(bob.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&square).await, None, "a thousand");
    assert_eq!(carol.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&square).await, Some(2), "and one");
    for person in [&bob, &carol] {
        assert_eq!(person.delete(&format!("{members}/me")).await.0, 204);
    }
    assert_eq!(bob.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&square).await, Some(2));
    set(&square, "member_count", 2000).await;
    let added = json!({"user_ids": [carol.user_id]});
    assert_eq!(alice.post(&members, &added).await.0, 204);
    assert_eq!(shards(&square).await, Some(4), "also where somebody is let in");
}
