//! Tokens that end while their connection lasts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use end_to_end::test_user::token;
use end_to_end::{Cloud, Socket, TestUser, aws};
use serde_json::{Value, json};

use crate::{PLAN, message, pair, texts};

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
    let error = loop {
        let after = sent.last().map_or(1, |(seq, _)| *seq);
        let answer = socket.ask(message(&conversation, after, "dance")).await;
        if answer["type"] == "error" {
            break answer["error"].clone();
        }
        sent.push((answer["seq"].as_u64().unwrap(), "dance".to_owned()));
    };
    assert_eq!((&error["code"], &error["retryable"]), (&json!("token_expired"), &json!(false)), "{error}");
    socket.wait_until_closed().await;
    assert!(!sent.is_empty());
    assert_eq!(texts(&bob, &conversation).await, sent);
}

/// An expired connection receives nothing, does not count, and is removed when the user connects again.
#[tokio::test]
async fn expired_connections_are_not_pushed_to() {
    let _plan = PLAN.read().await;
    let cloud = Cloud::shared();
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let mut expired = bob.connect().await;
    expired.pushed().await;
    let name = stored_connections(&bob).await.into_keys().next().unwrap();
    let past = Timestamp::now().epoch_seconds() - 1;
    aws::dynamodb(&cloud.endpoints.aws.dynamodb)
        .update_item()
        .table_name(CONNECTIONS)
        .key("user_id", AttributeValue::S(bob.user_id.clone()))
        .update_expression("SET #connection.#exp = :past")
        .expression_attribute_names("#connection", &name)
        .expression_attribute_names("#exp", "exp")
        .expression_attribute_values(":past", AttributeValue::N(past.to_string()))
        .send()
        .await
        .unwrap();
    let presence = format!("/v1/presence?conversation_id={conversation}");
    let (_, page) = alice.get(&presence).await;
    let online = page["members"].as_array().unwrap().iter().find(|member| member["user_id"] == bob.user_id).unwrap();
    assert_eq!(online["online"], false, "{page}");

    assert_eq!(a.ask(message(&conversation, 1, "hello?")).await["seq"], 2);
    assert_eq!(expired.pushed().await, [] as [Value; 0]);
    assert!(stored_connections(&bob).await.contains_key(&name), "a connection that was not pushed to is kept");

    let mut fresh: Socket = bob.connect().await;
    assert_eq!(a.ask(message(&conversation, 2, "hello!")).await["seq"], 3);
    assert_eq!(fresh.next("message").await["message"]["seq"], 3);
    assert_eq!(expired.pushed().await, [] as [Value; 0]);
    let stored = stored_connections(&bob).await;
    assert!(stored.len() == 1 && !stored.contains_key(&name), "{stored:?}");
}
