//! Samples of other chats, converted and imported.

use std::path::PathBuf;

use end_to_end::cloud::root;
use end_to_end::test_user::token;
use end_to_end::{Cloud, StoredState, TestBackend, TestUser};
use import::{Subjects, Summary, matrix, slack};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::{history, import, source};

fn sample(name: &str) -> PathBuf {
    root().join("infra/import/samples").join(name)
}

/// A user whose token has a subject, signed in for the first time.
async fn sign_in(subject: &str) -> TestUser {
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": subject})).await;
    TestUser::with_token(cloud, subject, token).await
}

/// The conversations of a user, by title; private ones have none.
async fn listed(user: &TestUser) -> Vec<(String, String, Value)> {
    let (status, list) = user.get("/v1/conversations?limit=50").await;
    assert_eq!(status, 200, "{list}");
    let conversations = list["conversations"].as_array().unwrap().iter();
    let mut found: Vec<_> = conversations
        .map(|found| {
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            (text("title"), text("conversation_id"), found.clone())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

#[tokio::test]
async fn slack_export_is_imported() {
    let backend = TestBackend::new().await;
    let [ada, bob] = ["ada", "bob"].map(|name| format!("{name}-{}", Uuid::new_v4()));
    // One by address, one by id.
    let subjects = [("ada@example.com", &ada), ("U2", &bob)].map(|(name, subject)| (name.to_owned(), subject.clone()));
    let files = slack::Files::read(&sample("slack")).unwrap();
    let converted = slack::convert(&files, &Subjects(subjects.into())).unwrap();
    let expected = Summary { users: 4, conversations: 5, messages: 7, left_out: 2, lost_reactions: 1 };
    assert_eq!(converted.summary, expected);
    let done = import(&backend, &source(), "mapped", converted.file).await;
    assert_eq!((&done["state"], &done["counts"]["conversations"]), (&json!("done"), &json!(5)), "{done}");

    let (ada, bob) = tokio::join!(sign_in(&ada), sign_in(&bob));
    let of_ada = listed(&ada).await;
    let titles: Vec<&str> = of_ada.iter().map(|(title, ..)| title.as_str()).collect();
    assert_eq!(titles, ["", "Ada", "Ada, Bob, Carol", "general", "secret"]);
    let (_, general, shown) = &of_ada[3];
    assert_eq!(
        (&shown["type"], &shown["role"], &shown["topic"]),
        (&json!("public"), &json!("owner"), &json!("Everything"))
    );
    let messages = history(&ada, general).await;
    let expected = [
        "Hello @Bob & all 🎉",
        "see the page (https://example.com/a?b=1&c=2) in #general",
        "deployed 1.2.3",
        "an answer in the thread",
        "the plan\n[plan.pdf] (https://files.slack.com/files-pri/T1-F1/plan.pdf)",
    ];
    assert_eq!(texts(&messages), expected);
    let [hello, edited, _, answer, _] = &messages[1..] else { panic!("{messages:?}") };
    assert_eq!((&hello["mentions"], &hello["sent_at"]), (&json!([bob.user_id]), &json!("2017-11-30T00:00:01.000Z")));
    assert_eq!(hello["reactions"], json!([{"emoji": "👍", "count": 2, "mine": false}]));
    assert_eq!(edited["edited_at"], "2017-11-30T00:00:10.000Z");
    assert_eq!((&answer["reply_to_seq"], &answer["sender_id"]), (&hello["seq"], &json!(bob.user_id)));
    assert_eq!((&of_ada[4].2["closed"], &of_ada[0].2["peer_id"]), (&json!(true), &json!(bob.user_id)));
    assert_eq!(texts(&history(&bob, &of_ada[0].1).await), ["just between us"]);
    for (_, id, shown) in &of_ada {
        assert_eq!(shown["unread"], 0);
        StoredState::of(Cloud::shared(), id).await.check();
    }
}

#[tokio::test]
async fn matrix_room_is_imported() {
    let backend = TestBackend::new().await;
    let [ada, bob] = ["ada", "bob"].map(|name| format!("{name}-{}", Uuid::new_v4()));
    let subjects = [("@ada:example.org", &ada), ("@bob:example.org", &bob)];
    let subjects = subjects.map(|(name, subject)| (name.to_owned(), subject.clone()));
    let room = std::fs::read(sample("matrix.json")).unwrap();
    let converted = matrix::convert(&[("matrix.json".to_owned(), room)], &Subjects(subjects.into())).unwrap();
    assert_eq!(converted.summary, Summary { users: 2, conversations: 1, messages: 6, left_out: 1, lost_reactions: 0 });
    let done = import(&backend, &source(), "mapped", converted.file).await;
    assert_eq!((&done["state"], &done["counts"]["messages"]), (&json!("done"), &json!(6)), "{done}");

    let (ada, bob) = tokio::join!(sign_in(&ada), sign_in(&bob));
    let of_ada = listed(&ada).await;
    let (title, kitchen, shown) = &of_ada[0];
    assert_eq!((title.as_str(), &shown["role"], &shown["topic"]), ("Kitchen", &json!("owner"), &json!("Cooking")));
    let messages = history(&ada, kitchen).await;
    assert_eq!(
        texts(&messages),
        ["before bob", "hello", "welcome", "[soup.jpg] (mxc://example.org/abc)", "alone again"]
    );
    let [_, before, hello, welcome, _, deleted, _] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(before["sent_at"], "2023-11-14T22:13:21.000Z");
    assert_eq!(
        (&hello["edited_at"], &hello["reactions"][0]["mine"]),
        (&json!("2023-11-14T22:13:24.000Z"), &json!(true))
    );
    assert_eq!((&welcome["reply_to_seq"], &welcome["mentions"]), (&hello["seq"], &json!([bob.user_id])));
    assert_eq!(deleted["kind"], "deleted");
    // He came later, and left.
    assert_eq!(texts(&history(&bob, kitchen).await), ["hello", "welcome", "[soup.jpg] (mxc://example.org/abc)"]);
    assert_eq!(listed(&bob).await[0].2["role"], Value::Null);
}
