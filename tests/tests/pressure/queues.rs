//! Queues that are throttled, or do not answer.

use std::collections::BTreeSet;

use end_to_end::faults::Kind;
use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, TestUser};
use serde_json::json;

use crate::{PLAN, is_busy, message, pair, receipt, texts};

#[tokio::test]
async fn receipt_that_cannot_be_queued_is_busy() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    assert_eq!(a.ask(message(&conversation, 1, "hi")).await["seq"], 2);
    let cloud = Cloud::shared();
    for kind in [Kind::Throttle, Kind::ResponseError, Kind::RequestLost, Kind::Delay(60_000, 60_000)] {
        cloud.inject_faults(1, &["WsAck", "WsRead"].map(|name| kind.rule().function(name))).await;
        // Errors are answered without an id, too.
        let read = json!({"action": "read", "receipts": [{"conversation_id": conversation, "seq": 2}]});
        b.send(&read).await;
        let acked = receipt(&mut b, "ack", &conversation, 2).await;
        let read = b.next("error").await;
        cloud.clear_faults().await;
        assert!(is_busy(&acked["error"]), "{kind:?}: {acked}");
        assert!(is_busy(&read["error"]), "{kind:?}: {read}");
    }
    let mut received = BTreeSet::new();
    for (action, kind) in [("ack", "delivered"), ("read", "read")] {
        assert_eq!(receipt(&mut b, action, &conversation, 2).await["type"], "accepted");
        while !received.contains(kind) {
            let frame = a.next("receipts").await;
            let receipts = frame["receipts"].as_array().unwrap().iter();
            received.extend(receipts.map(|receipt| receipt["kind"].as_str().unwrap().to_owned()));
        }
    }
}

/// No client is notified, and every client finds the message.
#[tokio::test]
async fn message_is_accepted_if_its_fan_out_cannot_be_queued() {
    let _plan = PLAN.write().await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let mut members = users_without_tokens(Cloud::shared(), 110).await;
    members.push(bob.user_id.clone());
    let conversation = create_group(&alice, &members).await;
    let mut a = alice.connect().await;
    let cloud = Cloud::shared();
    let head = alice.get(&format!("/v1/conversations/{conversation}")).await.1["head_seq"].as_u64().unwrap();
    let mut expected = Vec::new();
    for (n, kind) in [Kind::Throttle, Kind::RequestLost, Kind::Delay(60_000, 60_000)].into_iter().enumerate() {
        let after = head + 2 * n as u64;
        let text = format!("{kind:?}");
        cloud
            .inject_faults(
                1,
                &["WsSend", "HttpMessages"].map(|name| kind.rule().operation("SendMessageBatch").function(name)),
            )
            .await;
        let sent = a.ask(message(&conversation, after, &text)).await;
        let draft = json!({"client_message_id": uuid::Uuid::new_v4(), "after_seq": after + 1, "text": text});
        let (status, posted) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await;
        cloud.clear_faults().await;
        assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(after + 1)), "{kind:?}: {sent}");
        assert_eq!((status, &posted["seq"]), (201, &json!(after + 2)), "{kind:?}: {posted}");
        expected.extend([(after + 1, text.clone()), (after + 2, text)]);
    }
    assert_eq!(texts(&bob, &conversation).await, expected);
}
