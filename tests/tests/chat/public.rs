//! Messages in public conversations reach the subscribers, and cost nothing for others.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use end_to_end::aws::{SUBSCRIPTIONS, dynamodb};
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) struct PublicConversation {
    pub(crate) id: String,
    pub(crate) path: String,
}

impl PublicConversation {
    pub(crate) async fn of(owner: &TestUser, others: &[&TestUser]) -> Self {
        Self::create(owner, others, "public").await
    }

    async fn create(owner: &TestUser, others: &[&TestUser], kind: &str) -> Self {
        let ids: Vec<&str> = others.iter().map(|other| other.user_id.as_str()).collect();
        let body = json!({"type": kind, "title": "Square", "member_ids": ids});
        let (status, created) = owner.post("/v1/conversations", &body).await;
        assert_eq!(status, 201, "{created}");
        let id = created["conversation_id"].as_str().unwrap().to_owned();
        Self { path: format!("/v1/conversations/{id}"), id }
    }

    /// Sends `open` or `close`; returns the answer.
    pub(crate) async fn ask(&self, socket: &mut Socket, action: &str) -> Value {
        socket.ask(json!({"action": action, "conversation_id": self.id})).await
    }

    pub(crate) async fn open(&self, socket: &mut Socket) {
        let opened = self.ask(socket, "open").await;
        assert_eq!(opened["type"], "accepted", "{opened}");
    }

    /// Sends a message; subscribers are notified before the answer. Returns its seq.
    pub(crate) async fn send_text(&self, socket: &mut Socket) -> u64 {
        let frame = json!({"action": "send", "conversation_id": self.id, "client_message_id": Uuid::new_v4(),
            "text": "hear, hear"});
        let sent = socket.ask(frame).await;
        sent["seq"].as_u64().unwrap_or_else(|| panic!("{sent}"))
    }

    /// Returns the ids of the connections in one of the table's shards.
    pub(crate) async fn subscribers(&self, shard: u32) -> BTreeSet<String> {
        let text = |value: &AttributeValue| value.as_s().unwrap().clone();
        self.subscriptions(shard).await.iter().map(|item| text(&item["connection_id"])).collect()
    }

    async fn subscriptions(&self, shard: u32) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let page = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
            .query()
            .table_name(SUBSCRIPTIONS)
            .key_condition_expression("#shard = :shard")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", AttributeValue::S(format!("{}#{shard}", self.id)))
            .send();
        page.await.unwrap().items.unwrap_or_default()
    }

    /// Writes a subscription into the table.
    pub(crate) async fn subscribe(&self, user: &TestUser, connection_id: &str, exp: i64) {
        let put = dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
            .put_item()
            .table_name(SUBSCRIPTIONS)
            .item("shard", AttributeValue::S(format!("{}#0", self.id)))
            .item("connection_id", AttributeValue::S(connection_id.to_owned()))
            .item("user_id", AttributeValue::S(user.user_id.clone()))
            .item("exp", AttributeValue::N(exp.to_string()));
        put.send().await.unwrap();
    }
}

/// Returns the seqs of all messages that were pushed.
async fn pushed_seqs(socket: &mut Socket) -> Vec<u64> {
    socket.pushed().await.iter().map(|frame| frame["message"]["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn only_subscribed_connections_are_notified() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let conversation = PublicConversation::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut a2) = tokio::join!(alice.connect(), alice.connect());
    let (mut phone, mut laptop, mut c) = tokio::join!(bob.connect(), bob.connect(), carol.connect());
    assert_eq!(conversation.send_text(&mut a).await, 2);
    for socket in [&mut a, &mut a2, &mut phone] {
        conversation.open(socket).await;
        conversation.open(socket).await;
    }
    assert_eq!(conversation.send_text(&mut a).await, 3);
    assert_eq!(pushed_seqs(&mut phone).await, [3], "one push, and none from before the subscription");
    let own = a2.pushed().await;
    assert_eq!((own.len(), &own[0]["message"]["seq"]), (1, &json!(3)));
    assert!(own[0]["message"]["client_message_id"].is_string());
    assert_eq!(
        alice
            .post(
                &format!("{}/messages", conversation.path),
                &json!({"client_message_id": Uuid::new_v4(), "text": "by HTTP"})
            )
            .await
            .0,
        201
    );
    assert_eq!(pushed_seqs(&mut phone).await, [4]);
    assert_eq!(pushed_seqs(&mut a).await, [4], "the sending connection gets only the answer");

    conversation.open(&mut laptop).await;
    for _ in 0..2 {
        assert_eq!(conversation.ask(&mut phone, "close").await["type"], "accepted");
    }
    assert_eq!(conversation.send_text(&mut a).await, 5);
    assert_eq!(pushed_seqs(&mut laptop).await, [5], "each connection has its own subscription");
    assert_eq!(pushed_seqs(&mut phone).await, [] as [u64; 0]);
    assert_eq!(pushed_seqs(&mut c).await, [] as [u64; 0]);
    let (_, page) = carol.get(&format!("{}/messages?after_seq=1", conversation.path)).await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 4, "history is complete");
}

#[tokio::test]
async fn former_members_are_not_notified_and_lose_their_subscriptions() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let conversation = PublicConversation::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    conversation.open(&mut b).await;
    conversation.open(&mut c).await;
    assert_eq!(conversation.subscribers(0).await.len(), 2);
    assert_eq!(bob.delete(&format!("{}/members/me", conversation.path)).await.0, 204);
    conversation.send_text(&mut a).await;
    assert_eq!(pushed_seqs(&mut b).await, [] as [u64; 0]);
    assert_eq!(pushed_seqs(&mut c).await, [2]);
    assert_eq!(conversation.subscribers(0).await.len(), 1);
    assert_eq!(alice.delete(&format!("{}/members/{}", conversation.path, carol.user_id)).await.0, 204);
    conversation.send_text(&mut a).await;
    assert_eq!(pushed_seqs(&mut c).await, [3], "the removal is the last push");
    assert_eq!(conversation.subscribers(0).await.len(), 0);
    for socket in [&mut b, &mut c] {
        assert_eq!(conversation.ask(socket, "open").await["error"]["code"], "not_a_member");
        assert_eq!(conversation.ask(socket, "close").await["type"], "accepted");
    }
    // A user who rejoins subscribes again, and does not receive earlier messages.
    assert_eq!(bob.put(&format!("{}/members/me", conversation.path), &json!({})).await.0, 200);
    conversation.open(&mut b).await;
    assert_eq!(alice.patch(&format!("{}/messages/2", conversation.path), &json!({"text": "edited"})).await.0, 200);
    let event = b.next("message_edited").await["message"].clone();
    assert_eq!((&event["seq"], &event["text"]), (&json!(5), &Value::Null), "{event}");
}

#[tokio::test]
async fn only_members_can_subscribe_and_subscribing_to_a_group_has_no_effect() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let (conversation, group) =
        (PublicConversation::of(&alice, &[]).await, PublicConversation::create(&alice, &[&bob], "group").await);
    let (mut a, mut b, mut m) = tokio::join!(alice.connect(), bob.connect(), mallory.connect());
    let missing = PublicConversation { id: Uuid::now_v7().to_string(), path: String::new() };
    for target in [&conversation, &group, &missing] {
        assert_eq!(target.ask(&mut m, "open").await["error"]["code"], "not_a_member", "{}", target.id);
        assert_eq!(target.ask(&mut m, "close").await["type"], "accepted");
    }
    assert!(conversation.subscribers(0).await.is_empty());
    group.open(&mut b).await;
    assert!(group.subscribers(0).await.is_empty());
    group.send_text(&mut a).await;
    assert_eq!(group.ask(&mut b, "close").await["type"], "accepted");
    group.send_text(&mut a).await;
    assert_eq!(pushed_seqs(&mut b).await, [2, 3]);
}

#[tokio::test]
async fn subscription_ends_at_its_expiry_or_with_its_connection() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = PublicConversation::of(&alice, &[&bob]).await;
    let (mut a, mut b, disconnected) = tokio::join!(alice.connect(), bob.connect(), bob.connect());
    conversation.open(&mut b).await;
    let now = Timestamp::now().epoch_seconds();
    let exp =
        |item: &std::collections::HashMap<String, AttributeValue>| item["exp"].as_n().unwrap().parse::<i64>().unwrap();
    let stored = conversation.subscriptions(0).await;
    assert!((now + 60..=now + 2 * 3600).contains(&exp(&stored[0])), "{stored:?}");
    let connection = conversation.subscribers(0).await.pop_first().unwrap();
    conversation.subscribe(&bob, &connection, now - 1).await;
    conversation.send_text(&mut a).await;
    b.next("token_expired").await;
    b.wait_until_closed().await;
    let mut b = bob.connect().await;
    conversation.open(&mut b).await;
    conversation.send_text(&mut a).await;
    assert_eq!(pushed_seqs(&mut b).await, [3], "a new subscription receives pushes");
    let connection = conversation.subscribers(0).await.pop_first().unwrap();

    let mut disconnected = disconnected;
    conversation.open(&mut disconnected).await;
    assert_eq!(conversation.subscribers(0).await.len(), 2);
    disconnected.disconnect_abruptly();
    let deadline = Instant::now() + Duration::from_secs(25);
    while conversation.subscribers(0).await != BTreeSet::from([connection.clone()]) {
        assert!(Instant::now() < deadline, "the subscription of a disconnected connection is removed at the next push");
        conversation.send_text(&mut a).await;
    }
    assert!(!pushed_seqs(&mut b).await.is_empty(), "other subscribers are not affected");
}

#[tokio::test]
async fn subscribers_receive_messages_events_changes_and_typing() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let conversation = PublicConversation::of(&alice, &[&bob, &carol]).await;
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    conversation.open(&mut a).await;
    conversation.open(&mut b).await;
    conversation.send_text(&mut a).await;
    let message = format!("{}/messages/2", conversation.path);
    assert_eq!(alice.patch(&message, &json!({"text": "hear!"})).await.0, 200);
    assert_eq!(carol.put(&format!("{message}/reactions/%F0%9F%91%8D"), &Value::Null).await.0, 200);
    assert_eq!(alice.patch(&conversation.path, &json!({"topic": "Hearing"})).await.0, 200);
    assert_eq!(alice.delete(&message).await.0, 204);
    let typing = json!({"action": "typing", "conversation_id": conversation.id, "typing": true});
    assert_eq!(c.ask(typing.clone()).await["type"], "accepted");
    let frames = b.pushed().await;
    let received: Vec<(&str, Option<u64>)> =
        frames.iter().map(|frame| (frame["type"].as_str().unwrap(), frame["message"]["seq"].as_u64())).collect();
    assert_eq!(
        received,
        [
            ("message", Some(2)),
            ("message_edited", Some(3)),
            ("reaction", Some(4)),
            ("message", Some(5)),
            ("message_deleted", Some(6)),
            ("typing", None),
        ]
    );
    assert_eq!(frames[1]["message"]["text"], "hear!");
    assert_eq!(frames[3]["message"]["kind"], "topic_changed");
    assert_eq!(frames[5]["user_id"], carol.user_id);
    assert_eq!(c.pushed().await, [] as [Value; 0], "carol is not subscribed");
    assert_eq!(b.ask(typing).await["type"], "accepted");
    assert_eq!(a.next("typing").await["user_id"], carol.user_id);
    assert_eq!(a.next("typing").await["user_id"], bob.user_id);
    assert_eq!(b.pushed().await, [] as [Value; 0], "the typing user is not notified");
}

/// An added user has to be notified, and cannot be subscribed yet.
#[tokio::test]
async fn added_users_are_notified_on_every_connection() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (mut b, mut c) = tokio::join!(bob.connect(), carol.connect());
    let conversation = PublicConversation::of(&alice, &[&bob]).await;
    assert_eq!(pushed_seqs(&mut b).await, [1]);
    let added = json!({"user_ids": [carol.user_id]});
    assert_eq!(alice.post(&format!("{}/members", conversation.path), &added).await.0, 204);
    assert_eq!(pushed_seqs(&mut c).await, [2]);
    assert_eq!(pushed_seqs(&mut b).await, [] as [u64; 0]);
}
