//! Tokens that end while their connection lasts.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use end_to_end::test_user::token;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{PLAN, message, texts};

const CONNECTIONS: &str = "local-ConnectionsTable";

/// Returns the stored connections of a user, by name.
async fn stored_connections(user: &TestUser) -> HashMap<String, AttributeValue> {
    let found = aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .get_item()
        .table_name(CONNECTIONS)
        .key("user_id", AttributeValue::S(user.user_id.clone()))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    found.item.unwrap_or_default().into_iter().filter(|(name, _)| name.starts_with("c#")).collect()
}

/// Frames after the token's end are refused.
#[tokio::test]
async fn messages_after_token_expiry_are_refused() {
    let _plan = PLAN.read().await;
    let cloud = Cloud::shared();
    let bob = TestUser::new("bob").await;
    let short = token(cloud, &json!({"username": format!("{}", uuid::Uuid::new_v4()), "expires_in": 5})).await;
    let alice = TestUser::with_token(cloud, "alice", short).await;
    let conversation = alice.private_conversation_with(&bob).await;
    let mut socket = alice.connect().await;
    let mut sent = Vec::new();
    let refused = loop {
        let after = sent.last().map_or(1, |(seq, _)| *seq);
        // A push at the token's end ends the connection, too.
        let Some(answer) = socket.ask_if_open(message(&conversation, after, "dance")).await else { break None };
        if answer["type"] == "error" {
            break Some(answer["error"].clone());
        }
        sent.push((answer["seq"].as_u64().unwrap(), "dance".to_owned()));
    };
    match refused {
        Some(error) => {
            assert_eq!((&error["code"], &error["retryable"]), (&json!("token_expired"), &json!(false)), "{error}");
            socket.wait_until_closed().await;
        }
        None => assert!(socket.take_buffered("token_expired").is_some(), "it says why it ends"),
    }
    assert!(!sent.is_empty());
    // The last answer may have been lost with the connection.
    let logged = texts(&bob, &conversation).await;
    assert!(logged.starts_with(&sent) && logged.len() <= sent.len() + 1, "{logged:?} {sent:?}");
}

/// Returns the presence of a user as another one sees it.
async fn presence(viewer: &TestUser, conversation: &str, user: &TestUser) -> Value {
    let (status, page) = viewer.get(&format!("/v1/presence?conversation_id={conversation}")).await;
    assert_eq!(status, 200, "{page}");
    let members = page["members"].as_array().unwrap();
    members.iter().find(|member| member["user_id"] == user.user_id).unwrap().clone()
}

/// A user whose token ends in some seconds, and the time of its end.
async fn short_lived(name: &str) -> (TestUser, Timestamp) {
    let cloud = Cloud::shared();
    let request = json!({"username": format!("{name}-{}", uuid::Uuid::new_v4()), "expires_in": 5});
    let token = token(cloud, &request).await;
    let exp = client::unverified_claims(&token).unwrap()["exp"].as_i64().unwrap();
    (TestUser::with_token(cloud, name, token).await, Timestamp::from_epoch_millis(1000 * exp))
}

async fn wait_until(time: Timestamp) {
    while Timestamp::now() <= time {
        tokio::time::sleep(time.since(Timestamp::now()) + Duration::from_millis(1)).await;
    }
}

/// A connection whose token has ended is told by the first push, and gets nothing else. Presence ends with the token.
#[tokio::test]
async fn connection_is_told_that_its_token_has_expired_before_pushes_stop() {
    let _plan = PLAN.read().await;
    let kinds = ["private", "group", "public"].map(async |kind| {
        let alice = TestUser::new("alice").await;
        let (bob, exp) = short_lived("bob").await;
        let mut phone = bob.connect().await;
        let mut body = json!({"type": kind, "member_ids": [bob.user_id]});
        if kind != "private" {
            body["title"] = json!("Team");
        }
        let (_, created) = alice.post("/v1/conversations", &body).await;
        let conversation = created["conversation_id"].as_str().unwrap().to_owned();
        assert_eq!(phone.ask(json!({"action": "open", "conversation_id": conversation})).await["type"], "accepted");
        phone.pushed().await;
        let mut a = alice.connect().await;

        wait_until(exp).await;
        let shown = presence(&alice, &conversation, &bob).await;
        let last_seen: Timestamp = serde_json::from_value(shown["last_seen_at"].clone()).unwrap();
        assert!(shown["online"] == false && last_seen >= exp, "{kind}: {shown}, {exp}");
        assert_eq!(a.ask(message(&conversation, 1, "hello?")).await["seq"], 2);
        assert_eq!(phone.next("token_expired").await, json!({"type": "token_expired"}));
        // Nothing but the close follows.
        phone.wait_until_closed_without_frames().await;
        assert_eq!(a.ask(message(&conversation, 2, "hello?")).await["seq"], 3);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !stored_connections(&bob).await.is_empty() {
            assert!(Instant::now() < deadline, "the connection is still registered");
        }
        let shown = presence(&alice, &conversation, &bob).await;
        let last_seen: Timestamp = serde_json::from_value(shown["last_seen_at"].clone()).unwrap();
        assert!(last_seen >= exp && last_seen <= Timestamp::now(), "{kind}: {shown}, {exp}");
    });
    join_all(kinds).await;
}

/// Receipts, typing and a connection of another device find the expired connection as well.
#[tokio::test]
async fn every_push_finds_expired_connections() {
    let _plan = PLAN.read().await;
    let kinds = ["typing", "read"].map(async |kind| {
        let alice = TestUser::new("alice").await;
        let mut a = alice.connect().await;
        let (bob, exp) = short_lived("bob").await;
        let conversation = bob.private_conversation_with(&alice).await;
        let (mut phone, mut laptop) = tokio::join!(bob.connect(), bob.connect());
        assert_eq!(phone.ask(message(&conversation, 1, "hello")).await["seq"], 2);
        laptop.next("message").await;
        wait_until(exp).await;
        let frame = match kind {
            "typing" => json!({"action": "typing", "conversation_id": conversation, "typing": true}),
            _ => json!({"action": "read", "receipts": [{"conversation_id": conversation, "seq": 2}]}),
        };
        assert_eq!(a.ask(frame).await["type"], "accepted");
        for mut socket in [phone, laptop] {
            socket.next("token_expired").await;
            socket.wait_until_closed_without_frames().await;
        }
    });
    join_all(kinds).await;
}
