//! Events of messages, and answers to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use local_lambda::InvokeError;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::websocket_api::harness::{Plan, function_error, ok, payload};

#[tokio::test]
async fn a_message_goes_to_the_route_that_it_names() {
    let mut api = Plan::new().route("send", |_| async { ok() }).route("$default", |_| async { ok() }).start().await;
    let mut client = api.connect_with(&[("User-Agent", "test/1")]).await;
    let body = r#"{ "action": "send", "text": "hi" }"#;
    client.send_text(body).await;

    let event = api.event_of("send").await;
    serde_json::from_value::<ApiGatewayWebsocketProxyRequest>(event.clone()).unwrap();
    let fields: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["body", "isBase64Encoded", "requestContext"]);
    assert_eq!(event["body"], body);
    let context = &event["requestContext"];
    let fields: Vec<_> = context.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "apiId",
            "connectedAt",
            "connectionId",
            "domainName",
            "eventType",
            "extendedRequestId",
            "identity",
            "messageDirection",
            "messageId",
            "requestId",
            "requestTime",
            "requestTimeEpoch",
            "routeKey",
            "stage"
        ]
    );
    assert_eq!(context["routeKey"], "send");
    assert_eq!(context["eventType"], "MESSAGE");
    assert_eq!(context["identity"], json!({ "sourceIp": "127.0.0.1", "userAgent": "test/1" }));

    for other in [r#"{"action":"unknown"}"#, "not json", r#"{"action":"$disconnect"}"#] {
        client.send_text(other).await;
        let event = api.event_of("$default").await;
        assert_eq!(event["body"], other);
        assert_eq!(event["requestContext"]["routeKey"], "$default");
    }
}

#[tokio::test]
async fn a_message_without_a_route_is_forbidden() {
    let api = Plan::new().route("send", |_| async { ok() }).start().await;
    let mut client = api.connect().await;
    client.send_text("x").await;
    let text = client.text().await;
    assert!(text.starts_with(r#"{"message":"Forbidden","connectionId":""#), "{text}");
    assert!(text.contains(r#"","requestId":""#), "{text}");
}

#[tokio::test]
async fn only_a_route_with_a_response_replies() {
    let body = |text: &'static str| move |_| async move { payload(&json!({ "statusCode": 200, "body": text })) };
    let api = Plan::new()
        .route("silent", body("never"))
        .two_way("loud", body("heard"))
        .two_way("empty", |_| async { ok() })
        .two_way("failed", |_| async { payload(&json!({ "statusCode": 500, "body": "still heard" })) })
        .start()
        .await;
    let mut client = api.connect().await;
    for (action, reply) in [("empty", ""), ("failed", "still heard")] {
        client.send(&json!({ "action": "silent" })).await;
        client.send(&json!({ "action": action })).await;
        assert_eq!(client.text().await, reply);
    }
    client.send(&json!({ "action": "loud" })).await;
    assert_eq!(client.text().await, "heard");
    assert_eq!((api.stats.frames_in(), api.stats.frames_out()), (5, 3));
}

#[tokio::test]
async fn a_route_response_larger_than_a_message_is_a_failure() {
    let body = |bytes: usize| move |_| async move { payload(&json!({ "statusCode": 200, "body": "x".repeat(bytes) })) };
    let largest = 128 * 1024;
    let api = Plan::new().two_way("largest", body(largest)).two_way("larger", body(largest + 1)).start().await;
    let mut client = api.connect().await;
    client.send(&json!({ "action": "largest" })).await;
    assert_eq!(client.text().await.len(), largest);
    client.send(&json!({ "action": "larger" })).await;
    let text = client.text().await;
    assert!(text.starts_with(r#"{"message":"Internal server error","connectionId":""#), "{text}");
}

#[tokio::test]
async fn failures_reach_the_client_on_every_route() {
    let mut api = Plan::new()
        .route("error", |_| async { function_error("no") })
        .route("malformed", |_| async { payload(&json!("text")) })
        .two_way("unknown-key", |_| async { payload(&json!({ "statusCode": 200, "extra": 1 })) })
        .route("throttled", |_| async { Err(InvokeError::Throttled) })
        .route("slow", |_| std::future::pending())
        .timeout("slow", Duration::from_millis(1))
        .start()
        .await;
    let mut client = api.connect().await;
    for action in ["error", "malformed", "unknown-key", "throttled", "slow"] {
        client.send(&json!({ "action": action })).await;
        let context = api.event_of(action).await["requestContext"].take();
        let message = if action == "slow" { "Endpoint request timed out" } else { "Internal server error" };
        let expected: Value = json!({
            "message": message, "connectionId": context["connectionId"], "requestId": context["requestId"]
        });
        assert_eq!(client.json().await, expected, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_start_in_order_and_run_side_by_side() {
    const COUNT: usize = 90;
    let gate = Arc::new(Semaphore::new(0));
    let function = {
        let gate = gate.clone();
        move |event: Value| {
            let gate = gate.clone();
            async move {
                let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
                if body["n"] == 0 {
                    gate.acquire().await.unwrap().forget();
                }
                payload(&json!({ "statusCode": 200, "body": body["n"].to_string() }))
            }
        }
    };
    let mut api = Plan::new().two_way("count", function).start().await;
    let mut client = api.connect().await;
    for n in 0..COUNT {
        client.send(&json!({ "action": "count", "n": n })).await;
    }
    for n in 0..COUNT {
        let event = api.event_of("count").await;
        assert_eq!(event["body"], json!({ "action": "count", "n": n }).to_string());
    }
    // The first one waits, and nothing waits for it. Replies come in any order.
    let mut replies = BTreeSet::new();
    for _ in 1..COUNT {
        replies.insert(client.text().await.parse().unwrap());
    }
    assert_eq!(replies, (1..COUNT).collect());
    gate.add_permits(1);
    assert_eq!(client.text().await, "0");
}

#[tokio::test]
async fn a_flooding_client_waits_at_its_bound() {
    let gate = Arc::new(Semaphore::new(0));
    let function = {
        let gate = gate.clone();
        move |_| {
            let gate = gate.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                ok()
            }
        }
    };
    let mut plan = Plan::new().route("$default", function);
    plan.limits.in_flight = 2;
    let mut api = plan.start().await;
    let mut client = api.connect().await;
    for n in 0..3 {
        client.send_text(&n.to_string()).await;
    }
    for n in 0..2 {
        assert_eq!(api.event_of("$default").await["body"], n.to_string());
    }
    // All three have arrived, yet the third is started only when one of the two has ended.
    while api.stats.frames_in() < 3 {
        tokio::task::yield_now().await;
    }
    api.assert_no_event();
    gate.add_permits(1);
    assert_eq!(api.event_of("$default").await["body"], "2");
    gate.add_permits(2);
}
