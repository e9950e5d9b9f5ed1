//! The other readers of logs: receipts, files, the search, the fan-out, the comparison of the stores.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{MemberRange, Seq};
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, StoredArchive, TestUser, aws};
use serde_json::{Value, json};
use store::opensearch::INDEX;
use store::sqs::{FanoutBody, Queue};
use uuid::Uuid;

use crate::changing::fold;
use crate::files::{download, ready};
use crate::pages::{messages, shown};
use crate::room::{AGE, Room, cloud, until};

#[tokio::test]
async fn status_and_receipts_know_archived_messages() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    room.write(1_999).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let receipt =
        |action: &str, seq: u64| json!({"action": action, "receipts": [{"conversation_id": room.id, "seq": seq}]});
    b.send(&receipt("read", 700)).await;
    assert_eq!(a.next("receipts").await["receipts"][0]["seq"], 700);
    let paths = [
        format!("{}/status", room.message(300)),
        format!("{}/status", room.message(900)),
        format!("/v1/conversations/{}/receipts", room.id),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(alice.get(path).await);
    }
    assert!(before[0].1["recipients"][0]["read_at"].is_string() && before[1].1["recipients"][0]["read_at"].is_null());
    let (id, head) = (room.id.clone(), 2_020);
    room.write(head).await;
    room.archive().await;
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(alice.get(path).await, before, "{path}");
    }
    // The senders of archived messages are notified of them.
    let receipt = |action: &str, seq: u64| json!({"action": action, "receipts": [{"conversation_id": id, "seq": seq}]});
    b.send(&receipt("ack", 900)).await;
    let pushed = a.next("receipts").await["receipts"][0].clone();
    assert_eq!((&pushed["kind"], &pushed["seq"]), (&json!("delivered"), &json!(900)), "{pushed}");
    b.send(&receipt("read", 999)).await;
    assert_eq!(a.next("receipts").await["receipts"][0]["seq"], 999);
    let (_, conversation) = bob.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!(conversation["unread"], 100, "{conversation}");
    assert_eq!(conversation["last_message"]["seq"], head);
}

#[tokio::test]
async fn files_of_archived_messages_stay_until_these_are_deleted() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    let file = ready(&alice, &room.id, b"archived bytes").await;
    let seq = room.send(&alice, &json!({"text": "see", "attachment_ids": [file]})).await;
    room.write(2_010).await;
    room.archive().await;
    let found = shown(&room, &bob, seq).await.unwrap();
    assert_eq!(found["attachments"][0]["file_id"], file, "{found}");
    assert_eq!(download(&bob, &room.id, seq, &file).await.unwrap(), b"archived bytes");

    let pins = format!("/v1/conversations/{}/pins", room.id);
    assert_eq!(alice.put(&format!("{pins}/{seq}"), &json!({})).await.0, 204);
    assert_eq!(bob.get(&pins).await.1["messages"], json!([found]));

    // The row that went away was no deletion; that of the message is.
    assert_eq!(bob.get(&format!("/v1/files/{file}?conversation_id={}&seq={seq}", room.id)).await.0, 200);
    assert_eq!(alice.delete(&room.message(seq)).await.0, 204);
    assert_eq!(download(&bob, &room.id, seq, &file).await, None);
    until("the deletion of the file", async || (alice.get(&format!("/v1/files/{file}")).await.0 == 404).then_some(()))
        .await;
}

/// In a cloud of its own, whose index is lost.
#[tokio::test]
async fn archived_messages_are_found_and_indexed_again() {
    let cloud = &Cloud::start_with(None, &[AGE]);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    let word = format!("w{}", Uuid::new_v4().simple());
    let seq = room.send(&alice, &json!({"text": format!("once {word}")})).await;
    room.write(2_010).await;
    room.archive().await;
    let hits = async || {
        let (status, page) = bob.get(&format!("/v1/search?q={word}")).await;
        assert_eq!(status, 200, "{page}");
        page["hits"].as_array().unwrap().clone()
    };
    until("the index", async || (hits().await.len() == 1).then_some(())).await;
    let hit = hits().await.remove(0)["message"].clone();
    let (_, around) = bob.get(&format!("{}?around_seq={seq}&limit=10", room.messages)).await;
    assert!(messages(&around).contains(&hit), "{around}");

    assert!(aws::message_index(cloud).delete(INDEX).await.unwrap());
    assert!(hits().await.is_empty());
    let event = json!({"conversation_id": room.id}).to_string();
    let Invoked { function_error, result } = invoke(cloud, "SearchReindex", event).await;
    assert_eq!((function_error, &result["queued"]), (None, &json!(2)), "{result}");
    until("the new index", async || (hits().await.len() == 1).then_some(())).await;

    // What is deleted in the archive is found no more.
    assert_eq!(alice.delete(&room.message(seq)).await.0, 204);
    until("the deletion", async || hits().await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn large_groups_hear_of_edits_in_the_archive() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut members = users_without_tokens(cloud, 110).await;
    members.push(bob.user_id.clone());
    let id = create_group(&alice, &members).await;
    let (status, conversation) = alice.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!(status, 200, "{conversation}");
    let head = aws::log(&aws::dynamodb(&cloud.endpoints.aws.dynamodb)).messages.head_seq(id.parse().unwrap()).await;
    let mut room = Room::at(cloud, id, head.unwrap().0);
    room.write(2_030).await;
    room.archive().await;
    let mut socket = bob.connect().await;
    assert_eq!(alice.patch(&room.message(50), &json!({"text": "edited"})).await.0, 200);
    fold(&room).await;
    socket.next("messages").await;

    // As if the worker were so late: the edit, and an archived message itself.
    let shard = MemberRange { after_user: None, last_user: None };
    let seqs = vec![Seq(60), Seq(2_031)];
    let body = FanoutBody { conversation_id: room.conversation_id(), seqs, round: 0, shard };
    Queue::new(aws::sqs(cloud), aws::fanout_queue_url(cloud)).send_fanout(&[body]).await.unwrap();
    let pushed = socket.next("messages").await;
    assert_eq!((&messages(&pushed)[0]["seq"], &messages(&pushed)[0]["text"]), (&json!(60), &json!("message 60")));
    assert_eq!(messages(&pushed)[1]["text"], "edited", "{pushed}");
}

#[tokio::test]
async fn stores_are_compared_across_the_border() {
    let cloud = cloud();
    let alice = TestUser::of(cloud, "alice").await;
    let mut room = Room::of(cloud, &alice, &[]).await;
    room.write(3_050).await;
    room.archive().await;
    let kinds = async || {
        let before = Uuid::from_u128(room.id.parse::<Uuid>().unwrap().as_u128() - 1);
        let event =
            json!({"cursor": {"part": "conversations", "after": before}, "limit": 1, "mend": false, "logs": true});
        let Invoked { function_error, result } = invoke(cloud, "Reconcile", event.to_string()).await;
        assert_eq!((function_error, &result["compared"]), (None, &json!(1)), "{result}");
        result["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(kinds().await, [] as [Value; 0]);
    let archive = StoredArchive::of(cloud, room.conversation_id()).await;
    archive.check(cloud).await;
    assert_eq!((archive.segments.len(), archive.rows.len()), (2, 0));
    // An index that has lost a segment: its items are missing.
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let key = [("conversation_id", AttributeValue::S(room.id.clone())), ("seq", AttributeValue::N("-1001".to_owned()))];
    let key = key.map(|(name, value)| (name.to_owned(), value));
    dynamodb.delete_item().table_name(aws::MESSAGES).set_key(Some(key.into())).send().await.unwrap();
    assert_eq!(kinds().await, ["hole_in_log"]);
}
