//! Batches through both doors: one answer, one frame for each recipient, and clear errors.

use domain::flood::RecentSenders;
use domain::{MessageId, Timestamp};
use end_to_end::aws::{dynamodb, log};
use end_to_end::cloud::FLOOD_LIMIT;
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use store::dynamodb::LogItem;
use uuid::Uuid;

fn batch(after_seq: u64, texts: &[&str]) -> Value {
    let message = |text: &&str| json!({"client_message_id": Uuid::new_v4(), "text": text});
    json!({"after_seq": after_seq, "messages": texts.iter().map(message).collect::<Vec<_>>()})
}

fn frame(conversation: &str, body: &Value) -> Value {
    let mut frame = body.clone();
    frame["action"] = json!("send");
    frame["conversation_id"] = json!(conversation);
    frame
}

async fn pair() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    (alice, bob, conversation)
}

/// Returns the field of each message.
fn each(answer: &Value, field: &str) -> Vec<Value> {
    answer["messages"].as_array().unwrap().iter().map(|message| message[field].clone()).collect()
}

#[tokio::test]
async fn batch_is_answered_as_one_and_pushed_as_one() {
    let (alice, bob, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let (mut a, mut a2, mut b) = tokio::join!(alice.connect(), alice.connect(), bob.connect());
    let body = batch(1, &["one", "two", "three"]);
    let sent = a.ask(frame(&conversation, &body)).await;
    assert_eq!((&sent["type"], &sent["conversation_id"]), (&json!("sent"), &json!(conversation)), "{sent}");
    assert_eq!(each(&sent, "seq"), [2, 3, 4]);
    assert_eq!(each(&sent, "duplicate"), [false, false, false]);
    assert_eq!(each(&sent, "client_message_id"), each(&body, "client_message_id"));
    assert_eq!(sent.get("error"), None);

    let pushed = b.next("messages").await;
    for field in ["seq", "message_id", "sent_at"] {
        assert_eq!(each(&pushed, field), each(&sent, field), "{field}");
    }
    assert_eq!(
        (each(&pushed, "text"), &pushed["messages"][0]["client_message_id"]),
        (each(&body, "text"), &Value::Null)
    );
    let own = a2.next("messages").await;
    assert_eq!(each(&own, "client_message_id"), each(&body, "client_message_id"));
    assert_eq!(a.pushed().await, [] as [Value; 0], "the answer is the only notification of the sending connection");
    assert_eq!(b.pushed().await, [] as [Value; 0], "there is one frame");

    // Over HTTP the same batch again, then with one more message, then with a single one.
    let (status, again) = alice.post(&path, &body).await;
    assert_eq!(
        (status, each(&again, "seq"), each(&again, "duplicate")),
        (200, each(&sent, "seq"), vec![json!(true); 3])
    );
    let mut longer = body.clone();
    longer["messages"].as_array_mut().unwrap().push(json!({"client_message_id": Uuid::new_v4(), "text": "four"}));
    let (status, sent) = alice.post(&path, &longer).await;
    assert_eq!((status, each(&sent, "seq")), (201, vec![json!(2), json!(3), json!(4), json!(5)]), "{sent}");
    let (status, sent) = alice.post(&path, &batch(5, &["alone"])).await;
    assert_eq!((status, each(&sent, "seq")), (201, vec![json!(6)]));
    for expected in [3, 4] {
        assert_eq!(each(&b.next("messages").await, "seq").len(), expected);
    }
    assert_eq!(b.next("message").await["message"]["text"], "alone");
}

#[tokio::test]
async fn odd_batches_have_the_same_verdict_at_both_doors_and_write_nothing() {
    let (alice, bob, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let mut socket = alice.connect().await;
    let id = Uuid::new_v4();
    let plain = || json!({"client_message_id": Uuid::new_v4(), "text": "hi"});
    let too_many: Vec<Value> = (0..26).map(|_| plain()).collect();
    let with = |field: &str, value: Value| {
        let mut message = plain();
        message[field] = value;
        json!({"after_seq": 1, "messages": [plain(), message]})
    };
    let beside = |field: &str, value: Value| {
        let mut body = json!({"after_seq": 1, "messages": [plain()]});
        body[field] = value;
        body
    };
    for (body, code, named) in [
        (json!({"messages": []}), "invalid_request", "`messages` "),
        (json!({"messages": too_many}), "too_many_messages", "`messages` "),
        (json!({"messages": {"0": plain()}}), "invalid_request", "`messages` "),
        (json!({"messages": [plain(), [plain()]]}), "invalid_request", "`messages[1]` "),
        (json!({"messages": [plain(), {"text": "hi"}]}), "invalid_request", "`messages[1].client_message_id`"),
        (
            json!({"messages": [{"client_message_id": id, "text": "a"}, {"client_message_id": id, "text": "b"}]}),
            "invalid_request",
            "`messages[1].client_message_id` ",
        ),
        (beside("client_message_id", json!(id)), "invalid_request", "`client_message_id` "),
        (beside("text", json!("hi")), "invalid_request", "`text` "),
        (beside("mentions", json!([])), "invalid_request", "`mentions` "),
        (beside("after_seq", json!(99)), "invalid_request", "`after_seq` "),
        (with("after_seq", json!(1)), "invalid_request", "`messages[1].after_seq` "),
        (with("client_message_id", json!("x")), "invalid_uuid", "`messages[1].client_message_id` "),
        (with("text", json!("")), "invalid_request", "`messages[1].text` "),
        (with("text", json!("x".repeat(8193))), "text_too_large", "`messages[1].text` "),
        (with("reply_to_seq", json!(0)), "invalid_request", "`messages[1].reply_to_seq` "),
        (with("reply_to_seq", json!(2)), "message_not_found", "`messages[1]`"),
        (with("mentions", json!(["bob"])), "invalid_uuid", "`messages[1].mentions[0]` "),
        (with("attachment_ids", json!([Uuid::new_v4()])), "file_not_ready", "`messages[1]`"),
        (with("attachment_ids", json!([id, id])), "invalid_request", "`messages[1].attachment_ids` "),
    ] {
        let (_, problem) = alice.post(&path, &body).await;
        let error = socket.ask(frame(&conversation, &body)).await["error"].clone();
        for (code_found, detail) in [(&problem["code"], &problem["detail"]), (&error["code"], &error["detail"])] {
            assert_eq!(code_found, code, "{body:.200}: {problem} {error}");
            assert!(detail.as_str().unwrap().contains(named), "{named}: {detail}");
        }
    }
    let (status, page) = bob.get(&path).await;
    assert_eq!((status, page["messages"].as_array().unwrap().len()), (200, 1), "{page}");
    let stranger = TestUser::new("carol").await;
    assert_eq!(stranger.post(&path, &batch(1, &["a", "b"])).await.1["code"], "not_a_member");
}

/// Makes the log say that the user may send so many more messages.
async fn leave_room_for(user: &TestUser, conversation: &str, messages: u32) {
    let log = log(&dynamodb(&Cloud::shared().endpoints.aws.dynamodb)).messages;
    let head = log.head(conversation.parse().unwrap(), true).await.unwrap().unwrap();
    let now = Timestamp::now();
    let count = json!([{"u": user.user_id, "s": now.epoch_millis(), "n": FLOOD_LIMIT - messages}]);
    let recent_senders: RecentSenders = serde_json::from_value(count).unwrap();
    let (seq, sent_at) = (head.seq.next(), now.max(head.sent_at.next()));
    let (message_id, attempt) = (MessageId::generate(sent_at), Uuid::new_v4());
    log.put(&LogItem { seq, sent_at, message_id, attempt, client_message_id: None, recent_senders, ..head })
        .await
        .unwrap();
}

#[tokio::test]
async fn messages_that_fit_are_written_and_the_rest_gets_the_wait() {
    let (alice, bob, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let (mut a, mut b): (Socket, Socket) = tokio::join!(alice.connect(), bob.connect());
    leave_room_for(&alice, &conversation, 2).await;
    let body = batch(2, &["one", "two", "three", "four"]);
    let has_wait = |error: &Value| {
        error["code"] == "rate_limited" && error["retryable"] == true && error["retry_after_ms"].as_u64() > Some(0)
    };
    let sent = a.ask(frame(&conversation, &body)).await;
    assert_eq!((&sent["type"], each(&sent, "seq")), (&json!("sent"), vec![json!(3), json!(4)]), "{sent}");
    assert!(has_wait(&sent["error"]) && sent["error"]["request_id"].is_string(), "{sent}");
    assert_eq!(each(&b.next("messages").await, "seq"), [3, 4]);

    let (status, again) = alice.post(&path, &body).await;
    assert_eq!((status, each(&again, "duplicate")), (200, vec![json!(true); 2]), "{again}");
    assert!(has_wait(&again["error"]), "{again}");
    // Without a message that has a seq the answer is the error itself.
    let rest = json!({"after_seq": 2, "messages": body["messages"].as_array().unwrap()[2..]});
    let (status, problem) = alice.post(&path, &rest).await;
    assert_eq!((status, has_wait(&problem)), (429, true), "{problem}");
    let error = a.ask(frame(&conversation, &rest)).await;
    assert_eq!((&error["type"], has_wait(&error["error"])), (&json!("error"), true), "{error}");
}
