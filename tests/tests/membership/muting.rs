//! Tests of muting and unmuting members.

use std::time::{Duration, Instant};

use domain::Timestamp;
use end_to_end::TestUser;
use serde_json::{Value, json};

use crate::group::Group;

#[tokio::test]
async fn mute_ends_at_its_time() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = Group::of(&alice, &[&bob]).await;
    let mut socket = bob.connect().await;
    assert_eq!(group.send_text(&mut socket, "before").await["type"], "sent");
    let until = Timestamp::now().plus(Duration::from_secs(3));
    let (status, member) = alice.patch(&group.member(&bob), &json!({"muted_until": until})).await;
    assert_eq!((status, &member["muted_until"]), (200, &json!(until)));
    assert_eq!(bob.get(&group.path).await.1["muted_until"], json!(until));
    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut refusals, mut sent) = (0, Value::Null);
    while sent["type"] != "sent" {
        assert!(Instant::now() < deadline, "the mute does not end: {sent}");
        sent = group.send_text(&mut socket, "after").await;
        refusals += usize::from(sent["error"]["code"] == "muted");
    }
    assert!(refusals > 0);
    let state = group.stored_state().await;
    assert!(state.log.last().unwrap().sent_at >= until);
    assert_eq!(state.kinds(), ["created", "text", "member_muted", "text"]);
}

#[tokio::test]
async fn mute_can_be_revoked_and_survives_leaving_and_removal() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = Group::of(&alice, &[&bob]).await;
    let mut socket = bob.connect().await;
    let later = json!({"muted_until": "2100-01-01T00:00:00Z"});
    for _ in 0..2 {
        assert_eq!(alice.patch(&group.member(&bob), &later).await.0, 200);
    }
    assert_eq!(group.send_text(&mut socket, "hm").await["error"]["code"], "muted");
    let (status, member) = alice.patch(&group.member(&bob), &json!({"muted_until": null})).await;
    assert_eq!((status, &member["muted_until"]), (200, &Value::Null));
    assert_eq!(group.send_text(&mut socket, "thanks").await["type"], "sent");
    assert_eq!(alice.patch(&group.member(&bob), &later).await.0, 200);
    // Removed by another user, then leaving: an admin adds them again, and the mute stays.
    for actor in [&alice, &bob] {
        assert_eq!(group.remove(actor, &bob).await.0, 204);
        assert_eq!(group.add(&alice, &[&bob, &carol]).await.0, 204);
        assert_eq!(group.send_text(&mut socket, "back").await["error"]["code"], "muted");
        assert_eq!(bob.get(&group.path).await.1["muted_until"], "2100-01-01T00:00:00.000Z");
        assert_eq!(carol.get(&group.path).await.1["muted_until"], Value::Null);
        group.stored_state().await;
    }
    assert_eq!(alice.patch(&group.member(&bob), &json!({"muted_until": null})).await.0, 200);
    assert_eq!(group.send_text(&mut socket, "thanks").await["type"], "sent");
    assert_eq!(group.remove(&alice, &bob).await.0, 204);
    assert_eq!(group.add(&alice, &[&bob]).await.0, 204);
    assert_eq!(group.send_text(&mut socket, "back").await["type"], "sent");
    group.stored_state().await;
}

#[tokio::test]
async fn mute_outside_of_its_range_writes_nothing() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = Group::of(&alice, &[&bob]).await;
    let past = (0..20).map(|second| format!("2001-01-01T00:00:{second:02}Z"));
    let out_of_range = [
        "9999-12-31T23:59:59-12:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+12:00",
        "1969-12-31T23:59:59.999Z",
        "10000-01-01T00:00:00Z",
    ];
    for until in past.chain(out_of_range.map(str::to_owned)) {
        let refused = alice.patch(&group.member(&bob), &json!({"muted_until": until})).await;
        assert_eq!((refused.0, &refused.1["code"]), (400, &json!("invalid_request")), "{until}");
    }
    assert_eq!(group.stored_state().await.kinds(), ["created"]);
    // The last instant is the same everywhere.
    let last = json!({"muted_until": "9999-12-31T23:59:59.999999Z"});
    let (_, member) = alice.patch(&group.member(&bob), &last).await;
    assert_eq!(member["muted_until"], "9999-12-31T23:59:59.999Z");
    assert_eq!(bob.get(&group.path).await.1["muted_until"], member["muted_until"]);
    assert_eq!(group.stored_state().await.kinds(), ["created", "member_muted"]);
}

#[tokio::test]
async fn mute_survives_leaving_and_rejoining_a_public_conversation() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = Group::new(&alice, &json!({"type": "public", "title": "Square"})).await;
    let me = format!("{}/me", group.members);
    let mut socket = bob.connect().await;
    assert_eq!(bob.put(&me, &json!({})).await.0, 200);
    assert_eq!(alice.patch(&group.member(&bob), &json!({"muted_until": "2100-01-01T00:00:00Z"})).await.0, 200);
    assert_eq!(bob.delete(&me).await.0, 204);
    let (_, member) = bob.put(&me, &json!({})).await;
    assert_eq!(member["muted_until"], "2100-01-01T00:00:00.000Z");
    assert_eq!(group.send_text(&mut socket, "hm").await["error"]["code"], "muted");
    // Nor does removal end it.
    assert_eq!(group.remove(&alice, &bob).await.0, 204);
    assert_eq!(group.add(&alice, &[&bob]).await.0, 204);
    assert_eq!(bob.get(&group.path).await.1["muted_until"], "2100-01-01T00:00:00.000Z");
    // Not even as an admin; only an owner ends what an owner began for one.
    assert_eq!(group.set_role(&alice, &bob, "admin").await.0, 200);
    assert_eq!(bob.patch(&group.member(&bob), &json!({"muted_until": null})).await.1["code"], "not_allowed");
    group.stored_state().await;
}
