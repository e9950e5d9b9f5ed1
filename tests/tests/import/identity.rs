//! Imported users, and their first sign-in.

use end_to_end::test_user::token;
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::json;
use uuid::Uuid;

use crate::setup::{conversation, here, history, id, import, lines, source, text, zip};

#[tokio::test]
async fn first_sign_in_finds_what_was_imported_for_the_subject() {
    let (backend, [alice, bob, room]) = (TestBackend::new().await, [id(), id(), id()]);
    let subject = format!("alice-{}", Uuid::new_v4());
    let file = zip(&[
        (
            "users.jsonl",
            lines(&[
                json!({"user_id": alice, "subject": subject, "display_name": "Alice"}),
                json!({"user_id": bob, "display_name": "Bob"}),
            ]),
        ),
        ("conversations.jsonl", lines(&[json!({"conversation_id": room, "type": "private"})])),
        (
            "members.jsonl",
            lines(&[
                json!({"conversation_id": room, "user_id": alice, "role": "member"}),
                json!({"conversation_id": room, "user_id": bob, "role": "member"}),
            ]),
        ),
        (&format!("messages/{room}.jsonl"), lines(&[text(&room, 1, &bob, "hello"), text(&room, 2, &alice, "hi")])),
    ]);
    let source = source();
    let done = import(&backend, &source, "mapped", file.clone()).await;
    assert_eq!((&done["state"], &done["counts"]["users"]), (&json!("done"), &json!(2)), "{done}");

    // She has never been here.
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": subject})).await;
    let alice = TestUser::with_token(cloud, "Alice", token).await;
    let (_, list) = alice.get("/v1/conversations").await;
    let listed = &list["conversations"][0];
    assert_eq!((&listed["type"], &listed["unread"]), (&json!("private"), &json!(0)), "{list}");
    let here = here(&source, &room);
    assert_eq!(listed["conversation_id"], here);
    let messages = history(&alice, &here).await;
    assert_eq!(
        messages.iter().map(|message| message["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["created", "text", "text"]
    );
    assert_eq!(
        (&messages[2]["sender_id"], &messages[1]["sent_at"]),
        (&json!(alice.user_id), &json!("2024-05-01T10:00:00.001Z"))
    );
    let peer = listed["peer_id"].as_str().unwrap();
    assert_eq!(alice.get(&format!("/v1/users/{peer}")).await.1["display_name"], "Bob");

    // The two have a private conversation now, so one of another source has no place.
    let second = import(&backend, &format!("{source}-2"), "mapped", file.clone()).await;
    assert_eq!(second["state"], "done", "bob of another source is somebody else: {second}");
    let again = import(&backend, &source, "mapped", file).await;
    assert_eq!(
        (&again["counts"]["existing_conversations"], &again["counts"]["messages"]),
        (&json!(1), &json!(0)),
        "{again}"
    );
}

#[tokio::test]
async fn private_conversation_that_exists_is_no_other() {
    let (backend, alice, bob) = tokio::join!(TestBackend::new(), TestUser::new("alice"), TestUser::new("bob"));
    let existing = alice.private_conversation_with(&bob).await;
    let room = id();
    let file = zip(&[
        ("conversations.jsonl", lines(&[json!({"conversation_id": room, "type": "private"})])),
        (
            "members.jsonl",
            lines(&[
                json!({"conversation_id": room, "user_id": alice.user_id, "role": "member"}),
                json!({"conversation_id": room, "user_id": bob.user_id, "role": "member"}),
            ]),
        ),
    ]);
    let source = source();
    let refused = import(&backend, &source, "kept", file).await;
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("failed"), &json!("invalid")), "{refused}");
    assert_eq!(
        (&refused["errors"][0]["file"], &refused["errors"][0]["line"]),
        (&json!("conversations.jsonl"), &json!(1))
    );
    assert_eq!(alice.get(&format!("/v1/conversations/{}", here(&source, &room))).await.0, 404);
    assert_eq!(conversation(&alice, &existing).await["peer_id"], bob.user_id);
}
