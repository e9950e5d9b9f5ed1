//! Blocked users learn neither presence nor typing nor receipts of the user who blocks them, in any conversation.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

async fn block(user: &TestUser, conversation: &str, blocked: bool) {
    let (status, body) = user.patch(&format!("/v1/conversations/{conversation}"), &json!({"blocked": blocked})).await;
    assert_eq!(status, 200, "{body}");
}

async fn create(kind: &str, owner: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&String> = others.iter().map(|user| &user.user_id).collect();
    let (status, created) =
        owner.post("/v1/conversations", &json!({"type": kind, "title": "Team", "member_ids": ids})).await;
    assert_eq!(status, 201, "{created}");
    created["conversation_id"].as_str().unwrap().to_owned()
}

async fn send_text(socket: &mut Socket, conversation: &str) -> u64 {
    let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
        "text": "Who is there?"});
    let sent = socket.ask(frame).await;
    sent["seq"].as_u64().unwrap_or_else(|| panic!("{sent}"))
}

/// Reports that everything up to these seqs is read. All in one frame, so that they are recorded and notified together.
async fn read(socket: &mut Socket, up_to: &[(&str, u64)]) {
    let receipts: Vec<Value> =
        up_to.iter().map(|(conversation, seq)| json!({"conversation_id": conversation, "seq": seq})).collect();
    assert_eq!(socket.ask(json!({"action": "read", "receipts": receipts})).await["type"], "accepted");
}

/// Returns the conversations and readers of the next frame of receipts.
async fn receipts(socket: &mut Socket) -> Vec<(String, String)> {
    let frame = socket.next("receipts").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let receipts = frame["receipts"].as_array().unwrap().iter();
    receipts.map(|receipt| (text(&receipt["conversation_id"]), text(&receipt["user_id"]))).collect()
}

/// What one user sees of another in a conversation.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    online: bool,
    /// The message at the seq was read.
    message: bool,
    /// There is a watermark of reads.
    watermark: bool,
}

const EVERYTHING: Seen = Seen { online: true, message: true, watermark: true };
const NOTHING: Seen = Seen { online: false, message: false, watermark: false };

async fn seen(viewer: &TestUser, other: &TestUser, conversation: &str, seq: u64) -> Seen {
    let path = format!("/v1/conversations/{conversation}");
    let of_other = async |path: String, list: &str| {
        let (status, page) = viewer.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let entries = page[list].as_array().unwrap();
        entries.iter().find(|entry| entry["user_id"] == other.user_id).unwrap().clone()
    };
    let presence = of_other(format!("/v1/presence?conversation_id={conversation}"), "members").await;
    assert_eq!(presence["last_seen_at"], Value::Null, "{presence}");
    let status = of_other(format!("{path}/messages/{seq}/status"), "recipients").await;
    let watermarks = of_other(format!("{path}/receipts"), "receipts").await;
    assert_eq!(status["delivered_at"].is_null(), status["read_at"].is_null(), "{status}");
    assert_eq!(watermarks["delivered"].is_null(), watermarks["read"].is_null(), "{watermarks}");
    Seen {
        online: presence["online"] == true,
        message: !status["read_at"].is_null(),
        watermark: !watermarks["read"].is_null(),
    }
}

#[tokio::test]
async fn blocked_user_learns_nothing_of_the_blocker_in_shared_conversations() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let private = alice.private_conversation_with(&bob).await;
    nothing_is_learned(&alice, &bob, &carol, async |blocked| block(&alice, &private, blocked).await).await;
}

#[tokio::test]
async fn nor_does_one_without_a_private_conversation() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    nothing_is_learned(&alice, &bob, &carol, async |blocked| alice.block(&bob, blocked).await).await;
}

/// `block` makes Alice block Bob, or ends that. Carol sees everything.
async fn nothing_is_learned(alice: &TestUser, bob: &TestUser, carol: &TestUser, block: impl AsyncFn(bool)) {
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    for kind in ["group", "public"] {
        let team = create(kind, carol, &[alice, bob]).await;
        for socket in [&mut a, &mut b, &mut c] {
            assert_eq!(socket.ask(json!({"action": "open", "conversation_id": team})).await["type"], "accepted");
        }
        let typing = json!({"action": "typing", "conversation_id": team, "typing": true});
        let seq = send_text(&mut b, &team).await;
        let from = |user: &TestUser| vec![(team.clone(), user.user_id.clone())];

        block(true).await;
        b.pushed().await;
        assert_eq!(a.ask(typing.clone()).await["type"], "accepted");
        assert_eq!(c.next("typing").await["user_id"], alice.user_id);
        assert_eq!(b.pushed().await, [] as [Value; 0], "{kind}");
        read(&mut a, &[(&team, seq)]).await;
        assert_eq!(receipts(&mut c).await, from(alice));
        // Those of others still come, and nothing has come before.
        read(&mut c, &[(&team, seq)]).await;
        assert_eq!(receipts(&mut b).await, from(carol), "{kind}");
        assert_eq!(seen(bob, alice, &team, seq).await, NOTHING, "{kind}");
        assert_eq!(seen(carol, alice, &team, seq).await, EVERYTHING, "{kind}");
        // The one who blocks goes on to see the other one.
        let later = send_text(&mut a, &team).await;
        read(&mut b, &[(&team, later)]).await;
        // Carol's come before.
        while receipts(&mut a).await != from(bob) {}
        assert_eq!(seen(alice, bob, &team, later).await, EVERYTHING, "{kind}");

        block(false).await;
        assert_eq!(seen(bob, alice, &team, seq).await, EVERYTHING, "{kind}");
        assert_eq!(a.ask(typing).await["type"], "accepted");
        assert_eq!(b.next("typing").await["user_id"], alice.user_id);
        for socket in [&mut a, &mut c] {
            socket.pushed().await;
        }
    }
}

#[tokio::test]
async fn receipts_stop_in_both_directions_in_a_blocked_private_conversation() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let private = alice.private_conversation_with(&bob).await;
    let of_alice = create("group", &carol, &[&alice]).await;
    let of_bob = create("group", &carol, &[&bob]).await;
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    let (from_alice, from_bob) = (send_text(&mut a, &private).await, send_text(&mut b, &private).await);
    block(&alice, &private, true).await;
    for (reader, reading, other, group, seq, from_reader) in
        [(&alice, &mut a, &bob, &of_alice, from_bob, from_alice), (&bob, &mut b, &alice, &of_bob, from_alice, from_bob)]
    {
        let at = send_text(&mut c, group).await;
        read(reading, &[(&private, seq.max(from_reader)), (group, at)]).await;
        assert_eq!(receipts(&mut c).await, [(group.clone(), reader.user_id.clone())]);
        let path = format!("/v1/conversations/{private}");
        let (_, page) = other.get(&format!("{path}/messages/{seq}/status")).await;
        assert_eq!(page["recipients"][0]["read_at"], Value::Null, "{page}");
        let (_, page) = other.get(&format!("{path}/receipts")).await;
        let of_reader = page["receipts"].as_array().unwrap().iter().find(|one| one["user_id"] == reader.user_id);
        assert_eq!(of_reader.unwrap()["read"], Value::Null, "{page}");
        // The reader's own count goes on.
        assert_eq!(reader.get(&path).await.1["unread"], 0);
    }
    for socket in [&mut a, &mut b] {
        let pushed = socket.pushed().await;
        assert!(pushed.iter().all(|frame| frame["type"] != "receipts"), "{pushed:?}");
    }
}
