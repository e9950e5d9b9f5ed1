//! The end of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::websocket_api::harness::{Api, Plan, ok};

async fn start() -> Api {
    Plan::new().route("$connect", |_| async { ok() }).route("$disconnect", |_| async { ok() }).start().await
}

#[tokio::test]
async fn disconnect_says_how_the_client_left() {
    let close = |code: u16, reason: &str| Some(CloseFrame { code: code.into(), reason: reason.into() });
    for (frame, code, reason) in [
        (close(4001, "bye"), 4001, "bye"),
        (close(1000, ""), 1000, "Connection Closed Normally"),
        (close(1001, ""), 1001, "Going away"),
        (None, 1005, "Client-side close frame status not set"),
    ] {
        let mut api = start().await;
        let mut client = api.connect().await;
        let connected = api.event_of("$connect").await;
        client.0.close(frame).await.unwrap();

        let event = api.event_of("$disconnect").await;
        serde_json::from_value::<ApiGatewayWebsocketProxyRequest>(event.clone()).unwrap();
        let host = api.address.to_string();
        assert_eq!(event["headers"], json!({ "Host": host, "X-Forwarded-For": "", "x-api-key": "", "x-restapi": "" }));
        let host = [&host];
        assert_eq!(
            event["multiValueHeaders"],
            json!({ "Host": host, "X-Forwarded-For": [""], "x-api-key": [""], "x-restapi": [""] })
        );
        let context = &event["requestContext"];
        assert_eq!(context["routeKey"], "$disconnect");
        assert_eq!(context["eventType"], "DISCONNECT");
        assert_eq!(context["disconnectStatusCode"], code);
        assert_eq!(context["disconnectReason"], reason);
        for same in ["connectionId", "connectedAt", "domainName", "identity"] {
            assert_eq!(context[same], connected["requestContext"][same]);
        }
        assert_eq!(api.stats.connections(), 0);
    }
}

#[tokio::test]
async fn a_client_that_vanishes_is_1006() {
    let mut api = start().await;
    let client = api.connect().await;
    api.event_of("$connect").await;
    drop(client);
    assert_eq!(api.event_of("$disconnect").await["requestContext"]["disconnectStatusCode"], 1006);
}

#[tokio::test]
async fn a_client_that_leaves_during_connect_is_disconnected_after_it() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = gate.clone();
    let connect = move |_| {
        let gate = waiting.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            ok()
        }
    };
    let mut api = Plan::new().route("$connect", connect).route("$disconnect", |_| async { ok() }).start().await;
    let address = api.address;
    let client = tokio::spawn(async move { connect_async(format!("ws://{address}/prod")).await });
    let connected = api.event_of("$connect").await;
    client.abort();
    assert!(client.await.is_err());
    gate.add_permits(1);
    let event = api.event_of("$disconnect").await;
    assert_eq!(event["requestContext"]["connectionId"], connected["requestContext"]["connectionId"]);
    assert_eq!(event["requestContext"]["disconnectStatusCode"], 1006);
    assert_eq!(api.stats.connections(), 0);
}

#[tokio::test]
async fn stopping_closes_every_connection() {
    let mut api = start().await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(api.connect().await);
        api.event_of("$connect").await;
    }
    assert_eq!(api.stats.connections(), 3);
    let watching = tokio::spawn(async move {
        for client in &mut clients {
            assert_eq!(client.closed().await.code, CloseCode::Away);
        }
    });
    api.stop().await;
    watching.await.unwrap();
    for _ in 0..3 {
        assert_eq!(api.event_of("$disconnect").await["requestContext"]["disconnectStatusCode"], 1001);
    }
    assert_eq!(api.stats.connections(), 0);
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way() {
    let done = Arc::new(AtomicBool::new(false));
    let finished = done.clone();
    let disconnect = move |_| {
        let finished = finished.clone();
        async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            finished.store(true, Ordering::Relaxed);
            ok()
        }
    };
    let mut api = Plan::new().route("$disconnect", disconnect).start().await;
    let client = api.connect().await;
    drop(client);
    api.event_of("$disconnect").await;
    api.stop().await;
    assert!(done.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_refused_client_has_no_disconnect() {
    let mut api = Plan::new()
        .route("$connect", |_| async { crate::websocket_api::harness::payload(&json!({ "statusCode": 403 })) })
        .route("$disconnect", |_| async { ok() })
        .start()
        .await;
    assert_eq!(api.handshake("/prod", &[]).await.status(), 403);
    let _: Value = api.event_of("$connect").await;
    api.stop().await;
    api.assert_no_event();
}
