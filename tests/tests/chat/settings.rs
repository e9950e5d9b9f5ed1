//! What a user has set for a conversation: on all devices of the user, and for nobody else.

use end_to_end::TestUser;
use serde_json::{Value, json};

use crate::receipts_of_members::send_text;

async fn settings(user: &TestUser, conversation: &str) -> Value {
    let (status, conversation) = user.get(&format!("/v1/conversations/{conversation}")).await;
    assert_eq!(status, 200, "{conversation}");
    conversation["settings"].clone()
}

#[tokio::test]
async fn settings_reach_all_devices_of_their_user_alone() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}/settings");
    assert_eq!(settings(&alice, &id).await, Value::Null, "nothing is set");
    let (mut phone, mut laptop, mut other) = tokio::join!(alice.connect(), alice.connect(), bob.connect());
    let all = json!({"notification_level": "mentions", "notifications_muted_until": "2030-01-01T00:00:00.000Z",
        "archived": true, "pinned": true, "marked_unread": true});
    assert_eq!(alice.patch(&path, &all).await, (200, all.clone()));
    for device in [&mut phone, &mut laptop] {
        let frame = device.next("conversation_settings").await;
        assert_eq!((&frame["conversation_id"], &frame["settings"]), (&json!(id), &all));
    }
    assert_eq!(settings(&alice, &id).await, all);
    let (_, synced) = alice.post("/v1/sync", &json!({})).await;
    assert_eq!(synced["conversations"][0]["conversation"]["settings"], all, "{synced}");
    assert_eq!(settings(&bob, &id).await, Value::Null);
    assert!(other.pushed().await.iter().all(|frame| frame["type"] != "conversation_settings"));

    // One after the other, and back to what they were.
    let some = json!({"notification_level": "all", "archived": false});
    let left =
        json!({"notifications_muted_until": all["notifications_muted_until"], "pinned": true, "marked_unread": true});
    assert_eq!(alice.patch(&path, &some).await, (200, left));
    let rest = json!({"notifications_muted_until": null, "pinned": false, "marked_unread": false});
    assert_eq!(alice.patch(&path, &rest).await, (200, json!({})));
    assert_eq!(settings(&alice, &id).await, Value::Null);
}

#[tokio::test]
async fn settings_come_before_and_after_receipts() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let (conversation, path) = (format!("/v1/conversations/{id}"), format!("/v1/conversations/{id}/settings"));
    assert_eq!(bob.patch(&path, &json!({"archived": true})).await.0, 200);
    let (first, last) = (send_text(&alice, &id).await, send_text(&alice, &id).await);
    let view = bob.get(&conversation).await.1;
    assert_eq!((&view["read_seq"], &view["unread"]), (&json!(0), &json!(2)), "{view}");
    let (mut phone, mut laptop) = tokio::join!(bob.connect(), bob.connect());
    let read = |seq: u64| json!({"action": "read", "receipts": [{"conversation_id": id, "seq": seq}]});
    for seq in [first, last] {
        assert_eq!(phone.ask(read(seq)).await["type"], "accepted");
        assert_eq!(laptop.next("unread").await["unread"][0]["read_seq"], seq);
    }
    let status = alice.get(&format!("{conversation}/messages/{first}/status")).await.1;
    let at = |name: &str| status["recipients"][0][name].as_str().map(str::to_owned);
    assert!(at("read_at").is_some_and(|at| at.starts_with("20")), "{status}");
    assert_eq!(settings(&bob, &id).await, json!({"archived": true}));

    // Marked unread until the next read, although there is nothing new to read.
    assert_eq!(
        bob.patch(&path, &json!({"marked_unread": true})).await.1,
        json!({"archived": true, "marked_unread": true})
    );
    laptop.next("conversation_settings").await;
    let view = bob.get(&conversation).await.1;
    assert_eq!((&view["unread"], &view["read_seq"]), (&json!(0), &json!(last)), "{view}");
    assert_eq!(phone.ask(read(last)).await["type"], "accepted");
    assert_eq!(laptop.next("conversation_settings").await["settings"], json!({"archived": true}));
    assert_eq!(settings(&bob, &id).await, json!({"archived": true}));
    // And with something new.
    assert_eq!(bob.patch(&path, &json!({"marked_unread": true})).await.0, 200);
    laptop.next("conversation_settings").await;
    let newest = send_text(&alice, &id).await;
    assert_eq!(phone.ask(read(newest)).await["type"], "accepted");
    assert_eq!(laptop.next("conversation_settings").await["settings"], json!({"archived": true}));
}

#[tokio::test]
async fn lists_are_filtered_by_settings() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let mut ids = Vec::new();
    for title in ["plain", "archived", "pinned"] {
        let body = json!({"type": "group", "title": title, "member_ids": [bob.user_id]});
        ids.push(alice.create_conversation(&body).await);
    }
    for (id, name) in [(&ids[1], "archived"), (&ids[2], "pinned")] {
        assert_eq!(bob.patch(&format!("/v1/conversations/{id}/settings"), &json!({name: true})).await.0, 200);
    }
    let titles = async |query: &str| -> Vec<String> {
        let (status, page) = bob.get(&format!("/v1/conversations?{query}")).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(page["cursor"], Value::Null, "{page}");
        let all = page["conversations"].as_array().unwrap().iter();
        all.map(|conversation| conversation["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("").await, ["plain", "archived", "pinned"]);
    assert_eq!(titles("archived=true").await, ["archived"]);
    assert_eq!(titles("archived=false").await, ["plain", "pinned"]);
    assert_eq!(titles("archived=false&pinned=true").await, ["pinned"]);
    // A page that the filter empties is not the last.
    let (_, page) = bob.get("/v1/conversations?pinned=true&limit=2").await;
    assert_eq!((&page["conversations"], &page["cursor"]), (&json!([]), &json!(ids[1])), "{page}");
    assert_eq!(bob.get("/v1/conversations?pinned=maybe").await.0, 400);
}

#[tokio::test]
async fn settings_are_for_readers_and_checked() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let id = alice.create_conversation(&group).await;
    let path = format!("/v1/conversations/{id}/settings");
    let archive = json!({"archived": true});
    let (status, refused) = carol.patch(&path, &archive).await;
    assert_eq!((status, &refused["code"]), (404, &json!("conversation_not_found")));
    for bad in [json!({}), json!({"notification_level": "loud"}), json!({"muted": true}), json!({"archived": "yes"})] {
        assert_eq!(bob.patch(&path, &bad).await.0, 400, "{bad}");
    }
    // A former member may put the conversation away.
    assert_eq!(bob.delete(&format!("/v1/conversations/{id}/members/me")).await.0, 204);
    assert_eq!(bob.patch(&path, &archive).await, (200, archive.clone()));
    assert_eq!(settings(&bob, &id).await, archive);
}
