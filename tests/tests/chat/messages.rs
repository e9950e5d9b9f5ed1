//! Messages: each has one seq, every member sees the same, and no other user sees them.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

fn message(conversation: &str, after_seq: u64, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
           "after_seq": after_seq, "text": text})
}

async fn pair() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    (alice, bob, conversation)
}

async fn history(user: &TestUser, conversation: &str, query: &str) -> Vec<Value> {
    let (status, page) = user.get(&format!("/v1/conversations/{conversation}/messages{query}")).await;
    assert_eq!(status, 200, "{page}");
    page["messages"].as_array().unwrap().clone()
}

async fn connect(user: &TestUser) -> Socket {
    user.connect().await
}

#[tokio::test]
async fn message_is_pushed_to_the_peer_and_appears_in_history() {
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(connect(&alice), connect(&bob));
    let frame = message(&conversation, 1, "Hello, Bob — 你好");
    let sent = a.ask(frame.clone()).await;
    assert_eq!((&sent["type"], &sent["seq"], &sent["duplicate"]), (&json!("sent"), &json!(2), &json!(false)), "{sent}");

    let pushed = b.next("message").await["message"].clone();
    assert_eq!(pushed["text"], "Hello, Bob — 你好");
    for field in ["conversation_id", "seq", "message_id", "sent_at"] {
        assert_eq!(pushed[field], sent[field], "{field}");
    }
    assert_eq!(pushed["sender_id"], alice.user_id);
    assert_eq!(pushed.get("client_message_id"), None, "only the sender sees it");

    let mut own = pushed.clone();
    assert_eq!(history(&bob, &conversation, "?after_seq=1").await, [pushed]);
    own["client_message_id"] = frame["client_message_id"].clone();
    assert_eq!(history(&alice, &conversation, "?after_seq=1").await, [own]);
}

#[tokio::test]
async fn resend_returns_the_seq_of_the_first_send() {
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(connect(&alice), connect(&bob));
    let frame = message(&conversation, 1, "once");
    let first = a.ask(frame.clone()).await;
    b.ask(message(&conversation, 2, "in between")).await;
    let mut again = a.ask(frame.clone()).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)), "{again}");
    again["duplicate"] = json!(false);
    again["reply_to"] = first["reply_to"].clone();
    assert_eq!(again, first);

    let mut other = frame;
    other["text"] = json!("twice");
    assert_eq!(a.ask(other).await["error"]["code"], "idempotency_mismatch");
    let texts: Vec<Value> = history(&bob, &conversation, "").await.iter().map(|item| item["text"].clone()).collect();
    assert_eq!(texts, [json!(null), json!("once"), json!("in between")]);
}

#[tokio::test]
async fn success_is_answered_only_if_the_frame_has_an_id() {
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(connect(&alice), connect(&bob));
    a.send(&message(&conversation, 1, "no id")).await;
    assert_eq!(b.next("message").await["message"]["text"], "no id");
    assert_eq!(a.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn message_is_pushed_to_every_device_except_the_sending_one() {
    let (alice, bob, conversation) = pair().await;
    let (mut phone, mut laptop) = tokio::join!(connect(&alice), connect(&alice));
    let (mut b1, mut b2) = tokio::join!(connect(&bob), connect(&bob));
    let frame = message(&conversation, 1, "to all");
    phone.ask(frame.clone()).await;
    for device in [&mut b1, &mut b2] {
        assert_eq!(device.next("message").await["message"]["text"], "to all");
    }
    assert_eq!(laptop.next("message").await["message"]["client_message_id"], frame["client_message_id"]);
    assert_eq!(phone.pushed().await, [] as [Value; 0]);
}

#[tokio::test]
async fn dead_connection_does_not_affect_other_recipients() {
    let (alice, bob, conversation) = pair().await;
    let (mut a, dead, mut other) = tokio::join!(connect(&alice), connect(&bob), connect(&bob));
    dead.disconnect_abruptly();
    for n in 1..4 {
        let sent = a.ask(message(&conversation, n, "still there?")).await;
        assert_eq!(sent["seq"], n + 1, "{sent}");
        assert_eq!(other.next("message").await["message"]["seq"], n + 1);
    }
}

#[tokio::test]
async fn concurrent_sends_get_consecutive_seqs() {
    let (alice, bob, conversation) = pair().await;
    let mut senders = Vec::new();
    for user in [&alice, &bob, &alice, &bob] {
        let (user, conversation) = (user.clone(), conversation.clone());
        senders.push(tokio::spawn(async move {
            let mut socket = user.connect().await;
            let (mut seen, mut seqs) = (1, Vec::new());
            for n in 0..5 {
                let frame = message(&conversation, seen, &format!("{n}"));
                let sent = loop {
                    let sent = socket.ask(frame.clone()).await;
                    if sent["error"]["code"] != "busy" {
                        break sent;
                    }
                };
                seen = sent["seq"].as_u64().unwrap_or_else(|| panic!("{sent}"));
                seqs.push(seen);
            }
            assert!(seqs.is_sorted(), "{seqs:?}");
            seqs
        }));
    }
    let mut seqs = Vec::new();
    for sender in senders {
        seqs.extend(sender.await.unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (2..22).collect::<Vec<u64>>());
    let items = history(&bob, &conversation, "?after_seq=0&limit=100").await;
    let times: Vec<&str> = items.iter().map(|item| item["sent_at"].as_str().unwrap()).collect();
    assert_eq!(items.len(), 21);
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn history_is_paged_from_both_ends() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    for n in 1..6 {
        a.ask(message(&conversation, n, "x")).await;
    }
    let page = async |query: &str| {
        let (_, page) = bob.get(&format!("/v1/conversations/{conversation}/messages{query}")).await;
        let seqs = page["messages"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap());
        (seqs.collect::<Vec<_>>(), page["more"].as_bool().unwrap())
    };
    assert_eq!(page("?after_seq=0&limit=4").await, (vec![1, 2, 3, 4], true));
    assert_eq!(page("?after_seq=4&limit=4").await, (vec![5, 6], false));
    assert_eq!(page("?limit=4").await, (vec![3, 4, 5, 6], true));
    assert_eq!(page("?before_seq=3&limit=4").await, (vec![1, 2], false));
    for bad in ["?limit=0", "?limit=101", "?after_seq=x", "?after_seq=1&before_seq=2"] {
        let (status, problem) = bob.get(&format!("/v1/conversations/{conversation}/messages{bad}")).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{bad}");
    }
}
