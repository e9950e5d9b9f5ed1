//! Nobody finds what history would not show.

use end_to_end::TestUser;
use serde_json::{Value, json};

use crate::room::{Room, find, finds_nothing, found, quoted, seqs, word};

async fn trio() -> (TestUser, TestUser, TestUser) {
    tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"))
}

#[tokio::test]
async fn members_find_the_messages_of_their_periods_alone() {
    let (alice, bob, carol) = trio().await;
    let room = Room::of(&alice, &[&bob]).await;
    let (before, during, between, again, after) = (word(), word(), word(), word(), word());
    room.say(&alice, &before).await;
    room.add(&alice, &carol).await;
    let during_seq = room.say(&alice, &during).await;
    room.remove(&alice, &carol).await;
    room.say(&alice, &between).await;
    room.add(&alice, &carol).await;
    let again_seq = room.say(&alice, &again).await;
    room.remove(&alice, &carol).await;
    room.say(&alice, &after).await;
    room.settle(&alice).await;
    for hidden in [&before, &between, &after] {
        finds_nothing(&carol, hidden).await;
        let here = format!("{}&conversation_id={}", quoted(hidden), room.id);
        assert_eq!(find(&carol, &here).await, json!({"hits": [], "cursor": null}));
    }
    assert_eq!(found(&carol, &during).await, [during_seq]);
    assert_eq!(found(&carol, &again).await, [again_seq]);
    for seen in [&before, &during, &between, &again, &after] {
        assert_eq!(found(&bob, seen).await.len(), 1, "{seen}");
    }
}

#[tokio::test]
async fn full_history_is_found_up_to_the_end_of_the_last_period() {
    let (alice, bob, carol) = trio().await;
    let body = json!({"type": "group", "title": "Open", "history": "full", "member_ids": [bob.user_id]});
    let room = Room::new(&alice, &body).await;
    let (before, after) = (word(), word());
    let before_seq = room.say(&alice, &before).await;
    room.add(&alice, &carol).await;
    room.remove(&alice, &carol).await;
    room.say(&alice, &after).await;
    room.settle(&alice).await;
    assert_eq!(found(&carol, &before).await, [before_seq]);
    finds_nothing(&carol, &after).await;
}

#[tokio::test]
async fn strangers_find_nothing_in_any_kind_of_conversation() {
    let (alice, bob, carol) = trio().await;
    let private = Room::new(&alice, &json!({"type": "private", "member_ids": [bob.user_id]})).await;
    let public = Room::new(&alice, &json!({"type": "public", "title": "All"})).await;
    let words = [word(), word()];
    private.say(&alice, &words[0]).await;
    public.say(&alice, &words[1]).await;
    tokio::join!(private.settle(&alice), public.settle(&alice));
    for word in &words {
        finds_nothing(&carol, word).await;
        assert_eq!(found(&alice, word).await.len(), 1);
    }
    // Joining shows what comes, not what was.
    assert_eq!(carol.put(&format!("{}/members/me", public.path), &json!({})).await.0, 200);
    let later = word();
    public.say(&alice, &later).await;
    public.settle(&alice).await;
    finds_nothing(&carol, &words[1]).await;
    assert_eq!(found(&carol, &later).await.len(), 1);
}

#[tokio::test]
async fn edits_and_deletions_are_found_as_each_user_sees_them() {
    let (alice, bob, carol) = trio().await;
    let room = Room::of(&alice, &[&bob, &carol]).await;
    let (old, new, gone) = (word(), word(), word());
    let edited = room.say(&alice, &old).await;
    let deleted = room.say(&alice, &gone).await;
    room.settle(&alice).await;
    room.remove(&alice, &carol).await;
    room.edit(&alice, edited, &new).await;
    room.delete(&alice, deleted).await;
    room.settle(&alice).await;
    assert_eq!(found(&bob, &new).await, [edited]);
    finds_nothing(&bob, &old).await;
    // She still reads the old words, and must not learn the new ones.
    finds_nothing(&carol, &new).await;
    let (_, history) = carol.get(&format!("{}/messages?around_seq={edited}&limit=1", room.path)).await;
    assert_eq!(history["messages"][0]["text"], json!(old));
    for user in [&alice, &bob, &carol] {
        finds_nothing(user, &gone).await;
    }
}

#[tokio::test]
async fn blocked_closed_and_deleted_are_found_as_history_shows_them() {
    let (alice, bob, carol) = trio().await;
    let private = Room::new(&alice, &json!({"type": "private", "member_ids": [bob.user_id]})).await;
    let group = Room::of(&alice, &[&bob, &carol]).await;
    let (said, closing) = (word(), word());
    let said_seq = private.say(&bob, &said).await;
    let closing_seq = group.say(&carol, &closing).await;
    tokio::join!(private.settle(&alice), group.settle(&alice));
    let (status, blocked) = alice.patch(&private.path, &json!({"blocked": true})).await;
    assert_eq!(status, 200, "{blocked}");
    let (status, closed) = alice.delete(&group.path).await;
    assert!(status < 300, "{closed}");
    let (status, deleted) = carol.delete("/v1/users/me").await;
    assert!(status < 300, "{deleted}");
    assert_eq!(found(&alice, &said).await, [said_seq], "history shows it as well");
    assert_eq!(found(&bob, &closing).await, [closing_seq], "a closed conversation can be read");
    let (status, refused): (u16, Value) = carol.get(&format!("/v1/search?q={closing}")).await;
    assert_eq!((status, refused["code"].as_str()), (403, Some("user_deleted")));
}

#[tokio::test]
async fn the_number_of_pages_tells_nothing_of_what_is_hidden() {
    let (alice, bob, carol) = trio().await;
    let room = Room::of(&alice, &[&bob]).await;
    let tag = word();
    for n in 0..30 {
        room.say(&alice, &format!("{tag} {n}")).await;
    }
    room.add(&alice, &carol).await;
    let last = room.say(&alice, &tag).await;
    room.settle(&alice).await;
    let page = find(&carol, &format!("{}&limit=1", quoted(&tag))).await;
    assert_eq!((seqs(&page), page["cursor"].clone()), (vec![last], Value::Null));
}
