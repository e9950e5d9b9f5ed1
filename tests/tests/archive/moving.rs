//! Segments move by themselves, when they are due, and everything reads across the border.

use domain::{SegmentSize, Seq};
use end_to_end::{Cloud, TestUser, aws};

use crate::pages::{check, history, messages, seq, sync, sync_over};
use crate::room::{AGE, Room, cloud, until};

/// In a cloud of its own, whose schedules are hastened: the stream reports a segment, a schedule waits until it is due, the queue has
/// it moved.
#[tokio::test]
async fn old_segments_move_and_all_reads_find_them() {
    let cloud = Cloud::start_with(None, &[AGE]);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let mut room = Room::of(&cloud, &alice, &[&bob]).await;
    let mut socket = bob.connect().await;
    room.fill(&[&alice, &bob], 1_999).await;
    assert_eq!(room.segment(SegmentSize::STORED.segment_of(Seq(1))).await, (None, 1_000), "too few follow");
    room.fill(&[&alice, &bob], 3_040).await;
    until("both segments", async || {
        cloud.run_schedules().await;
        room.is_archived().await.then_some(())
    })
    .await;
    let (_, rows) = room.segment(SegmentSize::STORED.segment_of(Seq(2_001))).await;
    assert_eq!(rows, 1_000, "the newest items stay");

    let down = history(&room, &alice, false, 100).await;
    check(&down, &room.accepted, &alice);
    assert_eq!(history(&room, &alice, true, 73).await, down);
    let of_bob = history(&room, &bob, true, 100).await;
    check(&of_bob, &room.accepted, &bob);
    let (items, hidden) = sync(&room, &bob, 0).await;
    assert_eq!((&items, hidden), (&of_bob, vec![]));
    assert_eq!(sync_over(&room, &mut socket, 0).await.0, of_bob);
    assert_eq!(sync(&room, &bob, 1_990).await.0, of_bob[1_990..]);
    cloud.stop();
}

#[tokio::test]
async fn messages_around_a_seq_are_found_on_both_sides_of_the_border() {
    let cloud = cloud();
    let alice = TestUser::of(cloud, "alice").await;
    let mut room = Room::of(cloud, &alice, &[]).await;
    room.write(3_010).await;
    room.archive().await;
    let all = history(&room, &alice, true, 100).await;
    for around in [1, 2, 25, 999, 1_000, 1_001, 1_500, 1_999, 2_000, 2_001, 2_030, 3_009, 3_010] {
        let (status, page) = alice.get(&format!("{}?around_seq={around}&limit=50", room.messages)).await;
        assert_eq!(status, 200, "{page}");
        let (first, last) = (around - around.min(26) + 1, (around + 24).min(3_010));
        let expected: Vec<_> = all.iter().filter(|message| (first..=last).contains(&seq(message))).cloned().collect();
        assert_eq!(messages(&page), expected, "around {around}");
        assert_eq!((&page["more_before"], &page["more_after"]), (&(first > 1).into(), &(last < 3_010).into()));
    }
}

/// What the simulation cannot have: a reader that remembers a chunk, and a read while the segment moves.
#[tokio::test]
async fn reads_while_a_segment_moves_miss_nothing() {
    let cloud = cloud();
    let alice = TestUser::of(cloud, "alice").await;
    let mut room = Room::of(cloud, &alice, &[]).await;
    room.write(2_000).await;
    let reading = async {
        let mut reads = 0;
        while !room.is_archived().await {
            check(&history(&room, &alice, reads % 2 == 0, 100).await, &room.accepted, &alice);
            reads += 1;
        }
        check(&history(&room, &alice, true, 100).await, &room.accepted, &alice);
    };
    tokio::join!(reading, room.archive());
    room.archive().await;
    // Safe to repeat, and no object is left but that of the index.
    let (item, _) = room.segment(room.movable()[0]).await;
    let objects = aws::chunk_objects(cloud).list(&room.id).await.unwrap();
    let keys: Vec<String> = objects.into_iter().map(|object| object.key).collect();
    assert_eq!(keys, [item.unwrap().object_key]);
}
