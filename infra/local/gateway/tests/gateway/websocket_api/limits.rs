//! The limits for which API Gateway closes connections.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

use crate::websocket_api::harness::{Api, Client, Plan, ok, payload};

const KIB: usize = 1024;

async fn start() -> Api {
    let length = |event: serde_json::Value| async move {
        let length = event["body"].as_str().unwrap().len();
        payload(&json!({ "statusCode": 200, "body": length.to_string() }))
    };
    Plan::new().two_way("$default", length).route("$disconnect", |_| async { ok() }).start().await
}

/// Sends one message in frames of these lengths.
async fn send_in_frames(client: &mut Client, lengths: &[usize]) {
    for (at, length) in lengths.iter().enumerate() {
        let opcode = OpCode::Data(if at == 0 { Data::Text } else { Data::Continue });
        let frame = Frame::message(vec![b'x'; *length], opcode, at + 1 == lengths.len());
        client.0.feed(Message::Frame(frame)).await.unwrap();
    }
    client.0.flush().await.unwrap();
}

#[tokio::test]
async fn messages_up_to_the_quotas_pass() {
    let api = start().await;
    let mut client = api.connect().await;
    send_in_frames(&mut client, &[32 * KIB]).await;
    assert_eq!(client.text().await, (32 * KIB).to_string());
    send_in_frames(&mut client, &[32 * KIB; 4]).await;
    assert_eq!(client.text().await, (128 * KIB).to_string());
}

#[tokio::test]
async fn a_frame_or_message_beyond_them_closes_with_1009() {
    for lengths in [&[32 * KIB + 1][..], &[32 * KIB, 32 * KIB, 32 * KIB, 32 * KIB, 1]] {
        let mut api = start().await;
        let mut client = api.connect().await;
        send_in_frames(&mut client, lengths).await;
        assert_eq!(client.closed().await.code, CloseCode::Size);
        assert_eq!(api.event_of("$disconnect").await["requestContext"]["disconnectStatusCode"], 1009);
    }
}

#[tokio::test]
async fn a_client_sees_the_code_though_it_sends_on() {
    let api = start().await;
    let mut client = api.connect().await;
    // More than the buffers between the two hold.
    send_in_frames(&mut client, &[16 * 1024 * KIB]).await;
    assert_eq!(client.closed().await.code, CloseCode::Size);
}

#[tokio::test]
async fn a_binary_frame_closes_with_1003() {
    let mut api = start().await;
    let mut client = api.connect().await;
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.closed().await.code, CloseCode::Unsupported);
    assert_eq!(api.event_of("$disconnect").await["requestContext"]["disconnectStatusCode"], 1003);
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let api = start().await;
    let mut client = api.connect().await;
    let frame = Frame::message(vec![0xff], OpCode::Data(Data::Text), true);
    client.0.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(client.closed().await.code, CloseCode::Invalid);
}

#[tokio::test]
async fn pings_are_answered() {
    let api = start().await;
    let mut client = api.connect().await;
    client.0.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(client.frame().await, Message::Pong("are you there".into()));
}

#[tokio::test]
async fn idle_and_old_connections_are_closed_with_1001() {
    let short = Duration::from_millis(30);
    for idle in [true, false] {
        let mut plan = Plan::new().route("$disconnect", |_| async { ok() });
        *(if idle { &mut plan.limits.idle } else { &mut plan.limits.lifetime }) = short;
        let mut api = plan.start().await;
        let mut client = api.connect().await;
        let frame = client.closed().await;
        assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "Going away"));
        let context = api.event_of("$disconnect").await["requestContext"].take();
        assert_eq!(context["disconnectStatusCode"], 1001);
        assert_eq!(context["disconnectReason"], "Going away");
    }
}
