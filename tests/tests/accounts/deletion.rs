//! Permanent deletion of users.

use chat::log::{Draft, SendError};
use domain::UserId;
use end_to_end::socket::handshake;
use end_to_end::test_user::{Answer, answer, client, token};
use end_to_end::{Cloud, Socket, TestUser, aws};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::{create_conversation, group, messages, refusal, send_frame};

async fn delete(person: &TestUser) {
    assert_eq!(person.delete("/v1/users/me").await, (204, Value::Null));
}

/// The status of a handshake that is refused.
async fn handshake_of(token: &str) -> Option<u16> {
    let mut request = handshake(Cloud::shared());
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    Socket::open(request).await.err()
}

#[tokio::test]
async fn token_of_a_deleted_user_is_refused() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let private = alice.private_conversation_with(&bob).await;
    let (team, club) = (group(&bob, &[&alice]).await, create_conversation("public", &bob, &[]).await);
    let left = group(&bob, &[&alice]).await;
    assert_eq!(alice.delete(&format!("/v1/conversations/{left}/members/me")).await.0, 204);
    delete(&alice).await;
    delete(&alice).await;

    let user_deleted = (403, "user_deleted".to_owned());
    for path in [
        "/v1/users/me".to_owned(),
        format!("/v1/users/{}", bob.user_id),
        format!("/v1/users?ids={}", bob.user_id),
        "/v1/conversations".to_owned(),
        "/v1/public-conversations".to_owned(),
    ] {
        assert_eq!(refusal(alice.get(&path).await), user_deleted, "{path}");
    }
    for id in [&private, &team, &left] {
        for path in ["", "/messages", "/members"].map(|rest| format!("/v1/conversations/{id}{rest}")) {
            assert_eq!(refusal(alice.get(&path).await), user_deleted, "{path}");
        }
    }
    assert_eq!(refusal(alice.put("/v1/users/me", &json!({"display_name": "Alice"})).await), user_deleted);
    for body in [
        json!({"type": "private", "member_ids": [bob.user_id]}),
        json!({"type": "group", "title": "Ghosts", "member_ids": [bob.user_id]}),
        json!({"type": "public", "title": "Ghosts"}),
    ] {
        assert_eq!(refusal(alice.post("/v1/conversations", &body).await), user_deleted, "{body}");
    }
    let path = format!("/v1/conversations/{team}");
    let add = json!({"user_ids": [bob.user_id]});
    assert_eq!(refusal(alice.patch(&path, &json!({"title": "Ghosts"})).await), user_deleted);
    assert_eq!(refusal(alice.delete(&path).await), user_deleted);
    assert_eq!(refusal(alice.post(&format!("{path}/members"), &add).await), user_deleted);
    assert_eq!(refusal(alice.delete(&format!("{path}/members/me")).await), user_deleted);
    assert_eq!(refusal(alice.put(&format!("/v1/conversations/{club}/members/me"), &json!({})).await), user_deleted);
    // Whatever the user was in it, and whether it exists or not.
    let (never, missing) = (group(&bob, &[]).await, Uuid::new_v4().to_string());
    for id in [&private, &team, &left, &club, &never, &missing] {
        for answer in every_request(&alice, &bob, id).await {
            assert_eq!(refusal(answer.clone()), user_deleted, "{id}: {answer:?}");
        }
    }
    assert_eq!(handshake_of(&alice.token).await, Some(403));
}

/// The answers to every request about a conversation or file with this id.
async fn every_request(user: &TestUser, other: &TestUser, id: &str) -> Vec<Answer> {
    let (path, of_file) = (format!("/v1/conversations/{id}"), format!("/v1/files/{id}"));
    let (message, member) = (format!("{path}/messages/1"), format!("{path}/members/{}", other.user_id));
    let reaction = format!("{message}/reactions/%F0%9F%91%8D");
    let draft = json!({"client_message_id": Uuid::new_v4(), "text": "boo"});
    let file = json!({"name": "a", "content_type": "a/b", "size": 1, "sha256": "0".repeat(64)});
    vec![
        user.get(&path).await,
        user.patch(&path, &json!({"title": "Ghosts"})).await,
        user.patch(&path, &json!({"blocked": true})).await,
        user.delete(&path).await,
        user.get(&format!("{path}/members")).await,
        user.post(&format!("{path}/members"), &json!({"user_ids": [other.user_id]})).await,
        user.put(&format!("{path}/members/me"), &json!({})).await,
        user.patch(&member, &json!({"role": "admin"})).await,
        user.delete(&member).await,
        user.delete(&format!("{path}/members/me")).await,
        user.get(&format!("/v1/presence?conversation_id={id}")).await,
        user.get(&format!("{path}/messages")).await,
        user.post(&format!("{path}/messages"), &draft).await,
        user.patch(&message, &json!({"text": "boo"})).await,
        user.delete(&message).await,
        user.put(&reaction, &json!({})).await,
        user.delete(&reaction).await,
        user.get(&format!("{message}/status")).await,
        user.get(&format!("{path}/receipts")).await,
        user.post("/v1/sync", &json!({"cursors": {id: 0}})).await,
        user.post(&format!("{path}/files"), &file).await,
        user.get(&of_file).await,
        user.get(&format!("{of_file}/content")).await,
        user.get(&format!("{of_file}/thumbnail?size=320")).await,
        user.post(&format!("{of_file}/parts"), &json!({"parts": []})).await,
        user.post(&format!("{of_file}/complete"), &json!({})).await,
        user.delete(&of_file).await,
    ]
}

#[tokio::test]
async fn messages_of_a_deleted_user_keep_their_sender_and_lose_the_name() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (private, team) = (alice.private_conversation_with(&bob).await, group(&bob, &[&alice, &carol]).await);
    for id in [&private, &team] {
        assert_eq!(alice.connect().await.ask(send_frame(id, 1, "Remember me")).await["type"], "sent");
    }
    delete(&alice).await;

    for (id, closed) in [(&private, true), (&team, false)] {
        let log = messages(&bob, id).await;
        assert_eq!((&log[1]["text"], &log[1]["sender_id"]), (&json!("Remember me"), &json!(alice.user_id)));
        let last = &log[2];
        assert_eq!((&last["kind"], &last["sender_id"]), (&json!("member_left"), &json!(alice.user_id)));
        assert_eq!((&last["user_deleted"], &last["closed"]), (&json!(true), &json!(closed)));
        let answer = bob.connect().await.ask(send_frame(id, 3, "Never")).await;
        let (kind, code) = if closed { ("error", json!("conversation_closed")) } else { ("sent", Value::Null) };
        assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!(kind), &code), "{answer}");
    }
    assert_eq!(bob.private_conversation_with(&alice).await, private, "the private conversation is kept");
    assert_eq!(bob.get(&format!("/v1/conversations/{team}")).await.1["member_count"], 2);
    let found = bob.get(&format!("/v1/users/{}", alice.user_id)).await;
    assert_eq!(found, (200, json!({"user_id": alice.user_id, "deleted": true})));
}

#[tokio::test]
async fn deletion_closes_every_connection_and_notifies_others() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let team = group(&bob, &[&alice]).await;
    let (phone, laptop, mut bobs) = tokio::join!(alice.connect(), alice.connect(), bob.connect());
    bobs.pushed().await;
    delete(&alice).await;
    phone.wait_until_closed().await;
    laptop.wait_until_closed().await;
    let pushed = bobs.next("message").await;
    assert_eq!((&pushed["message"]["kind"], &pushed["message"]["user_deleted"]), (&json!("member_left"), &json!(true)));
    assert_eq!(pushed["message"]["conversation_id"], json!(team));
}

#[tokio::test]
async fn sends_of_a_deleted_user_are_refused_as_user_deleted() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let team = group(&bob, &[&alice]).await;
    delete(&alice).await;
    // As the function sees it whose connection was not closed in time.
    let draft = Draft {
        conversation_id: team.parse().unwrap(),
        sender_id: alice.user_id.parse().unwrap(),
        client_message_id: domain::ClientMessageId(Uuid::new_v4()),
        after_seq: Some(domain::Seq(1)),
        content: domain::Content::new("Boo".to_owned(), None, Vec::new()).unwrap(),
        attachment_ids: Vec::new(),
    };
    let log = aws::log(&aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb));
    let opened = log.open(&draft).await;
    assert!(matches!(opened, Err(SendError::UserDeleted)), "{opened:?}");
}

#[tokio::test]
async fn deletion_promotes_an_owner_and_closes_empty_conversations() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (team, club) = (group(&alice, &[&bob, &carol]).await, create_conversation("public", &alice, &[&bob]).await);
    let solo_group = group(&alice, &[]).await;
    let admin = format!("/v1/conversations/{team}/members/{}", carol.user_id);
    assert_eq!(alice.patch(&admin, &json!({"role": "admin"})).await.0, 200);
    delete(&alice).await;
    assert_eq!(carol.get(&format!("/v1/conversations/{team}")).await.1["role"], "owner", "the admin is promoted first");
    assert_eq!(messages(&bob, &team).await[2]["promoted"], json!(carol.user_id));
    assert_eq!(bob.get(&format!("/v1/conversations/{club}")).await.1["role"], "owner");
    let log = aws::log(&aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb));
    let user: UserId = alice.user_id.parse().unwrap();
    let view = log.members.view(solo_group.parse().unwrap(), user).await.unwrap().unwrap();
    assert!(view.conversation.closed && view.active.is_none() && view.user_deleted, "{view:?}");

    delete(&bob).await;
    delete(&carol).await;
    for id in [team, club] {
        let view = log.members.view(id.parse().unwrap(), bob.user_id.parse().unwrap()).await.unwrap().unwrap();
        assert!(view.conversation.closed && view.conversation.member_count == 0, "{view:?}");
    }
}

#[tokio::test]
async fn deleted_users_cannot_be_added() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (team, left) = (group(&bob, &[]).await, group(&bob, &[&alice]).await);
    delete(&alice).await;
    let user_not_found = (404, "user_not_found".to_owned());
    for id in [&team, &left] {
        let added = bob.post(&format!("/v1/conversations/{id}/members"), &json!({"user_ids": [alice.user_id]})).await;
        assert_eq!(refusal(added), user_not_found);
    }
    for body in [
        json!({"type": "private", "member_ids": [alice.user_id]}),
        json!({"type": "group", "title": "Seance", "member_ids": [alice.user_id]}),
    ] {
        assert_eq!(refusal(bob.post("/v1/conversations", &body).await), user_not_found, "{body}");
    }
}

#[tokio::test]
async fn users_without_a_profile_can_be_deleted() {
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": Uuid::new_v4()})).await;
    let me = || format!("{}/v1/users/me", cloud.endpoints.http);
    assert_eq!(answer(client().delete(me()).bearer_auth(&token)).await, (204, Value::Null));
    let profile = client().put(me()).bearer_auth(&token).json(&json!({"display_name": "Nobody"}));
    assert_eq!(refusal(answer(profile).await), (403, "user_deleted".to_owned()));
    assert_eq!(handshake_of(&token).await, Some(403));
}
