//! A user who has written wherever users can write.

use std::collections::BTreeSet;

use domain::{Content, SegmentSize, Seq, hex};
use end_to_end::lambda::invoke;
use end_to_end::long_log::append;
use end_to_end::test_user::client;
use end_to_end::{Cloud, TestBackend, TestUser, aws};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::room::{Room, cloud, erase, named, state, until, until_state, word};
use crate::stores::{places, until_nowhere};

/// A PNG of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

/// Uploads a file of this name, and waits until it is ready.
async fn upload(user: &TestUser, room: &Room, name: &str) -> String {
    let body =
        json!({"name": name, "content_type": "image/png", "size": PNG.len(), "sha256": hex(&Sha256::digest(PNG))});
    let (status, announced) = user.post(&format!("{}/files", room.path), &body).await;
    assert_eq!(status, 201, "{announced}");
    let signed = &announced["upload"];
    let mut request = client().put(signed["url"].as_str().unwrap()).body(PNG);
    for (name, value) in signed["headers"].as_object().unwrap().iter().filter(|(name, _)| *name != "content-length") {
        request = request.header(name, value.as_str().unwrap());
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let file = announced["file"]["file_id"].as_str().unwrap().to_owned();
    until("the file", async || (user.get(&format!("/v1/files/{file}")).await.1["status"] == "ready").then_some(()))
        .await;
    file
}

/// The table of the mentions, among places.
const READ_STATUS: &str = "table local-ReadStatusTable";

async fn export(user: &TestUser, path: &str, body: &Value) -> String {
    let (status, export) = user.post(path, body).await;
    assert_eq!(status, 202, "{export}");
    let path = format!("/v1/exports/{}", export["export_id"].as_str().unwrap());
    until("the export", async || (user.get(&path).await.1["state"] == "ready").then_some(())).await;
    path
}

/// Fills a group with texts of its creator and archives the first segment, which has messages of the other user.
async fn archived(cloud: &Cloud, owner: &TestUser, user: &TestUser, secret: &str) -> Room {
    let room = Room::group(owner, &[user]).await;
    room.send(user, json!({"text": format!("archived {secret}"), "attachment_ids": [upload(user, &room, &format!("{secret}.png")).await]})).await;
    let edited = room.say(user, &format!("first {secret}")).await;
    room.edit(user, edited, &format!("second {secret}")).await;
    let own = room.say(owner, "a text of the owner").await;
    room.react(user, own).await;
    room.react(owner, own).await;
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let head = aws::log(&dynamodb).messages.head(room.conversation_id(), true).await.unwrap().unwrap();
    let texts = (head.seq.0 + 1..=2_005).map(|seq| Content::new(format!("text {seq}"), None, Vec::new()).unwrap());
    append(&dynamodb, head, texts).await.unwrap();
    let segment = SegmentSize::STORED.segment_of(Seq(1));
    until("the archive", async || {
        invoke(cloud, "LogArchive", json!({"conversation_id": room.id}).to_string()).await;
        let rows = aws::chunks(cloud).rows(room.conversation_id(), segment, usize::MAX).await.unwrap().rows;
        rows.is_empty().then_some(())
    })
    .await;
    // A row of an archived segment.
    room.react(owner, edited).await;
    room
}

/// What others see of a conversation: everything but the erased user's words.
async fn seen_by(user: &TestUser, rooms: &[&Room], erased: &TestUser) -> Vec<Value> {
    let mut seen = Vec::new();
    for room in rooms {
        for mut message in room.history(user).await {
            if message["sender_id"] == erased.user_id.as_str() && message["kind"] != "member_left" {
                message =
                    json!({"seq": message["seq"], "sender_id": message["sender_id"], "sent_at": message["sent_at"]});
            }
            message.as_object_mut().unwrap().remove("reactions");
            seen.push(message);
        }
    }
    seen
}

/// Requires that everything is there that was there before, but for what was no message of the erased user: an event takes its place.
fn still_has(before: &[Value], after: &[Value], erased: &TestUser) {
    let there: BTreeSet<String> = after.iter().map(Value::to_string).collect();
    for message in before {
        let is_erased = message["sender_id"] == erased.user_id.as_str();
        assert!(is_erased || there.contains(&message.to_string()), "{message} is gone");
    }
    let count =
        |messages: &[Value]| messages.iter().filter(|message| message["sender_id"] != erased.user_id.as_str()).count();
    assert_eq!(count(before), count(after), "others have as many messages as before");
}

#[tokio::test]
async fn nothing_is_left_of_what_a_user_wrote() {
    let cloud = cloud();
    let (secret, name) = (word(), word());
    let backend = TestBackend::of(cloud).await;
    let (alice, bob, carol) =
        tokio::join!(named(cloud, &name), TestUser::of(cloud, "bob"), TestUser::of(cloud, "carol"));

    let profile = json!({"display_name": name, "custom": {"a": secret}});
    assert_eq!(alice.put("/v1/users/me", &profile).await.0, 200);

    let private = Room::at(alice.private_conversation_with(&bob).await);
    let first = private.say(&alice, &format!("private {secret}")).await;
    private.edit(&alice, first, &format!("edited {secret}")).await;
    private.send(&alice, json!({"text": "what the app added", "custom": {"a": [secret]}})).await;
    let deleted = private.say(&alice, &format!("deleted {secret}")).await;
    assert_eq!(alice.delete(&private.message(deleted)).await.0, 204);
    let of_bob = private.say(&bob, "a text of bob").await;
    private.react(&alice, of_bob).await;
    private.react(&bob, first).await;
    let pins = format!("{}/pins", private.path);
    assert_eq!(bob.put(&format!("{pins}/{first}"), &json!({})).await.0, 204);
    let reply = private.send(&bob, json!({"text": "a reply", "reply_to_seq": first})).await;

    let removed = Room::group(&bob, &[&carol]).await;
    let earlier = removed.say(&carol, "from before alice came").await;
    assert_eq!(bob.post(&format!("{}/members", removed.path), &json!({"user_ids": [alice.user_id]})).await.0, 204);
    removed.react(&alice, earlier).await;
    removed.say(&alice, &format!("in a group {secret}")).await;
    removed.send(&carol, json!({"text": "hello @alice", "mentions": [alice.user_id]})).await;
    assert_eq!(bob.delete(&format!("{}/members/{}", removed.path, alice.user_id)).await.0, 204);

    let public = Room::new(&bob, &json!({"type": "public", "title": "Everybody"})).await;
    assert_eq!(alice.put(&format!("{}/members/me", public.path), &json!({})).await.0, 200);
    public.say(&alice, &format!("in public {secret}")).await;
    assert_eq!(alice.delete(&format!("{}/members/me", public.path)).await.0, 204);

    let titled = Room::new(
        &alice,
        &json!({"type": "group", "title": format!("Title {secret}"), "topic": secret, "member_ids": [bob.user_id], "custom": {"a": secret}}),
    )
    .await;
    let owner = format!("{}/members/{}", titled.path, bob.user_id);
    assert_eq!(alice.patch(&owner, &json!({"role": "owner"})).await.0, 200);
    assert_eq!(alice.patch(&titled.path, &json!({"title": format!("Again {secret}")})).await.0, 200);
    assert_eq!(bob.patch(&titled.path, &json!({"title": "Bob's", "topic": "bob's", "custom": {"b": 1}})).await.0, 200);

    let closed = Room::group(&bob, &[&alice]).await;
    closed.say(&alice, &format!("before the end {secret}")).await;
    assert_eq!(bob.delete(&closed.path).await.0, 204);

    let long = archived(cloud, &bob, &alice, &secret).await;
    upload(&alice, &private, &format!("unused-{secret}.png")).await;
    let exported = export(&bob, "/v1/users/me/export", &json!({"messages": "visible", "files": true})).await;
    let kept = export(&carol, "/v1/users/me/export", &json!({})).await;
    export(&alice, "/v1/users/me/export", &json!({})).await;

    let rooms = [&private, &removed, &public, &titled, &closed];
    let cursor = private.view(&bob).await["head_seq"].as_u64().unwrap();
    let before = seen_by(&bob, &rooms, &alice).await;
    let mentions = format!("mentions#{}", alice.user_id);
    let is_found = until("the search and the mentions", async || {
        let found = places(cloud, &[&secret, &name, &mentions]).await;
        let is_mentioned = found.iter().any(|found| found.starts_with(READ_STATUS));
        (is_mentioned && found.contains("search")).then_some(found)
    })
    .await;
    let expected = [
        "bucket local-archivebucket/",
        "bucket local-exportsbucket/exports",
        "database",
        "search",
        "table local-FilesTable",
        "table local-MessagesTable",
    ];
    for place in expected {
        assert!(is_found.iter().any(|found| found.starts_with(place)), "{place}: {is_found:?}");
    }

    let mut socket = bob.connect().await;
    erase(&alice).await;
    let finished = until_state(&backend, &alice, "finished").await;
    until_nowhere(cloud, &[&secret, &name, &mentions]).await;
    assert_eq!((&finished["conversations"], &finished["finished_conversations"]), (&json!(6), &json!(6)), "{finished}");
    assert!(finished["messages"].as_u64() >= Some(6) && finished["reactions"].as_u64() >= Some(2), "{finished}");

    // Others keep what is theirs.
    still_has(&before, &seen_by(&bob, &rooms, &alice).await, &alice);
    assert_eq!(private.at_seq(&bob, reply).await["reply_to_seq"], first);
    assert_eq!(bob.get(&pins).await.1["messages"], json!([]));
    let erased = private.at_seq(&bob, first).await;
    assert_eq!((&erased["kind"], &erased["deleted_by"]), (&json!("deleted"), &json!(alice.user_id)), "{erased}");
    assert_eq!(private.at_seq(&bob, of_bob).await["reactions"], Value::Null);
    for seq in [2, 3] {
        assert_eq!(long.at_seq(&bob, seq).await["kind"], "deleted", "{seq}");
    }
    let own = long.at_seq(&bob, 5).await;
    assert_eq!(own["reactions"], json!([{"emoji": "👍", "count": 1, "mine": true}]), "{own}");
    assert_eq!(removed.at_seq(&carol, earlier).await["reactions"], Value::Null);
    let synced = private.sync(&bob, cursor).await;
    let kinds: Vec<&str> =
        synced["messages"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["member_left", "user_erased"], "{synced}");
    assert_eq!(synced["messages"][1]["user_id"], json!(alice.user_id));
    assert_eq!(private.view(&bob).await["unread"], 0);
    let pushed = socket.next("messages").await;
    assert_eq!(pushed["messages"][0]["kind"], "user_erased", "{pushed}");
    assert_eq!(bob.get(&exported).await.1["state"], "cancelled");
    assert_eq!(carol.get(&kept).await.1["state"], "ready");
    // A repeat changes nothing.
    erase(&alice).await;
    assert_eq!(state(&backend, &alice).await, finished);
    assert!(!bob.get(&format!("/v1/users/{}", alice.user_id)).await.1.to_string().contains(&name));
}
