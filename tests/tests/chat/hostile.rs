//! Clients that lie, guess or stumble.

use end_to_end::test_user::{answer, client};
use end_to_end::{Cloud, Socket, TestUser};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn code(socket: &mut Socket, frame: Value) -> Value {
    socket.ask(frame).await["error"]["code"].clone()
}

fn send(conversation: &str, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "after_seq": 1,
           "text": text})
}

#[tokio::test]
async fn non_members_cannot_send_or_read() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut m, mut b) = tokio::join!(mallory.connect(), bob.connect());
    assert_eq!(code(&mut m, send(&conversation, "let me in")).await, "not_a_member");
    // Neither a seq that exists nor one that does not reveals anything to a user who is not a member.
    for after_seq in [json!(0), json!(77), json!(null)] {
        let mut frame = send(&conversation, "let me in");
        frame["after_seq"] = after_seq;
        assert_eq!(code(&mut m, frame).await, "not_a_member");
    }
    assert_eq!(code(&mut m, send(&Uuid::new_v4().to_string(), "anyone?")).await, "not_a_member");
    let (status, problem) = mallory.get(&format!("/v1/conversations/{conversation}/messages")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("conversation_not_found")));
    assert_eq!(b.pushed().await, [] as [Value; 0]);
    assert_eq!(alice.get(&format!("/v1/conversations/{conversation}")).await.1["head_seq"], 1);
}

#[tokio::test]
async fn the_server_decides_sender_and_time() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let mut frame = send(&conversation, "it was bob");
    for (field, lie) in [
        ("sender_id", json!(bob.user_id)),
        ("user_id", json!(bob.user_id)),
        ("sender", json!("bob")),
        ("sent_at", json!("2001-01-01T00:00:00.000Z")),
        ("seq", json!(900)),
        ("message_id", json!(Uuid::nil())),
        ("kind", json!("created")),
        ("members_seq", json!(900)),
    ] {
        frame[field] = lie;
    }
    let sent = a.ask(frame).await;
    assert_eq!(sent["seq"], 2, "{sent}");
    let message = b.next("message").await["message"].clone();
    assert_eq!((&message["sender_id"], &message["kind"]), (&json!(alice.user_id), &json!("text")));
    assert!(message["sent_at"].as_str() > Some("2026"), "{message}");
    assert_ne!(message["message_id"], json!(Uuid::nil()));
}

#[tokio::test]
async fn invalid_frames_have_their_error_codes_and_keep_the_connection() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let mut a = alice.connect().await;

    for broken in ["{", "hello", ""] {
        a.send_text(broken).await;
        assert_eq!(a.next("error").await["error"]["code"], "bad_json", "{broken:?}");
    }
    assert_eq!(code(&mut a, json!({"action": "fly"})).await, "unknown_action");
    for id in [json!(7), json!("x".repeat(129))] {
        // Carried out without an answer, it would leave the client waiting.
        let mut frame = send(&conversation, "who asked?");
        frame["id"] = id;
        a.send(&frame).await;
        assert_eq!(a.next("error").await["error"]["code"], "invalid_request");
    }
    assert_eq!(code(&mut a, json!({"text": "no action"})).await, "invalid_request");
    assert_eq!(code(&mut a, send(&conversation, &"é".repeat(4097))).await, "text_too_large");
    assert_eq!(code(&mut a, send(&conversation, " ")).await, "invalid_request");
    assert_eq!(code(&mut a, send("not a uuid", "x")).await, "invalid_uuid");
    assert_eq!(code(&mut a, json!({"action": "send"})).await, "invalid_request");

    let mut frame = send(&conversation, "x");
    frame["after_seq"] = json!(2);
    assert_eq!(code(&mut a, frame.clone()).await, "invalid_request", "the seq does not exist yet");
    frame["after_seq"] = json!(-1);
    assert_eq!(code(&mut a, frame.clone()).await, "invalid_request");
    frame["after_seq"] = json!(1);
    frame["mentions"] = json!(vec![Uuid::nil(); 51]);
    assert_eq!(code(&mut a, frame.clone()).await, "too_many_mentions");
    frame["mentions"] = json!([]);
    frame["attachment_ids"] = json!([Uuid::nil()]);
    assert_eq!(code(&mut a, frame).await, "file_not_ready");

    for action in ["ack", "read"] {
        let receipts = |receipts: Value| json!({"action": action, "receipts": receipts});
        let receipt = json!({"conversation_id": conversation, "seq": 1});
        assert_eq!(code(&mut a, receipts(json!([]))).await, "invalid_request");
        assert_eq!(code(&mut a, receipts(json!(vec![receipt; 101]))).await, "too_many_receipts");
        let zero = json!([{"conversation_id": conversation, "seq": 0}]);
        assert_eq!(code(&mut a, receipts(zero)).await, "invalid_request");
    }

    let sent = a.ask(send(&conversation, &"é".repeat(4096))).await;
    assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(2)), "the refused frames had no effect: {sent}");
}

#[tokio::test]
async fn paths_without_a_route_get_problem_details() {
    let alice = TestUser::new("alice").await;
    for path in ["/", "/v1", "/v1/users/", "/v1/user/me", "/v1/conversations/a/b/c?limit=1", "/v2/users/me"] {
        let (status, problem) = alice.get(path).await;
        assert_eq!((status, &problem["code"], &problem["status"]), (404, &json!("not_found"), &json!(404)), "{path}");
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
    }
    assert_eq!(alice.put("/v1/presence", &json!({})).await.1["code"], "not_found", "another method");
    let url = format!("{}/v1/nowhere", Cloud::shared().endpoints.http);
    let (status, problem) = answer(client().get(&url)).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "without a token");
    let preflight = client().request(Method::OPTIONS, format!("{}/v1/users/me", Cloud::shared().endpoints.http));
    let preflight = preflight.header("origin", "https://a.example").header("access-control-request-method", "PUT");
    assert_eq!(answer(preflight).await, (204, Value::Null));
}

#[tokio::test]
async fn errors_have_only_the_documented_fields() {
    let alice = TestUser::new("alice").await;
    let mut a = alice.connect().await;
    let error = a.ask(send(&Uuid::new_v4().to_string(), "x")).await["error"].clone();
    let fields: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "detail", "request_id", "retry_after_ms", "retryable"]);
    assert_eq!((&error["retryable"], &error["retry_after_ms"]), (&json!(false), &json!(null)));
    assert!(error["request_id"].as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()), "{error}");
}
