//! Documented limits, each exactly at the limit and one beyond it.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

/// Checks that `request` is refused with `code` for one more than `limit`, and not for `limit`. It may be refused for another reason.
async fn check(what: &str, limit: usize, code: &str, mut request: impl AsyncFnMut(usize) -> Value) {
    let (at, beyond) = (request(limit).await, request(limit + 1).await);
    let of = |answer: &Value| {
        let error = if answer["type"] == "error" { &answer["error"] } else { answer };
        error["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_ne!(of(&at), code, "{what} at {limit}: {at}");
    assert_eq!(of(&beyond), code, "{what} beyond {limit}: {beyond}");
}

async fn created(user: &TestUser, body: &Value) -> String {
    let (status, created) = user.post("/v1/conversations", body).await;
    assert_eq!(status, 201, "{created}");
    format!("/v1/conversations/{}", created["conversation_id"].as_str().unwrap())
}

#[tokio::test]
async fn requests_are_accepted_up_to_each_limit() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = created(&alice, &json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]})).await;
    let messages = &format!("{group}/messages");
    let send = async |body: Value| {
        let mut body = body;
        body["client_message_id"] = json!(Uuid::new_v4());
        alice.post(messages, &body).await.1
    };
    let seq = send(json!({"text": "x"})).await["seq"].as_u64().unwrap();

    check("bytes of a text", 8_192, "text_too_large", async |n| send(json!({"text": "x".repeat(n)})).await).await;
    check("mentions", 50, "too_many_mentions", async |n| send(json!({"text": "x", "mentions": ids(n)})).await).await;
    let attached = async |n| send(json!({"text": "x", "attachment_ids": ids(n)})).await;
    check("attachments", 10, "too_many_attachments", attached).await;
    let edit = format!("{messages}/{seq}");
    let edited = async |n: usize| alice.patch(&edit, &json!({"text": "x".repeat(n)})).await.1;
    check("bytes of an edited text", 8_192, "text_too_large", edited).await;

    let others = async |n| {
        alice.post("/v1/conversations", &json!({"type": "group", "title": "Many", "member_ids": ids(n)})).await.1
    };
    check("first members besides the creator", 49, "too_many_members", others).await;
    let add = async |n| alice.post(&format!("{group}/members"), &json!({"user_ids": ids(n)})).await.1;
    check("users to add", 50, "too_many_members", add).await;

    let invalid = "invalid_request";
    for letter in ["x", "ж", "漢", "😀"] {
        let title = async |n| alice.patch(&group, &json!({"title": letter.repeat(n)})).await.1;
        check("characters of a title", 200, invalid, title).await;
        let topic = async |n| alice.patch(&group, &json!({"topic": letter.repeat(n)})).await.1;
        check("characters of a topic", 1_000, invalid, topic).await;
        let name = async |n| alice.put("/v1/users/me", &json!({"display_name": letter.repeat(n)})).await.1;
        check("characters of a display name", 100, invalid, name).await;
        let search = async |n| alice.get(&format!("/v1/public-conversations?q={}", letter.repeat(n))).await.1;
        check("characters of a search", 100, invalid, search).await;
    }
    let users = async |n| {
        let ids: Vec<String> = ids(n).iter().map(Uuid::to_string).collect();
        alice.get(&format!("/v1/users?ids={}", ids.join(","))).await.1
    };
    check("ids of users", 100, invalid, users).await;
    let key = async |n: usize| {
        let body = json!({"type": "group", "title": "Team"});
        alice.post_with_key("/v1/conversations", &"k".repeat(n), &body).await.1
    };
    check("characters of an idempotency key", 100, invalid, key).await;

    let id = group.trim_start_matches("/v1/conversations/");
    for (list, limit) in [
        (messages.clone(), 100),
        (format!("{messages}/{seq}/status"), 100),
        (format!("{group}/receipts"), 100),
        (format!("{group}/members"), 1_000),
        (format!("/v1/presence?conversation_id={id}"), 100),
        ("/v1/conversations".to_owned(), 50),
        ("/v1/public-conversations".to_owned(), 50),
    ] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let page = async |n| alice.get(&format!("{list}{separator}limit={n}")).await.1;
        check(&list, limit, invalid, page).await;
        assert_eq!(alice.get(&format!("{list}{separator}limit=1")).await.0, 200);
        assert_eq!(alice.get(&format!("{list}{separator}limit=0")).await.1["code"], invalid);
    }
}

#[tokio::test]
async fn frames_are_accepted_up_to_each_limit() {
    let alice = TestUser::new("alice").await;
    let mut socket = alice.connect().await;
    let receipts = async |n| {
        let receipts: Vec<Value> = ids(n).iter().map(|id| json!({"conversation_id": id, "seq": 1})).collect();
        socket.ask(json!({"action": "read", "receipts": receipts})).await
    };
    check("receipts of a frame", 100, "too_many_receipts", receipts).await;
    let cursors =
        |n| json!({"cursors": ids(n).iter().map(|id| (id.to_string(), json!(0))).collect::<serde_json::Map<_, _>>()});
    let mut socket = alice.connect().await;
    let sync = async |n| {
        let mut frame = cursors(n);
        frame["action"] = json!("sync");
        socket.ask(frame).await
    };
    check("cursors of a frame", 50, "too_many_conversations", sync).await;
    check("cursors over HTTP", 50, "too_many_conversations", async |n| alice.post("/v1/sync", &cursors(n)).await.1)
        .await;
    let mut socket = alice.connect().await;
    let id = async |n: usize| {
        socket.send(&json!({"action": "ping", "id": "i".repeat(n)})).await;
        socket.next(if n > 128 { "error" } else { "pong" }).await
    };
    check("bytes of a frame's id", 128, "invalid_request", id).await;
}

#[tokio::test]
async fn files_are_accepted_up_to_each_limit() {
    let alice = TestUser::new("alice").await;
    let files = format!("{}/files", created(&alice, &json!({"type": "group", "title": "Files"})).await);
    let announce = async |name: String, size: u64| {
        let file = json!({"name": name, "content_type": "text/plain", "size": size, "sha256": "0".repeat(64)});
        alice.post(&files, &file).await.1
    };
    check("bytes of a name", 255, "invalid_request", async |n| announce("n".repeat(n), 1).await).await;
    let largest = 5 * 1024 * 1024 * 1024;
    check("bytes of a file", largest, "file_too_large", async |n| announce("a.txt".to_owned(), n as u64).await).await;
    let announced = announce("a.txt".to_owned(), 1024 * 1024 * 1024).await;
    let parts = format!("/v1/files/{}/parts", announced["file"]["file_id"].as_str().unwrap());
    let sign = async |n: usize| {
        let requested: Vec<Value> = (1..=n).map(|n| json!({"part_number": n, "sha256": "0".repeat(64)})).collect();
        alice.post(&parts, &json!({"parts": requested})).await.1
    };
    check("parts of a request", 100, "invalid_request", sign).await;
}

#[tokio::test]
async fn message_is_edited_up_to_twenty_times() {
    let alice = TestUser::new("alice").await;
    let messages = format!("{}/messages", created(&alice, &json!({"type": "group", "title": "Edits"})).await);
    let sent = alice.post(&messages, &json!({"client_message_id": Uuid::new_v4(), "text": "0"})).await.1;
    for edit in 1..=21 {
        let (_, answer) = alice.patch(&format!("{messages}/{}", sent["seq"]), &json!({"text": edit.to_string()})).await;
        let expected = if edit <= 20 { Value::Null } else { json!("too_many_edits") };
        assert_eq!(answer["code"], expected, "edit {edit}: {answer}");
    }
}

/// A user is in a conversation up to a hundred times: they come back 99 times, by joining or by being added.
#[tokio::test]
async fn user_comes_back_until_the_hundredth_membership_period() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let public = created(&alice, &json!({"type": "public", "title": "Square", "member_ids": [bob.user_id]})).await;
    let me = format!("{public}/members/me");
    // Bob is a member from the start; Carol joins.
    assert_eq!(carol.put(&me, &json!({})).await.0, 200);
    for back in 1..=100 {
        let expected = if back <= 99 { Value::Null } else { json!("too_many_stays") };
        for user in [&bob, &carol] {
            assert_eq!(user.delete(&me).await.0, 204);
            assert_eq!(user.put(&me, &json!({})).await.1["code"], expected, "return {back}");
        }
    }
    let add = json!({"user_ids": [bob.user_id]});
    assert_eq!(alice.post(&format!("{public}/members"), &add).await.1["code"], "too_many_stays");
}
