//! Clients that take nothing, or take their time.

use end_to_end::Cloud;
use end_to_end::faults::{Kind, Rule};
use serde_json::{Value, json};

use crate::{PLAN, message, pair, texts};

/// Every push of a sender's function.
fn pushes(kind: Kind) -> Rule {
    kind.rule().operation("PostToConnection").function("WsSend")
}

#[tokio::test]
async fn push_is_retried_after_one_failure() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let cloud = Cloud::shared();
    for (n, kind) in [Kind::Throttle, Kind::ResponseError, Kind::RequestLost].into_iter().enumerate() {
        let after = n as u64 + 1;
        cloud.inject_faults(1, &[pushes(kind).next(1)]).await;
        let sent = a.ask(message(&conversation, after, "hi")).await;
        cloud.clear_faults().await;
        assert_eq!(sent["seq"], after + 1, "{sent}");
        while b.next("message").await["message"]["seq"] != after + 1 {}
    }
}

#[tokio::test]
async fn throttled_client_keeps_its_connection_and_syncs_missed_messages() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    b.pushed().await;
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &[pushes(Kind::Throttle)]).await;
    let sent = a.ask(message(&conversation, 1, "one")).await;
    cloud.clear_faults().await;
    assert_eq!(sent["seq"], 2, "{sent}");
    assert_eq!(b.pushed().await, [] as [Value; 0]);
    assert_eq!(a.ask(message(&conversation, 2, "two")).await["seq"], 3);
    assert_eq!(b.next("message").await["message"]["seq"], 3, "the connection is kept");
    let synced = b.ask(json!({"action": "sync", "cursors": {&conversation: 1}})).await;
    let messages: Vec<&Value> = synced["conversations"][0]["messages"].as_array().unwrap().iter().collect();
    assert_eq!(messages.iter().map(|message| &message["seq"]).collect::<Vec<_>>(), [2, 3]);
}

/// The sender gets an answer after a second; another worker waits for the slow connections.
#[tokio::test]
async fn slow_client_does_not_delay_the_sender() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let cloud = Cloud::shared();
    let slow = ["WsSend", "HttpMessages"]
        .map(|name| Kind::Delay(60_000, 60_000).rule().operation("PostToConnection").function(name));
    cloud.inject_faults(1, &slow).await;
    let sent = a.ask(message(&conversation, 1, "one")).await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let edited = alice.patch(&format!("{messages}/2"), &json!({"text": "won"})).await;
    cloud.clear_faults().await;
    assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(2)), "{sent}");
    assert_eq!(edited.0, 200, "{edited:?}");
    let mut received = Vec::new();
    while !(received.contains(&json!(2)) && received.contains(&json!(3))) {
        let frame = b.next("messages").await;
        received.extend(frame["messages"].as_array().unwrap().iter().map(|message| message["seq"].clone()));
    }
    assert_eq!(texts(&bob, &conversation).await, [(2, "won".to_owned())]);
}
