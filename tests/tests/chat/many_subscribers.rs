//! Public conversations with more subscribers than are notified inline, and with several shards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Seq, Timestamp, subscription};
use end_to_end::aws::{self, MEMBERS, dynamodb};
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use store::sqs::{Queue, SubscribersBody, SubscriptionRange};

use crate::public::PublicConversation;

/// Sets a number of `#conversation`.
async fn set(conversation: &PublicConversation, attribute: &str, number: u32) {
    let update = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .update_item()
        .table_name(MEMBERS)
        .key("conversation_id", AttributeValue::S(conversation.id.clone()))
        .key("entry", AttributeValue::S("#conversation".to_owned()))
        .update_expression("SET #attribute = :number")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":number", AttributeValue::N(number.to_string()));
    update.send().await.unwrap();
}

/// Returns the number of shards in `#conversation`.
async fn shards(conversation: &PublicConversation) -> Option<u32> {
    let get = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .get_item()
        .table_name(MEMBERS)
        .key("conversation_id", AttributeValue::S(conversation.id.clone()))
        .key("entry", AttributeValue::S("#conversation".to_owned()));
    let item = get.send().await.unwrap().item.unwrap();
    item.get("subscription_shards").map(|number| number.as_n().unwrap().parse().unwrap())
}

/// Waits for all items between these seqs, and checks that no other arrives.
async fn expect_items(socket: &mut Socket, first: u64, last: u64) {
    let mut received = BTreeSet::new();
    while received.len() as u64 <= last - first {
        for message in socket.next("messages").await["messages"].as_array().unwrap() {
            let seq = message["seq"].as_u64().unwrap();
            assert!((first..=last).contains(&seq), "{message}");
            received.insert(seq);
        }
    }
}

#[tokio::test]
async fn worker_notifies_many_subscribers_page_by_page() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let conversation = PublicConversation::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    conversation.open(&mut b).await;
    let real = conversation.subscribers(0).await;
    // Before any id that API Gateway gives, so that the only real one is not on the first page.
    let exp = Timestamp::now().epoch_seconds() + 600;
    for n in 0..100 {
        conversation.subscribe(&bob, &format!("!{n:03}="), exp).await;
    }
    conversation.open(&mut c).await;
    assert_eq!(bob.delete(&format!("{}/members/me", conversation.path)).await.0, 204);
    assert_eq!(bob.put(&format!("{}/members/me", conversation.path), &json!({})).await.0, 200);
    assert_eq!(conversation.subscribers(0).await.len(), 102);
    let first = conversation.send_text(&mut a).await;
    assert_eq!(alice.patch(&conversation.path, &json!({"topic": "Many"})).await.0, 200);
    assert_eq!(carol.delete(&format!("{}/members/me", conversation.path)).await.0, 204);
    assert_eq!(alice.patch(&format!("{}/messages/{first}", conversation.path), &json!({"text": "hear"})).await.0, 200);
    expect_items(&mut b, first, first + 2).await;
    // The subscriptions of closed connections and of former members are removed.
    let deadline = Instant::now() + Duration::from_secs(30);
    while conversation.subscribers(0).await != real {
        assert!(Instant::now() < deadline, "{:?}", conversation.subscribers(0).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let last = conversation.send_text(&mut a).await;
    let pushed = b.next("message").await;
    assert_eq!(pushed["message"]["seq"], last, "few subscribers are notified inline");
}

#[tokio::test]
async fn typing_is_not_notified_with_several_shards() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = PublicConversation::of(&alice, &[&bob]).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    conversation.open(&mut b).await;
    set(&conversation, "subscription_shards", 2).await;
    let typing = json!({"action": "typing", "conversation_id": conversation.id, "typing": true});
    assert_eq!(a.ask(typing).await["type"], "accepted");
    assert_eq!(b.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn subscribers_from_before_a_shard_increase_are_still_notified() {
    let users = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (alice, bob, carol) = users;
    let conversation = PublicConversation::of(&alice, &[&bob, &carol]).await;
    let mut a = alice.connect().await;
    // A connection that is not in the first of eight shards.
    let (mut early, early_id) = loop {
        let mut socket = bob.connect().await;
        conversation.open(&mut socket).await;
        let id = conversation.subscribers(0).await.pop_first().unwrap();
        if subscription::shard(&id, 8) != 0 {
            break (socket, id);
        }
        assert_eq!(conversation.ask(&mut socket, "close").await["type"], "accepted");
    };
    set(&conversation, "subscription_shards", 8).await;
    // Subscribes until a connection is outside of the first shard.
    let mut late = Vec::new();
    let other_shards_are_used = async || {
        for shard in 1..8 {
            if !conversation.subscribers(shard).await.is_empty() {
                return true;
            }
        }
        false
    };
    while late.is_empty() || !other_shards_are_used().await {
        let mut socket = carol.connect().await;
        conversation.open(&mut socket).await;
        late.push(socket);
    }
    let seq = conversation.send_text(&mut a).await;
    expect_items(&mut early, seq, seq).await;
    for socket in &mut late {
        expect_items(socket, seq, seq).await;
    }
    // `open` moves the subscription to its new shard, and `close` finds it in any shard.
    conversation.open(&mut early).await;
    for shard in 0..8 {
        let is_subscribed = conversation.subscribers(shard).await.contains(&early_id);
        assert_eq!(is_subscribed, shard == subscription::shard(&early_id, 8), "{shard}");
    }
    set(&conversation, "subscription_shards", 16).await;
    for socket in late.iter_mut().chain([&mut early]) {
        assert_eq!(conversation.ask(socket, "close").await["type"], "accepted");
    }
    for shard in 0..16 {
        assert!(conversation.subscribers(shard).await.is_empty(), "{shard}");
    }
}

/// A worker queues the rest like this when its time is over.
#[tokio::test]
async fn worker_continues_where_another_stopped() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = PublicConversation::of(&alice, &[&bob]).await;
    let mut sockets = Vec::new();
    let mut known = BTreeSet::new();
    for _ in 0..3 {
        let mut socket = bob.connect().await;
        conversation.open(&mut socket).await;
        let all = conversation.subscribers(0).await;
        sockets.push((all.difference(&known).next().unwrap().clone(), socket));
        known = all;
    }
    sockets.sort_by(|(one, _), (other, _)| one.cmp(other));
    let subscribers = SubscriptionRange { shard: 0, after_connection: Some(sockets[0].0.clone()) };
    let body = SubscribersBody {
        conversation_id: conversation.id.parse().unwrap(),
        seqs: vec![Seq(1)],
        round: 0,
        subscribers,
    };
    let cloud = Cloud::shared();
    Queue::new(aws::sqs(cloud), aws::fanout_queue_url(cloud)).send_fanout(&[body]).await.unwrap();
    for (_, socket) in &mut sockets[1..] {
        expect_items(socket, 1, 1).await;
    }
    assert_eq!(sockets[0].1.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn shard_count_grows_with_the_members_and_never_shrinks() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let conversation = PublicConversation::of(&alice, &[]).await;
    let members = format!("{}/members", conversation.path);
    assert_eq!(shards(&conversation).await, None, "one member has the default of one shard");
    set(&conversation, "member_count", 999).await;
    assert_eq!(bob.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&conversation).await, None, "1,000 members have one shard");
    assert_eq!(carol.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&conversation).await, Some(2), "1,001 members have two shards");
    for user in [&bob, &carol] {
        assert_eq!(user.delete(&format!("{members}/me")).await.0, 204);
    }
    assert_eq!(bob.put(&format!("{members}/me"), &json!({})).await.0, 200);
    assert_eq!(shards(&conversation).await, Some(2));
    set(&conversation, "member_count", 2000).await;
    let added = json!({"user_ids": [carol.user_id]});
    assert_eq!(alice.post(&members, &added).await.0, 204);
    assert_eq!(shards(&conversation).await, Some(4), "additions also increase the number of shards");
}
