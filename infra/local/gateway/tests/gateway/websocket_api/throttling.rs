//! Throttling of a route and of the account, as a client sees it.

use std::sync::Arc;

use futures_util::SinkExt;
use local_gateway::throttle::Account;
use local_template::model::RouteLimit;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::websocket_api::harness::{Api, Plan, TIMEOUT, ok, payload};
use crate::websocket_api::management::{connection_id, post, sdk};

/// So few a second that no test lives to see a token come back.
const RATE: f64 = 1e-6;
const ONCE: RouteLimit = RouteLimit { rate: RATE, burst: 1 };
const PLENTY: RouteLimit = RouteLimit { rate: RATE, burst: 1000 };

fn plan() -> Plan {
    let echo = |event: Value| async move { payload(&json!({ "statusCode": 200, "body": event["body"] })) };
    Plan::new().two_way("limited", echo).two_way("free", echo)
}

async fn with_account(requests: RouteLimit, connections: RouteLimit) -> Api {
    let mut plan = plan().route("$connect", |_| async { ok() });
    plan.limits.account = Arc::new(Account::new(requests, connections));
    plan.start().await
}

fn assert_throttled(refusal: &Value) {
    assert_eq!(refusal["message"], "Too Many Requests");
    for id in ["connectionId", "requestId"] {
        assert!(refusal[id].as_str().is_some_and(|id| !id.is_empty()), "{refusal}");
    }
}

#[tokio::test]
async fn a_message_beyond_its_routes_limit_is_refused_and_the_connection_lives() {
    let mut api = plan().limit("limited", ONCE).start().await;
    let (mut one, mut other) = (api.connect().await, api.connect().await);
    let limited = json!({ "action": "limited" });
    one.send(&limited).await;
    assert_eq!(one.json().await, limited);
    one.send(&limited).await;
    assert_throttled(&one.json().await);
    // The route's limit is for all of its clients, and for no other route.
    other.send(&limited).await;
    assert_throttled(&other.json().await);
    let free = json!({ "action": "free" });
    one.send(&free).await;
    assert_eq!(one.json().await, free);
    api.event_of("limited").await;
    api.event_of("free").await;
    api.assert_no_event();
}

#[tokio::test]
async fn a_client_that_does_not_read_its_refusals_is_closed_with_1008() {
    let mut plan =
        plan().route("$disconnect", |_| async { ok() }).limit("limited", RouteLimit { rate: RATE, burst: 0 });
    plan.limits.queue = 4;
    let mut api = plan.start().await;
    // A small buffer is soon full.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(api.address).await.unwrap();
    let (mut client, _) = client_async(format!("ws://{}/prod", api.address), stream).await.unwrap();
    let message = Message::text(json!({ "action": "limited" }).to_string());
    let flood = async { while client.send(message.clone()).await.is_ok() {} };
    timeout(TIMEOUT, flood).await.expect("the gateway closes");
    let context = api.event_of("$disconnect").await["requestContext"].take();
    assert_eq!(context["disconnectStatusCode"], u16::from(CloseCode::Policy));
    assert_eq!(context["disconnectReason"], "Too many requests");
}

#[tokio::test]
async fn a_handshake_beyond_the_limit_of_connect_gets_429_and_no_invocation() {
    let mut api = plan().route("$connect", |_| async { ok() }).limit("$connect", ONCE).start().await;
    let _client = api.connect().await;
    let refused = api.handshake("/prod", &[]).await;
    assert_eq!(refused.status(), 429);
    assert_throttled(&refused.json().await.unwrap());
    api.event_of("$connect").await;
    api.assert_no_event();
}

#[tokio::test]
async fn the_account_limits_new_connections() {
    let api = with_account(PLENTY, ONCE).await;
    let _client = api.connect().await;
    let refused = api.handshake("/prod", &[]).await;
    assert_eq!(refused.status(), 429);
    assert_throttled(&refused.json().await.unwrap());
}

#[tokio::test]
async fn the_account_limits_messages_and_posts_together() {
    // One for the handshake, one for the message, one for the post.
    let mut api = with_account(RouteLimit { rate: RATE, burst: 3 }, PLENTY).await;
    let mut client = api.connect().await;
    let id = connection_id(&api.event_of("$connect").await);
    let sdk = sdk(api.address);
    client.send(&json!({ "action": "free" })).await;
    client.json().await;
    post(&sdk, &id, b"posted").await.unwrap();
    assert_eq!(client.text().await, "posted");
    let refused = post(&sdk, &id, b"lost").await.unwrap_err();
    assert!(refused.is_limit_exceeded_exception(), "{refused:?}");
    client.send(&json!({ "action": "free" })).await;
    assert_throttled(&client.json().await);
    client.send(&json!({ "action": "nowhere" })).await;
    assert_throttled(&client.json().await);
}
