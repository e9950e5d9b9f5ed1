//! The time for which a conversation keeps its messages.

use end_to_end::{Cloud, TestUser};
use serde_json::json;

use crate::room::{Room, cloud, seqs, until};

#[tokio::test]
async fn a_shorter_time_of_a_conversation_counts_and_is_announced() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let room = Room::of(cloud, &alice, &[&bob]).await;
    for n in 2..=9 {
        room.say(&bob, &format!("text {n}")).await;
    }
    room.age(6, 8).await;
    room.visit().await;
    let week = json!({"retention_days": 7});
    let (status, refused) = bob.patch(&room.path, &week).await;
    assert_eq!((status, &refused["code"]), (403, &json!("not_allowed")), "{refused}");
    for days in [json!(0), json!(31), json!(4_000), json!(-1), json!("7"), json!(1.5)] {
        let (status, refused) = alice.patch(&room.path, &json!({"retention_days": days})).await;
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{days}: {refused}");
    }
    assert_eq!(seqs(&room.history(&bob).await), (1..=9).collect::<Vec<_>>());

    let (status, changed) = alice.patch(&room.path, &week).await;
    assert_eq!((status, &changed["retention_days"]), (200, &json!(7)), "{changed}");
    // The change itself asks for the visit.
    until("the expiry", async || (bob.get(&room.path).await.1["expired_seq"] == 6).then_some(())).await;
    let page = room.history(&bob).await;
    assert_eq!(seqs(&page), [7, 8, 9, 10]);
    let last = &page["messages"][3];
    assert_eq!((&last["kind"], &last["retention_days"]), (&json!("retention_changed"), &json!(7)), "{last}");
    assert_eq!(alice.patch(&room.path, &week).await.0, 200, "again");
    assert_eq!(seqs(&room.history(&bob).await), [7, 8, 9, 10], "nothing changed");

    let (status, changed) = alice.patch(&room.path, &json!({"retention_days": null})).await;
    assert_eq!((status, changed.get("retention_days")), (200, None), "{changed}");
    assert_eq!(bob.get(&room.path).await.1["expired_seq"], 6, "nothing comes back");
}

#[tokio::test]
async fn what_has_expired_is_pinned_no_more() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let room = Room::of(cloud, &alice, &[&bob]).await;
    for n in 2..=9 {
        room.say(&bob, &format!("text {n}")).await;
    }
    let pins = format!("{}/pins", room.path);
    for seq in [3, 9] {
        assert_eq!(alice.put(&format!("{pins}/{seq}"), &json!({})).await.0, 204);
    }
    assert_eq!(seqs(&bob.get(&pins).await.1), [9, 3]);
    room.age(6, 8).await;
    assert_eq!(alice.patch(&room.path, &json!({"retention_days": 7})).await.0, 200);
    until("the expiry", async || (bob.get(&room.path).await.1["expired_seq"] == 6).then_some(())).await;
    assert_eq!(seqs(&bob.get(&pins).await.1), [9]);
    assert_eq!(bob.get(&room.path).await.1["pinned_seqs"], json!([9]));
}

#[tokio::test]
async fn both_of_a_private_conversation_may_shorten_the_time() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let path = format!("/v1/conversations/{}", alice.private_conversation_with(&bob).await);
    for (user, days) in [(&alice, 3), (&bob, 2)] {
        let (status, changed) = user.patch(&path, &json!({"retention_days": days})).await;
        assert_eq!((status, &changed["retention_days"]), (200, &json!(days)), "{changed}");
    }
    assert_eq!(alice.get(&path).await.1["retention_days"], 2);
}

/// Without an operator: the first item asks for a visit, and each visit schedules the next.
#[tokio::test]
async fn conversations_are_visited_by_schedules() {
    let cloud = Cloud::start_with(None, &["RetentionDays=0.00002", "RetentionGrace=0"]);
    let alice = TestUser::of(&cloud, "alice").await;
    let id = alice.create_conversation(&json!({"type": "group", "title": "Short", "member_ids": []})).await;
    until("the expiry", async || {
        cloud.run_schedules().await;
        (alice.get(&format!("/v1/conversations/{id}")).await.1["expired_seq"] == 1).then_some(())
    })
    .await;
    cloud.stop();
}

#[tokio::test]
async fn a_stack_that_keeps_all_leaves_no_choice() {
    let cloud = Cloud::start_with(None, &["RetentionDays=0"]);
    let alice = TestUser::of(&cloud, "alice").await;
    let id = alice.create_conversation(&json!({"type": "group", "title": "Old", "member_ids": []})).await;
    let (status, refused) = alice.patch(&format!("/v1/conversations/{id}"), &json!({"retention_days": 7})).await;
    assert_eq!((status, &refused["code"]), (501, &json!("retention_off")), "{refused}");
    cloud.stop();
}
