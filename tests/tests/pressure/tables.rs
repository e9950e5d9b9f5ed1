//! Tables that are throttled, or do not answer.

use aws_sdk_dynamodb::types::AttributeValue;
use end_to_end::faults::{Kind, Rule};
use end_to_end::socket::handshake;
use end_to_end::test_user::client;
use end_to_end::{Cloud, Socket, aws};
use serde_json::{Value, json};

use crate::{PLAN, is_busy, message, pair, texts};

const CONNECTIONS: &str = "local-ConnectionsTable";

/// Functions with a waiting client.
const CLIENT_FACING: [&str; 4] = ["WsSend", "WsSync", "HttpMessages", "HttpConversations"];

/// Every request of those functions to this table.
fn throttled(table: &str) -> Vec<Rule> {
    CLIENT_FACING.iter().map(|function| Kind::Throttle.rule().resource(table).function(function)).collect()
}

/// While the log or the members are throttled, readers and writers get `busy`, and their repeated requests count once.
#[tokio::test]
async fn throttled_log_and_members_are_busy_without_loss() {
    let _plan = PLAN.write().await;
    let cloud = Cloud::shared();
    for table in [aws::MESSAGES, aws::MEMBERS] {
        // A conversation that no process remembers.
        let (alice, bob, conversation) = pair().await;
        let mut a = alice.connect().await;
        let path = format!("/v1/conversations/{conversation}");
        let messages = format!("{path}/messages");
        let hi = message(&conversation, 1, table);
        cloud.inject_faults(1, &throttled(table)).await;
        let sent = a.ask(hi.clone()).await;
        let synced = a.ask(json!({"action": "sync", "cursors": {&conversation: 0}})).await;
        let url = format!("{}{messages}", cloud.endpoints.http);
        let draft = json!({"client_message_id": hi["client_message_id"], "after_seq": 1, "text": table});
        let posted = client().post(url).bearer_auth(&alice.token).json(&draft).send().await.unwrap();
        let read = [bob.get(&messages).await, bob.get(&path).await, bob.get("/v1/conversations").await];
        cloud.clear_faults().await;
        assert!(is_busy(&sent["error"]), "{sent}");
        assert!(is_busy(&synced["error"]), "{synced}");
        assert_eq!(posted.status(), 503);
        assert_eq!(posted.headers()["retry-after"], "1");
        assert!(is_busy(&posted.json().await.unwrap()));
        for (status, problem) in read {
            assert!(status == 503 && is_busy(&problem), "{table}: {problem}");
        }
        let (again, duplicate) = (a.ask(hi.clone()).await, a.ask(hi).await);
        assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(false)), "{again}");
        assert_eq!((&duplicate["seq"], &duplicate["duplicate"]), (&json!(2), &json!(true)));
        assert_eq!(texts(&bob, &conversation).await, [(2, table.to_owned())]);
    }
}

/// The log is the truth and a push an optimisation: an accepted message is answered as accepted, and the worker notifies the
/// others later.
#[tokio::test]
async fn accepted_message_does_not_wait_for_the_connections_table() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let cloud = Cloud::shared();
    for (n, fault) in [Kind::Throttle, Kind::Delay(60_000, 60_000), Kind::RequestLost].into_iter().enumerate() {
        let senders = ["WsSend", "HttpMessages"].map(|name| fault.rule().resource(CONNECTIONS).function(name));
        let after = 2 * n as u64 + 1;
        cloud.inject_faults(1, &senders).await;
        let sent = a.ask(message(&conversation, after, "hi")).await;
        let draft = json!({"client_message_id": uuid::Uuid::new_v4(), "after_seq": after + 1, "text": "ho"});
        let (status, posted) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await;
        cloud.clear_faults().await;
        assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(after + 1)), "{fault:?}: {sent}");
        assert_eq!((status, &posted["seq"]), (201, &json!(after + 2)), "{fault:?}: {posted}");
        let mut received = Vec::new();
        while !(received.contains(&json!(after + 1)) && received.contains(&json!(after + 2))) {
            let frame = b.next("messages").await;
            received.extend(frame["messages"].as_array().unwrap().iter().map(|message| message["seq"].clone()));
        }
    }
}

/// A log that does not answer at all: the function does, before API Gateway has to.
#[tokio::test]
async fn unresponsive_log_is_busy() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let cloud = Cloud::shared();
    let hi = message(&conversation, 1, "hi");
    let unresponsive = |operation, function| {
        Kind::Delay(60_000, 60_000).rule().resource(aws::MESSAGES).operation(operation).function(function)
    };
    cloud.inject_faults(1, &[unresponsive("Query", "WsSend"), unresponsive("PutItem", "HttpMessages")]).await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let draft = json!({"client_message_id": hi["client_message_id"], "after_seq": 1, "text": "hi"});
    let (sent, (status, posted)) = tokio::join!(a.ask(hi.clone()), alice.post(&messages, &draft));
    cloud.clear_faults().await;
    assert!(is_busy(&sent["error"]), "{sent}");
    assert!(status == 503 && is_busy(&posted), "{posted}");
    let again = a.ask(hi).await;
    assert_eq!((&again["type"], &again["seq"]), (&json!("sent"), &json!(2)));
    assert_eq!(texts(&bob, &conversation).await, [(2, "hi".to_owned())]);
}

/// A connection that a throttled table does not register is refused; the client connects again.
#[tokio::test]
async fn handshake_that_cannot_be_registered_is_refused() {
    let _plan = PLAN.write().await;
    let (alice, ..) = pair().await;
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &[Kind::Throttle.rule().resource(CONNECTIONS).function("WsConnect")]).await;
    let mut request = handshake(cloud);
    request.headers_mut().insert("authorization", format!("Bearer {}", alice.token).parse().unwrap());
    let refused = Socket::open(request).await.err();
    cloud.clear_faults().await;
    assert_eq!(refused, Some(503));
    let mut socket = alice.connect().await;
    socket.pushed().await;
    let item = aws::dynamodb(&cloud.endpoints.aws.dynamodb)
        .get_item()
        .table_name(CONNECTIONS)
        .key("user_id", AttributeValue::S(alice.user_id.clone()))
        .send()
        .await
        .unwrap();
    assert_eq!(item.item().unwrap().keys().filter(|name| name.starts_with("c#")).count(), 1);
}

/// Receipts of others are read from tables of their own.
#[tokio::test]
async fn throttled_watermarks_are_busy() {
    let _plan = PLAN.write().await;
    let (alice, _, conversation) = pair().await;
    let (status, sent) = {
        let draft = json!({"client_message_id": uuid::Uuid::new_v4(), "text": "hi"});
        alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await
    };
    assert_eq!(status, 201, "{sent}");
    let cloud = Cloud::shared();
    let tables = ["local-ReadStatusTable", "local-DeliveryStatusTable"];
    cloud.inject_faults(1, &tables.map(|table| Kind::Throttle.rule().resource(table).function("HttpMessages"))).await;
    let path = format!("/v1/conversations/{conversation}");
    let read: [(u16, Value); 2] =
        [alice.get(&format!("{path}/receipts")).await, alice.get(&format!("{path}/messages/2/status")).await];
    cloud.clear_faults().await;
    for (status, problem) in read {
        assert!(status == 503 && is_busy(&problem), "{problem}");
    }
}
