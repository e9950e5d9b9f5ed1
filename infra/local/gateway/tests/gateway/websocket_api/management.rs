//! `@connections`, as the AWS SDK calls it.

use std::time::{Duration, Instant};

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::websocket_api::harness::{Api, Plan, ok};

/// A client of the API's own endpoint that never retries.
pub(crate) fn sdk(address: std::net::SocketAddr) -> Client {
    let config = local_testing::sdk_without_retries(format!("http://{address}/prod"), "key");
    Client::new(&config)
}

async fn start() -> Api {
    Plan::new().route("$connect", |_| async { ok() }).route("$disconnect", |_| async { ok() }).start().await
}

pub(crate) fn connection_id(event: &Value) -> String {
    event["requestContext"]["connectionId"].as_str().unwrap().to_owned()
}

pub(crate) async fn post(sdk: &Client, id: &str, data: &[u8]) -> Result<(), PostToConnectionError> {
    let call = sdk.post_to_connection().connection_id(id).data(Blob::new(data)).send().await;
    call.map(drop).map_err(aws_sdk_apigatewaymanagement::error::SdkError::into_service_error)
}

#[tokio::test]
async fn a_function_posts_looks_up_and_deletes() {
    let mut api = start().await;
    let mut client = api.connect_with(&[("User-Agent", "test/1")]).await;
    let connected = api.event_of("$connect").await;
    let (sdk, id) = (sdk(api.address), connection_id(&connected));

    for n in 0..3 {
        post(&sdk, &id, n.to_string().as_bytes()).await.unwrap();
    }
    for n in 0..3 {
        assert_eq!(client.text().await, n.to_string());
    }

    let found = sdk.get_connection().connection_id(&id).send().await.unwrap();
    let connected_at = found.connected_at().unwrap();
    assert_eq!(connected_at.to_millis().unwrap(), connected["requestContext"]["connectedAt"].as_i64().unwrap());
    assert!(found.last_active_at().unwrap() >= connected_at);
    assert_eq!(found.identity().unwrap().source_ip(), Some("127.0.0.1"));
    assert_eq!(found.identity().unwrap().user_agent(), Some("test/1"));

    sdk.delete_connection().connection_id(&id).send().await.unwrap();
    assert_eq!(client.closed().await.code, CloseCode::Normal);
    let context = api.event_of("$disconnect").await["requestContext"].take();
    assert_eq!(context["disconnectStatusCode"], 1000);
    assert_eq!(context["disconnectReason"], "Connection Closed Normally");

    assert!(post(&sdk, &id, b"x").await.unwrap_err().is_gone_exception());
    let error = sdk.get_connection().connection_id(&id).send().await.unwrap_err().into_service_error();
    assert!(error.is_gone_exception());
    let error = sdk.delete_connection().connection_id(&id).send().await.unwrap_err().into_service_error();
    assert!(error.is_gone_exception());
}

#[tokio::test]
async fn messages_posted_before_a_deletion_are_delivered() {
    let mut api = start().await;
    let mut client = api.connect().await;
    let (sdk, id) = (sdk(api.address), connection_id(&api.event_of("$connect").await));
    // More than the buffers between the two hold, so that some wait in the queue.
    let large = vec![b'x'; 128 * 1024];
    for _ in 0..64 {
        post(&sdk, &id, &large).await.unwrap();
    }
    sdk.delete_connection().connection_id(&id).send().await.unwrap();
    for _ in 0..64 {
        assert_eq!(client.text().await.len(), large.len());
    }
    assert_eq!(client.closed().await.code, CloseCode::Normal);
}

#[tokio::test]
async fn frames_either_way_count_as_activity() {
    let mut api = start().await;
    let mut client = api.connect().await;
    let (sdk, id) = (sdk(api.address), connection_id(&api.event_of("$connect").await));
    let last_active = async || {
        let found = sdk.get_connection().connection_id(&id).send().await;
        found.unwrap().last_active_at().unwrap().to_millis().unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    for from_client in [true, false] {
        let before = last_active().await;
        while last_active().await == before {
            assert!(Instant::now() < deadline, "from client: {from_client}");
            if from_client {
                client.0.send(Message::Ping(Bytes::new())).await.unwrap();
            } else {
                post(&sdk, &id, b"x").await.unwrap();
            }
            client.frame().await;
        }
    }
}

#[tokio::test]
async fn a_post_to_a_closed_connection_is_answered_with_410() {
    let mut api = start().await;
    let mut client = api.connect().await;
    let id = connection_id(&api.event_of("$connect").await);
    client.0.close(None).await.unwrap();
    api.event_of("$disconnect").await;
    assert!(post(&sdk(api.address), &id, b"x").await.unwrap_err().is_gone_exception());
}

#[tokio::test]
async fn a_connection_exists_only_after_connect_has_returned() {
    let (sender, mut attempts) = tokio::sync::mpsc::unbounded_channel();
    let listener_address = std::sync::Arc::new(std::sync::OnceLock::new());
    let address = listener_address.clone();
    let api = Plan::new()
        .route("$connect", move |event| {
            let (sender, address) = (sender.clone(), *address.get().unwrap());
            async move {
                let id = connection_id(&event);
                let gone = post(&sdk(address), &id, b"too early").await.unwrap_err().is_gone_exception();
                sender.send((id, gone)).unwrap();
                ok()
            }
        })
        .start()
        .await;
    listener_address.set(api.address).unwrap();
    let mut client = api.connect().await;
    let (id, gone) = attempts.recv().await.unwrap();
    assert!(gone);
    post(&sdk(api.address), &id, b"in time").await.unwrap();
    assert_eq!(client.text().await, "in time");
}

#[tokio::test]
async fn a_message_may_have_128_kib() {
    let mut api = start().await;
    let mut client = api.connect().await;
    let (sdk, id) = (sdk(api.address), connection_id(&api.event_of("$connect").await));
    let largest = vec![b'x'; 128 * 1024];
    post(&sdk, &id, &largest).await.unwrap();
    assert_eq!(client.text().await.len(), largest.len());
    let error = post(&sdk, &id, &[largest.as_slice(), b"x"].concat()).await.unwrap_err();
    assert!(error.is_payload_too_large_exception(), "{error:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_delay_others() {
    let mut api = start().await;
    let slow = api.connect().await;
    let slow_id = connection_id(&api.event_of("$connect").await);
    let mut other = api.connect().await;
    let other_id = connection_id(&api.event_of("$connect").await);
    let sdk = sdk(api.address);

    let large = vec![b'x'; 128 * 1024];
    let mut accepted = 0;
    let error = loop {
        match post(&sdk, &slow_id, &large).await {
            Ok(()) if accepted == 1000 => panic!("nothing stops a poster"),
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_limit_exceeded_exception(), "after {accepted} messages: {error:?}");
    post(&sdk, &other_id, b"hello").await.unwrap();
    assert_eq!(other.text().await, "hello");
    drop(slow);
    assert_eq!(connection_id(&api.event_of("$disconnect").await), slow_id);
}

#[tokio::test]
async fn calls_are_signed_and_of_this_stage() {
    let mut api = start().await;
    let _client = api.connect().await;
    let id = connection_id(&api.event_of("$connect").await).replace('=', "%3D");
    let http = reqwest::Client::new();
    let url = |stage: &str| format!("http://{}/{stage}/@connections/{id}", api.address);

    let unsigned = http.get(url("prod")).send().await.unwrap();
    assert_eq!(unsigned.status(), 403);
    assert_eq!(unsigned.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");

    let signed = |request: reqwest::RequestBuilder| local_testing::signed(request, "execute-api");
    assert_eq!(signed(http.get(url("prod"))).send().await.unwrap().status(), 200);
    assert_eq!(signed(http.get(url("dev"))).send().await.unwrap().status(), 403);
    assert_eq!(signed(http.put(url("prod"))).send().await.unwrap().status(), 403);
}
