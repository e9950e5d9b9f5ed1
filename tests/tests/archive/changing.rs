//! Edits, deletions and reactions of archived messages: each puts a row back, which counts until it is folded into the chunk.

use domain::{SegmentSize, Seq};
use end_to_end::{TestUser, aws};
use serde_json::{Value, json};
use store::sqs::{ArchiveBody, Queue};

use crate::pages::{history, messages, seq, shown, sync};
use crate::room::{Room, cloud, until};

/// Has changes of the first segment become part of its chunk, as the schedule does a day later, and waits for that.
pub(crate) async fn fold(room: &Room<'_>) {
    let segment = SegmentSize::STORED.segment_of(Seq(1));
    let generation = room.segment(segment).await.0.unwrap().generation;
    queue_task(room, true).await;
    until("the fold", async || {
        let (item, rows) = room.segment(segment).await;
        (item.unwrap().generation > generation && rows == 0).then_some(())
    })
    .await;
}

/// Queues the task that moves the first segment, or folds changes of it.
pub(crate) async fn queue_task(room: &Room<'_>, fold: bool) {
    let queue = Queue::new(aws::sqs(room.cloud), aws::queue_url(room.cloud, "ArchiveQueue"));
    let task = ArchiveBody::Segment { conversation_id: room.conversation_id(), first: Seq(1), fold };
    queue.send_archive(&[task]).await.unwrap();
}

/// Returns the reactions of a message as a user sees them.
fn reactions(message: &Value) -> &Value {
    &message["reactions"]
}

#[tokio::test]
async fn archived_messages_are_changed_as_any_other() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    room.write(2_010).await;
    room.archive().await;
    let mut socket = bob.connect().await;
    let thumb = format!("{}/reactions/%F0%9F%91%8D", room.message(7));

    let edit = json!({"text": "edited", "mentions": [bob.user_id]});
    let (status, edited) = alice.patch(&room.message(5), &edit).await;
    assert_eq!((status, &edited["text"]), (200, &json!("edited")), "{edited}");
    let pushed = socket.next("message_edited").await["message"].clone();
    assert_eq!((&pushed["target_seq"], &pushed["text"]), (&json!(5), &json!("edited")), "{pushed}");
    assert_eq!(alice.delete(&room.message(6)).await.0, 204);
    for user in [&alice, &bob] {
        assert_eq!(user.put(&thumb, &Value::Null).await.0, 200);
    }
    let others = history(&room, &bob, true, 100).await;
    // Before the fold and after it.
    let expect = async || {
        let all = history(&room, &bob, true, 100).await;
        assert_eq!(all, others);
        let of = |wanted| all.iter().find(|message| seq(message) == wanted).unwrap();
        assert_eq!((&of(5)["text"], &of(5)["mentions"]), (&json!("edited"), &json!([bob.user_id])));
        assert_eq!((&of(6)["kind"], &of(6)["deleted_by"]), (&json!("deleted"), &json!(alice.user_id)));
        assert_eq!(reactions(of(7)), &json!([{"emoji": "👍", "count": 2, "mine": true}]));
        assert_eq!(shown(&room, &alice, 5).await.unwrap()["text"], "edited");
        let (items, _) = sync(&room, &bob, 0).await;
        assert_eq!(items[..2_010], all, "all but the events");
        assert_eq!(items[2_010]["text"], "edited");
    };
    expect().await;
    let (item, rows) = room.segment(SegmentSize::STORED.segment_of(Seq(1))).await;
    assert_eq!((item.unwrap().generation, rows), (1, 3));
    fold(&room).await;
    expect().await;

    // What is in the new chunk is changed again.
    assert_eq!(bob.delete(&thumb).await.0, 200);
    assert_eq!(reactions(&shown(&room, &bob, 7).await.unwrap()), &json!([{"emoji": "👍", "count": 1, "mine": false}]));
    let (status, problem) = alice.patch(&room.message(6), &json!({"text": "back"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("message_deleted")));
    let (status, problem) = bob.patch(&room.message(8), &json!({"text": "mine"})).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
    fold(&room).await;
    assert_eq!(reactions(&shown(&room, &bob, 7).await.unwrap())[0]["count"], 1);
    let objects = aws::chunk_objects(cloud).list(&room.id).await.unwrap();
    assert_eq!(objects.len(), 1, "{objects:?}");
}

#[tokio::test]
async fn archived_messages_are_answered() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    room.write(2_100).await;
    room.archive().await;
    let reply = room.send(&bob, &json!({"text": "late", "reply_to_seq": 3, "mentions": [alice.user_id]})).await;
    assert_eq!(reply, 2_101);
    let (_, page) = alice.get(&format!("{}?before_seq=2102&limit=1", room.messages)).await;
    assert_eq!((&messages(&page)[0]["reply_to_seq"], &messages(&page)[0]["text"]), (&json!(3), &json!("late")));
    // Over the WebSocket as well.
    let frame = json!({"action": "send", "conversation_id": room.id, "client_message_id": uuid::Uuid::new_v4(),
        "after_seq": reply, "text": "later", "reply_to_seq": 4});
    let sent = bob.connect().await.ask(frame).await;
    assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(2_102)), "{sent}");
    let missing = json!({"client_message_id": uuid::Uuid::new_v4(), "text": "x", "reply_to_seq": 5_000});
    let (status, problem) = bob.post(&room.messages, &missing).await;
    assert_eq!((status, &problem["code"]), (404, &json!("message_not_found")), "{problem}");
    // A client that is far behind syncs; an earlier attempt that has moved is found there.
    let behind = json!({"client_message_id": uuid::Uuid::new_v4(), "text": "x", "after_seq": 10});
    let (status, problem) = bob.post(&room.messages, &behind).await;
    assert_eq!((status, &problem["code"]), (409, &json!("behind")), "{problem}");
}
