//! Due times: schedules that wait, an age that was changed meanwhile, and what flood control refuses.

use domain::{SegmentSize, Seq};
use end_to_end::{Cloud, StoredArchive, TestUser, aws};
use serde_json::{Value, json};

use crate::room::{AGE, NO_RETENTION, Room, ask, until};

/// Returns the names of the schedules that begin so.
async fn schedules(cloud: &Cloud, beginning: &str) -> Vec<String> {
    let listed = aws::scheduler(cloud).list_schedules().group_name("local-ScheduleGroup").send().await.unwrap();
    let names = listed.schedules.into_iter().filter_map(|schedule| schedule.name);
    names.filter(|name| name.starts_with(beginning)).collect()
}

#[tokio::test]
async fn a_changed_age_counts_for_segments_that_wait() {
    let data = tempfile::tempdir().unwrap();
    let cloud = Cloud::start_with(Some(data.path()), &["ArchiveAfter=1", NO_RETENTION]);
    let alice = TestUser::of(&cloud, "alice").await;
    let mut room = Room::of(&cloud, &alice, &[]).await;
    room.write(2_000).await;
    let first = until("a schedule", async || schedules(&cloud, "move-").await.pop()).await;
    assert!(first.starts_with(&format!("move-{}-1-", room.id)), "{first}");
    assert_eq!(ask(&cloud, &json!({"conversation_id": room.id})).await, json!({"queued": 1}));
    let (id, head) = (room.id.clone(), room.head);
    cloud.stop();

    // Longer: the schedule that is due finds a segment that is not, and there is another one.
    let cloud = Cloud::start_with(Some(data.path()), &["ArchiveAfter=2", NO_RETENTION]);
    assert_eq!(schedules(&cloud, "move-").await.join(" "), first, "the same one again");
    assert_eq!(cloud.run_schedules().await, 1);
    let second =
        until("another schedule", async || schedules(&cloud, "move-").await.pop().filter(|name| *name != first)).await;
    let minute = |name: &str| name.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(minute(&second) - minute(&first), 24 * 60);
    cloud.stop();

    // Shorter: an operator has the conversations looked through again.
    let cloud = Cloud::start_with(Some(data.path()), &[AGE, NO_RETENTION]);
    let room = Room::at(&cloud, id, head);
    assert!(!room.is_archived().await);
    assert_eq!(ask(&cloud, &json!({})).await, json!({"queued": 1}));
    until("the archive", async || room.is_archived().await.then_some(())).await;
    // What had waited finds nothing to do.
    assert_eq!(cloud.run_schedules().await, 1);
    until("an empty queue", async || {
        let answer = ask(&cloud, &json!({"conversation_id": room.id})).await;
        (answer == json!({"queued": 1}) && schedules(&cloud, "move-").await.is_empty()).then_some(())
    })
    .await;
    StoredArchive::of(&cloud, room.conversation_id()).await.check(&cloud).await;
    cloud.stop();
}

/// In a cloud with a limit of events.
#[tokio::test]
async fn refused_changes_put_no_row_back() {
    let cloud = &Cloud::start_with(None, &[AGE, "EventLimit=2"]);
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let mut room = Room::of(cloud, &alice, &[&bob]).await;
    room.write(2_010).await;
    room.archive().await;
    let reaction = |seq: u64| format!("{}/reactions/%F0%9F%91%8D", room.message(seq));
    for seq in [3, 4] {
        assert_eq!(bob.put(&reaction(seq), &Value::Null).await.0, 200);
    }
    let (status, problem) = bob.put(&reaction(5), &Value::Null).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
    let (status, problem) = bob.delete(&room.message(6)).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
    let (_, rows) = room.segment(SegmentSize::STORED.segment_of(Seq(1))).await;
    assert_eq!(rows, 2, "those that were changed");
    // The worker hears of them, and folds them a day later.
    let name = until("a schedule", async || schedules(cloud, "fold-").await.pop()).await;
    assert!(name.starts_with(&format!("fold-{}-1-", room.id)), "{name}");
    cloud.run_schedules().await;
    until("the fold", async || {
        let archive = StoredArchive::of(cloud, room.conversation_id()).await;
        (archive.rows.is_empty() && archive.segments[0].generation == 2).then_some(())
    })
    .await;
}
