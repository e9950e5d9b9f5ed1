//! Conversations begin once, with the members that exist, and are seen by those alone.

use std::time::{Duration, Instant};

use domain::UserId;
use domain::new_conversation::NewConversation;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use store::sql::Conversations;
use store::sql::conversations::Created;
use store::sqs::{Queue, RelayBody};
use uuid::Uuid;

fn private(other: &TestUser) -> Value {
    json!({"type": "private", "member_ids": [other.user_id]})
}

#[tokio::test]
async fn a_pair_has_one_private_conversation_for_either_creator() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (mut by_alice, by_bob) = (private(&bob), private(&alice));
    let (one, other) = tokio::join!(alice.post("/v1/conversations", &by_alice), bob.post("/v1/conversations", &by_bob));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201], "{one:?} {other:?}");
    assert_eq!(one.1["conversation_id"], other.1["conversation_id"]);
    assert_eq!((&one.1["head_seq"], &one.1["member_count"]), (&json!(1), &json!(2)));

    // Naming oneself as well changes nothing.
    by_alice["member_ids"] = json!([alice.user_id, bob.user_id]);
    assert_eq!(alice.post("/v1/conversations", &by_alice).await.1["conversation_id"], one.1["conversation_id"]);
}

#[tokio::test]
async fn new_group_has_a_title_an_owner_and_a_first_item() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id, carol.user_id]});
    let (status, group) = alice.post("/v1/conversations", &body).await;
    assert_eq!((status, &group["title"], &group["role"]), (201, &json!("Team"), &json!("owner")), "{group}");

    let id = group["conversation_id"].as_str().unwrap();
    let (status, seen) = bob.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!((status, &seen["role"], &seen["member_count"]), (200, &json!("member"), &json!(3)));

    let (_, history) = carol.get(&format!("/v1/conversations/{id}/messages")).await;
    let first = &history["messages"][0];
    assert_eq!((&first["seq"], &first["kind"]), (&json!(1), &json!("created")), "{history}");
    assert_eq!(first["members"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn non_members_cannot_see_a_conversation() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let id = alice.private_conversation_with(&bob).await;
    for path in [format!("/v1/conversations/{id}"), format!("/v1/conversations/{}", Uuid::new_v4())] {
        let (status, problem) = mallory.get(&path).await;
        assert_eq!((status, &problem["code"]), (404, &json!("conversation_not_found")));
    }
    assert_eq!(mallory.get("/v1/conversations").await, (200, json!({"conversations": [], "cursor": null})));
}

#[tokio::test]
async fn list_returns_every_conversation_in_pages() {
    let alice = TestUser::new("alice").await;
    let mut expected = Vec::new();
    for n in 0..5 {
        let body = json!({"type": "group", "title": format!("Group {n}"), "member_ids": []});
        expected.push(alice.post("/v1/conversations", &body).await.1["title"].clone());
    }
    let (mut found, mut path) = (Vec::new(), "/v1/conversations?limit=2".to_owned());
    loop {
        let (status, page) = alice.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let titles: Vec<Value> =
            page["conversations"].as_array().unwrap().iter().map(|item| item["title"].clone()).collect();
        assert!(titles.len() <= 2);
        found.extend(titles);
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/v1/conversations?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn idempotency_key_creates_one_conversation() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (first, created) = alice.post_with_key("/v1/conversations", "k", &body).await;
    let (again, same) = alice.post_with_key("/v1/conversations", "k", &body).await;
    assert_eq!((first, again), (201, 200));
    assert_eq!(created, same);
    let (status, problem) = alice
        .post_with_key("/v1/conversations", "k", &json!({"type": "group", "title": "Other", "member_ids": []}))
        .await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency_mismatch")));
    // The key is the caller's own.
    assert_eq!(bob.post_with_key("/v1/conversations", "k", &body).await.0, 201);
}

#[tokio::test]
async fn invalid_requests_have_their_error_codes_and_no_effect() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let many: Vec<Uuid> = (0..50).map(|_| Uuid::new_v4()).collect();
    for (code, body) in [
        ("user_not_found", json!({"type": "private", "member_ids": [Uuid::new_v4()]})),
        ("user_not_found", json!({"type": "group", "title": "T", "member_ids": [bob.user_id, Uuid::new_v4()]})),
        ("invalid_request", json!({"type": "private", "member_ids": []})),
        ("invalid_request", json!({"type": "private", "member_ids": [alice.user_id]})),
        ("invalid_request", json!({"type": "private", "title": "T", "member_ids": [bob.user_id]})),
        ("invalid_request", json!({"type": "group", "member_ids": [bob.user_id]})),
        ("invalid_uuid", json!({"type": "group", "title": "T", "member_ids": ["bob"]})),
        ("unknown_field", json!({"type": "group", "title": "T", "owner": "me"})),
        ("invalid_request", json!({"type": "party"})),
        ("too_many_members", json!({"type": "group", "title": "T", "member_ids": many})),
    ] {
        let (status, problem) = alice.post("/v1/conversations", &body).await;
        assert_eq!(problem["code"], code, "{status} {problem} for {body}");
    }
    assert_eq!(alice.get("/v1/conversations").await.1["conversations"], json!([]));
}

/// Commits the transaction and ends before the relay, as a killed function does.
async fn create_without_relay(alice: &TestUser, bob: &TestUser) -> (String, Queue) {
    let cloud = Cloud::shared();
    let relay = Queue::new(aws::sqs(cloud), aws::relay_queue_url(cloud));
    let pool = aws::database(cloud);
    let ids: [UserId; 2] = [alice, bob].map(|user| user.user_id.parse().unwrap());
    let new = NewConversation::Private { pair: [ids[0].min(ids[1]), ids[0].max(ids[1])] };
    let created = Conversations::new(pool, relay.clone()).create(ids[0], &new, None).await.unwrap();
    match created {
        Created::New(pending) => (pending.conversation_id.to_string(), relay),
        Created::Existing(id) => panic!("{id} exists"),
    }
}

#[tokio::test]
async fn unfinished_creation_is_completed_by_the_next_request() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (id, _) = create_without_relay(&alice, &bob).await;
    assert_eq!(alice.get(&format!("/v1/conversations/{id}")).await.0, 404);
    assert_eq!(bob.private_conversation_with(&alice).await, id);
    assert_eq!(alice.get(&format!("/v1/conversations/{id}")).await.1["head_seq"], 1);
}

#[tokio::test]
async fn unfinished_creation_is_completed_by_the_relay_worker() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (id, relay) = create_without_relay(&alice, &bob).await;
    // Twice: queues deliver at least once. The one that the creator left behind comes later still.
    for _ in 0..2 {
        relay
            .send_relay(RelayBody::Conversation { conversation_id: id.parse().unwrap() }, Duration::ZERO)
            .await
            .unwrap();
    }
    let path = format!("/v1/conversations/{id}");
    let deadline = Instant::now() + Duration::from_secs(30);
    while alice.get(&path).await.0 == 404 {
        assert!(Instant::now() < deadline, "the relay worker did not finish the creation");
    }
    assert_eq!(bob.get(&path).await.1["head_seq"], 1);
}
