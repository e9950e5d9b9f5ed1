//! What has expired is seen by nobody, and stored nowhere.

use std::sync::Arc;

use client::{Api, Endpoints, FixedToken};
use domain::file::FileStatus;
use domain::search::SearchOrder;
use end_to_end::faults::{Kind, Moment};
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use store::opensearch::{Find, Scope};

use crate::room::{MONTH, Room, cloud, seqs, until};

#[tokio::test]
async fn expired_messages_are_seen_on_no_path() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let room = Room::of(cloud, &alice, &[&bob]).await;
    for n in 2..=20 {
        assert_eq!(room.say(&alice, &format!("text {n}")).await, n);
    }
    let reply = room.send(&bob, &json!({"text": "an answer", "reply_to_seq": 5})).await;
    assert_eq!(reply, 21);
    room.age(15, 31).await;
    room.expire(&bob, 15).await;

    let page = room.history(&bob).await;
    assert_eq!((seqs(&page), &page["expired_seq"], &page["more"]), ((16..=21).collect(), &json!(15), &json!(false)));
    let (_, around) = bob.get(&format!("{}/messages?around_seq=15&limit=4", room.path)).await;
    assert_eq!(
        (seqs(&around), &around["expired_seq"], &around["more_before"]),
        (vec![16, 17], &json!(15), &json!(false))
    );
    let (_, after) = bob.get(&format!("{}/messages?after_seq=0&limit=2", room.path)).await;
    assert_eq!(seqs(&after), [16, 17]);
    let synced = room.sync(&bob, 0).await;
    assert_eq!((&synced["hidden"], &synced["expired_seq"]), (&json!([[1, 15]]), &json!(15)), "{synced}");
    assert_eq!((seqs(&synced), &synced["head_seq"]), ((16..=21).collect(), &json!(21)));
    assert_eq!(room.sync(&bob, 18).await["hidden"], json!([]));
    let (_, listed) = bob.post("/v1/sync", &json!({"cursors": {}})).await;
    assert_eq!(listed["conversations"][0]["expired_seq"], 15, "{listed}");
    let (_, conversation) = bob.get(&room.path).await;
    assert_eq!((&conversation["unread"], &conversation["head_seq"]), (&json!(5), &json!(21)), "{conversation}");

    let message = |seq: u64| format!("{}/messages/{seq}", room.path);
    let refusals = [
        alice.patch(&message(5), &json!({"text": "too late"})).await,
        alice.delete(&message(5)).await,
        bob.put(&format!("{}/reactions/%F0%9F%91%8D", message(5)), &Value::Null).await,
        alice.get(&format!("{}/status", message(5))).await,
    ];
    for (status, refusal) in refusals {
        assert_eq!((status, &refusal["code"]), (404, &json!("message_not_found")), "{refusal}");
    }
    // Somebody who joins later sees no more than the others.
    let carol = TestUser::of(cloud, "carol").await;
    let (status, added) = alice.post(&format!("{}/members", room.path), &json!({"user_ids": [carol.user_id]})).await;
    assert!(status < 300, "{added}");
    assert_eq!(room.sync(&carol, 0).await["hidden"], json!([[1, 21]]));
}

#[tokio::test]
async fn expired_messages_are_deleted_with_files_and_documents() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let room = Room::of(cloud, &alice, &[&bob]).await;
    let tokens = Arc::new(FixedToken::new(alice.token.clone()));
    let api = Api::with_tokens(Endpoints::read(cloud.endpoints_file()).unwrap(), tokens).unwrap();
    let id = room.conversation_id();
    let upload = async |name: &str| {
        let file = api.upload(id, name, "text/plain", name.as_bytes(), |_| {}).await.unwrap();
        until("the inspection", async || {
            let file = api.file(file.file_id).await.unwrap();
            (file.status == FileStatus::Ready).then_some(())
        })
        .await;
        file
    };
    let (gone, kept) = (upload("old.txt").await, upload("new.txt").await);
    room.send(&alice, &json!({"text": "passé", "attachment_ids": [gone.file_id]})).await;
    // One message that stays references the same file as one that goes.
    room.send(&alice, &json!({"text": "passé composé", "attachment_ids": [kept.file_id]})).await;
    room.send(&alice, &json!({"text": "présent", "attachment_ids": [kept.file_id]})).await;
    let found = async |word: &str| {
        let (status, found) = bob.get(&format!("/v1/search?q={word}&conversation_id={}", room.id)).await;
        assert_eq!(status, 200, "{found}");
        found["hits"].as_array().unwrap().len()
    };
    until("the index", async || (found("passe").await == 2 && found("present").await == 1).then_some(())).await;

    room.age(3, 31).await;
    room.expire(&bob, 3).await;
    assert_eq!(found("passe").await, 0, "hidden at once, wherever it is still stored");
    room.until_deleted(3).await;
    until("the deletion of the file", async || {
        cloud.run_schedules().await;
        let (status, _) = alice.get(&format!("/v1/files/{}", gone.file_id)).await;
        (status == 404).then_some(())
    })
    .await;
    let (status, still) = alice.get(&format!("/v1/files/{}", kept.file_id)).await;
    assert_eq!(status, 200, "{still}");
    until("the deletion of the documents", async || (documents(&room).await == [4]).then_some(())).await;
}

/// Returns the seqs of the documents that the index has of a conversation, whoever may see them.
async fn documents(room: &Room<'_>) -> Vec<u64> {
    let scope = Scope { whole: vec![room.conversation_id()], parts: Vec::new() };
    let everything = Find {
        query: None,
        scope: &scope,
        sender_id: None,
        after: None,
        before: None,
        has: None,
        order: SearchOrder::Newest,
    };
    let found = aws::message_index(cloud()).find(&everything, None, 100).await.unwrap();
    found.into_iter().map(|found| found.id.seq.0).collect()
}

#[tokio::test]
async fn the_newest_item_stays_without_its_content() {
    let cloud = cloud();
    let (alice, bob) = tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"));
    let room = Room::of(cloud, &alice, &[&bob]).await;
    for n in 2..=6 {
        room.say(&alice, &format!("secret {n}")).await;
    }
    assert_eq!(room.sync(&bob, 0).await["head_seq"], 6);
    room.age(6, 31).await;
    room.expire(&bob, 6).await;
    let rows = until("the deletion", async || {
        let rows = room.rows(6).await;
        (rows.len() == 1 && rows[0]["kind"] == "deleted").then_some(rows)
    })
    .await;
    assert!(!rows[0].to_string().contains("secret"), "{rows:?}");
    let synced = room.sync(&bob, 6).await;
    assert_eq!((&synced["head_seq"], &synced["expired_seq"]), (&json!(6), &json!(6)), "no cursor goes back: {synced}");
    assert_eq!((&synced["messages"], &synced["more"]), (&json!([]), &json!(false)));
    let (_, conversation) = bob.get(&room.path).await;
    assert_eq!((&conversation["head_seq"], &conversation["unread"]), (&json!(6), &json!(0)), "{conversation}");
    assert_eq!(conversation.get("last_message"), None, "{conversation}");
    assert_eq!(room.say(&bob, "on we go").await, 7);
    assert_eq!(seqs(&room.history(&alice).await), [7]);
    // Once another item is the newest, its row goes as well.
    room.visit().await;
    room.until_deleted(6).await;
}

/// Killed before or after one of its requests, of each kind.
#[tokio::test]
async fn a_worker_that_is_killed_anywhere_goes_on() {
    let cloud = &Cloud::start_with(None, &MONTH);
    let alice = TestUser::of(cloud, "alice").await;
    for (operation, moment) in [
        ("UpdateItem", Moment::Before),
        ("UpdateItem", Moment::After),
        ("SendMessageBatch", Moment::After),
        ("CreateSchedule", Moment::Before),
        ("DeleteItem", Moment::Before),
        ("DeleteItem", Moment::After),
        ("TransactWriteItems", Moment::After),
    ] {
        let room = Room::of(cloud, &alice, &[]).await;
        for n in 2..=5 {
            room.say(&alice, &format!("secret {n}")).await;
        }
        room.age(5, 31).await;
        let killed = Kind::Kill(moment).rule().operation(operation).function("MessageRetention").next(1);
        cloud.inject_faults(1, &[killed]).await;
        until(operation, async || {
            // The message of a killed worker is received again after twelve minutes; a repeated visit need not wait for it.
            room.try_visit().await;
            let rows = room.rows(5).await;
            (rows.len() == 1 && rows[0]["kind"] == "deleted").then_some(())
        })
        .await;
        cloud.clear_faults().await;
        assert_eq!(room.sync(&alice, 0).await["expired_seq"], 5, "{operation} {moment:?}");
    }
}
