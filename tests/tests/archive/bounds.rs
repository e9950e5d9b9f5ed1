//! Bounds: large items, large chunks, and reads that end before their limit.

use chat::archive::Items;
use domain::period::SeqRange;
use domain::{SegmentSize, Seq};
use end_to_end::{Cloud, StoredArchive, TestUser, aws};
use serde_json::{Value, json};
use store::dynamodb::messages::Order;

use crate::changing::queue_task;
use crate::pages::{history, shown};
use crate::room::{AGE, NO_RETENTION, Room, ask, cloud, until};

/// Returns the items of a conversation, as a process that has just started reads them.
fn items(cloud: &Cloud) -> Items {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    Items { messages: aws::log(&dynamodb).messages, archive: Some(aws::archive(cloud)) }
}

#[tokio::test]
async fn rows_behind_the_border_are_no_part_of_an_upward_read() {
    let cloud = cloud();
    let alice = TestUser::of(cloud, "alice").await;
    let mut room = Room::of(cloud, &alice, &[]).await;
    room.write(1_000).await;
    room.write_texts(2_000, |_| "x".repeat(8_000)).await;
    room.archive().await;
    let (items, id) = (items(cloud), room.conversation_id());
    let read = async |first: u64, limit, megabytes| {
        let range = SeqRange { first: Seq(first), last: Seq::MAX };
        let part = items.read_bounded(id, range, Order::Ascending, limit, megabytes, true).await.unwrap();
        let seqs: Vec<u64> = part.items.iter().map(|item| item.seq.0).collect();
        assert!(seqs.iter().copied().eq(first..first + seqs.len() as u64), "{seqs:?}");
        (seqs.len(), part.megabytes, part.more)
    };
    // 500 rows behind it are 4 MB.
    assert_eq!(read(1, 500, 1).await, (500, 0, true));
    // The segment is known now, and the read goes on behind it.
    assert_eq!(read(1, 500, 1).await, (500, 0, true));
    let (count, megabytes, more) = read(900, 500, 1).await;
    assert!(count > 150 && count < 300 && megabytes == 1 && more, "{count} {megabytes} {more}");
    assert_eq!(read(951, 60, 1).await, (60, 0, true));
    assert_eq!(read(1_990, 60, 1).await, (11, 0, false));
}

/// In a cloud of its own, whose schedules are looked at.
#[tokio::test]
async fn what_does_not_fit_stays_in_the_table() {
    let cloud = &Cloud::start_with(None, &[AGE, NO_RETENTION]);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    room.write_texts(1_000, |_| "a".repeat(8_000)).await;
    room.write_texts(2_000, |_| "b".repeat(8_190)).await;
    room.write(3_000).await;
    assert_eq!(ask(cloud, &json!({"conversation_id": room.id})).await, json!({"queued": 2}));
    let (first, second) = (SegmentSize::STORED.segment_of(Seq(1)), SegmentSize::STORED.segment_of(Seq(1_001)));
    until("the first segment", async || {
        let (item, rows) = room.segment(first).await;
        (item.is_some() && rows == 0).then_some(())
    })
    .await;
    until("the second one", async || {
        let log = cloud.log();
        log.contains("the items of a segment are too large for the archive: they stay").then_some(())
    })
    .await;
    assert_eq!(room.segment(second).await, (None, 1_000));

    // Twenty edits are more than its chunk has room for; a deletion and a reaction are not.
    for n in 1..=20 {
        let edit = json!({"text": format!("{n}{}", "c".repeat(8_180))});
        assert_eq!(alice.patch(&room.message(5), &edit).await.0, 200);
    }
    let thumb = format!("{}/reactions/%F0%9F%91%8D", room.message(7));
    assert_eq!(bob.put(&thumb, &Value::Null).await.0, 200);
    assert_eq!(alice.delete(&room.message(900)).await.0, 204);
    let all = history(&room, &bob, false, 100).await;
    queue_task(&room, true).await;
    let archive = until("the fold", async || {
        let archive = StoredArchive::of(cloud, room.conversation_id()).await;
        let is_folded = archive.segments[0].generation == 2 && archive.rows.len() == 1;
        // The object of the chunk before goes last.
        (is_folded && archive.objects.len() == archive.segments.len()).then_some(archive)
    })
    .await;
    archive.check(cloud).await;
    assert_eq!(archive.rows[0].seq, Seq(5));
    until("the log line", async || cloud.log().contains("do not fit in their chunk").then_some(())).await;
    assert_eq!(history(&room, &bob, false, 100).await, all);
    assert!(shown(&room, &bob, 5).await.unwrap()["text"].as_str().unwrap().starts_with("20c"));
    // The schedules of the rows that were put back find that nothing fits, and make no others.
    until("the end of all schedules", async || {
        let left = cloud.run_schedules().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        (left == 0 && cloud.run_schedules().await == 0).then_some(())
    })
    .await;
    assert_eq!(StoredArchive::of(cloud, room.conversation_id()).await, archive);
}
