//! Delivered and read receipts, and the notifications of them.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

async fn send(socket: &mut Socket, conversation: &str, after_seq: u64) -> u64 {
    let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
                       "after_seq": after_seq, "text": "x"});
    socket.ask(frame).await["seq"].as_u64().unwrap()
}

async fn receipt(socket: &mut Socket, action: &str, conversation: &str, seq: u64) {
    let frame = json!({"action": action, "receipts": [{"conversation_id": conversation, "seq": seq}]});
    assert_eq!(socket.ask(frame).await["type"], "accepted");
}

async fn next_receipt(socket: &mut Socket) -> Value {
    let receipts = socket.next("receipts").await["receipts"].clone();
    assert_eq!(receipts.as_array().map(Vec::len), Some(1), "{receipts}");
    receipts[0].clone()
}

#[tokio::test]
async fn sender_is_notified_of_delivery_and_read() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let seq = send(&mut a, &conversation, 1).await;
    let sent_at = b.next("message").await["message"]["sent_at"].clone();

    for (action, kind) in [("ack", "delivered"), ("read", "read")] {
        receipt(&mut b, action, &conversation, seq).await;
        let pushed = next_receipt(&mut a).await;
        assert_eq!((&pushed["kind"], &pushed["seq"]), (&json!(kind), &json!(seq)), "{pushed}");
        assert_eq!((&pushed["user_id"], &pushed["conversation_id"]), (&json!(bob.user_id), &json!(conversation)));
        assert!(pushed["at"].as_str() >= sent_at.as_str(), "{pushed} {sent_at}");
    }
}

#[tokio::test]
async fn receipts_are_clamped_to_the_head_and_never_move_back() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let first = send(&mut a, &conversation, 1).await;
    let second = send(&mut a, &conversation, first).await;
    receipt(&mut b, "read", &conversation, 9_000).await;
    assert_eq!(next_receipt(&mut a).await["seq"], second, "clamped to the head");

    // A lower one changes nothing; the next notification is of the one after it.
    receipt(&mut b, "read", &conversation, first).await;
    let third = send(&mut a, &conversation, second).await;
    receipt(&mut b, "read", &conversation, third).await;
    assert_eq!(next_receipt(&mut a).await["seq"], third);
}

#[tokio::test]
async fn receipts_of_non_members_are_ignored() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b, mut m) = tokio::join!(alice.connect(), bob.connect(), mallory.connect());
    let seq = send(&mut a, &conversation, 1).await;
    receipt(&mut m, "read", &conversation, seq).await;
    receipt(&mut b, "read", &conversation, seq).await;
    assert_eq!(next_receipt(&mut a).await["user_id"], bob.user_id);
}

#[tokio::test]
async fn message_status_lists_recipients_with_their_times() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id, carol.user_id]});
    let id = alice.post("/v1/conversations", &body).await.1["conversation_id"].as_str().unwrap().to_owned();
    let messages = format!("/v1/conversations/{id}/messages");
    alice.post(&messages, &json!({"client_message_id": uuid::Uuid::new_v4(), "text": "hi"})).await;
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    b.send(&json!({"action": "read", "receipts": [{"conversation_id": id, "seq": 2}]})).await;
    let pushed = a.next("receipts").await["receipts"][0].clone();

    let (status, page) = alice.get(&format!("{messages}/2/status")).await;
    assert_eq!((status, &page["cursor"]), (200, &serde_json::Value::Null), "{page}");
    let of = |user: &TestUser| {
        let recipients = page["recipients"].as_array().unwrap();
        recipients.iter().find(|status| status["user_id"] == user.user_id).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&of(&bob)["read_at"], &of(&bob)["delivered_at"]),
        (&pushed["at"], &pushed["at"]),
        "a read implies delivery"
    );
    assert_eq!((&of(&carol)["read_at"], &of(&carol)["delivered_at"]), (&json!(null), &json!(null)));
    assert_eq!(of(&alice), json!(null), "the sender is not a recipient");

    let (_, watermarks) = carol.get(&format!("/v1/conversations/{id}/receipts")).await;
    let watermarks = watermarks["receipts"].as_array().unwrap();
    let bobs = watermarks.iter().find(|entry| entry["user_id"] == bob.user_id).unwrap();
    assert_eq!((&bobs["read"], &bobs["delivered"]), (&json!({"seq": 2, "at": pushed["at"]}), &bobs["read"]));
    assert_eq!(bob.get(&format!("/v1/conversations/{id}")).await.1["unread"], 0);
    assert_eq!(carol.get(&format!("/v1/conversations/{id}")).await.1["unread"], 1);
}
