//! Messages, as a user and as the system.

use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};

use crate::setup::{SYSTEM, group, message, refusal};

fn path(conversation: &str) -> String {
    format!("/v1/server/conversations/{conversation}/messages")
}

/// The texts that a user sees, with their senders.
async fn texts(user: &TestUser, conversation: &str) -> Vec<(String, String)> {
    let (status, history) = user.get(&format!("/v1/conversations/{conversation}/messages")).await;
    assert_eq!(status, 200, "{history}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = history["messages"].as_array().unwrap().iter().filter(|message| message["kind"] == "text");
    messages.map(|message| (text(&message["sender_id"]), text(&message["text"]))).collect()
}

#[tokio::test]
async fn message_as_a_user_is_the_users_own() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let conversation = alice.private_conversation_with(&bob).await;
    let mut socket = bob.connect().await;
    let as_alice = backend.acting_as(&alice);
    let hello = message("hello");
    let (status, sent) = as_alice.post(&path(&conversation), &hello).await;
    assert_eq!(status, 201, "{sent}");
    let pushed = socket.next("message").await;
    assert_eq!((&pushed["message"]["text"], &pushed["message"]["sender_id"]), (&json!("hello"), &json!(alice.user_id)));
    let again = as_alice.post(&path(&conversation), &hello).await;
    assert_eq!((again.0, &again.1["seq"], &again.1["duplicate"]), (200, &sent["seq"], &json!(true)));

    let one = format!("{}/{}", path(&conversation), sent["seq"]);
    assert_eq!(as_alice.patch(&one, &json!({"text": "hello there"})).await.0, 200);
    assert_eq!(backend.acting_as(&bob).put(&format!("{one}/reactions/%F0%9F%91%8D"), &json!({})).await.0, 200);
    assert_eq!(refusal(backend.acting_as(&bob).delete(&one).await), (403, "not_allowed".to_owned()));
    assert_eq!(texts(&bob, &conversation).await, [(alice.user_id.clone(), "hello there".to_owned())]);
    assert_eq!(as_alice.get(&format!("{one}/status")).await.0, 200);
    assert_eq!(as_alice.delete(&one).await.0, 204);
    assert!(texts(&bob, &conversation).await.is_empty());
}

#[tokio::test]
async fn message_of_the_system_reaches_every_member() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let conversation = group(&alice, &[&bob]).await;
    let mut sockets = [alice.connect().await, bob.connect().await];
    let hello = message("The office closes at noon.");
    let (status, sent) = backend.post(&path(&conversation), &hello).await;
    assert_eq!(status, 201, "{sent}");
    for socket in &mut sockets {
        let pushed = socket.next("message").await;
        assert_eq!((&pushed["message"]["sender_id"], &pushed["message"]["kind"]), (&json!(SYSTEM), &json!("text")));
    }
    let again = backend.post(&path(&conversation), &hello).await;
    assert_eq!((again.0, &again.1["seq"]), (200, &sent["seq"]), "a resend is the same message");
    let listed = bob.get(&format!("/v1/conversations/{conversation}")).await.1;
    assert_eq!((&listed["unread"], &listed["last_message"]["sender_id"]), (&json!(1), &json!(SYSTEM)));

    // The log goes on: users answer it, and their order holds.
    let mut answer = message("Fine.");
    answer["reply_to_seq"] = sent["seq"].clone();
    assert_eq!(bob.post(&format!("/v1/conversations/{conversation}/messages"), &answer).await.0, 201);
    let without_seq = |text| {
        let mut one = message(text);
        one.as_object_mut().unwrap().remove("after_seq");
        one
    };
    let batch = json!({"after_seq": 1, "messages": [without_seq("One"), without_seq("Two")]});
    let (status, answered) = backend.post(&path(&conversation), &batch).await;
    assert_eq!((status, answered["messages"].as_array().map(Vec::len)), (201, Some(2)), "{answered}");
    let seen: Vec<String> = texts(&alice, &conversation).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(seen, ["The office closes at noon.", "Fine.", "One", "Two"]);

    let one = format!("{}/{}", path(&conversation), sent["seq"]);
    assert_eq!(backend.patch(&one, &json!({"text": "The office is closed."})).await.0, 200);
    assert_eq!(alice.delete(&one.replace("/server", "")).await.0, 204, "an owner moderates");
}

#[tokio::test]
async fn system_reads_and_moderates_every_conversation() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let private = alice.private_conversation_with(&bob).await;
    let town = alice.create_conversation(&json!({"type": "public", "title": "Town", "member_ids": []})).await;
    for conversation in [&private, &town] {
        let own = format!("/v1/conversations/{conversation}/messages");
        let mut rude = message("rude");
        rude.as_object_mut().unwrap().remove("after_seq");
        let (status, sent) = alice.post(&own, &rude).await;
        assert_eq!(status, 201, "{sent}");
        let (status, history) = backend.get(&path(conversation)).await;
        assert_eq!(
            (status, history["messages"].as_array().unwrap().last().unwrap()["text"].as_str()),
            (200, Some("rude"))
        );
        let one = format!("{}/{}", path(conversation), sent["seq"]);
        assert_eq!(refusal(backend.patch(&one, &json!({"text": "kind"})).await), (403, "not_allowed".to_owned()));
        assert_eq!(backend.delete(&one).await.0, 204);
        assert!(texts(&alice, conversation).await.is_empty());
        let mut warning = message("Be kind.");
        warning.as_object_mut().unwrap().remove("after_seq");
        assert_eq!(backend.post(&path(conversation), &warning).await.0, 201);
        assert_eq!(texts(&alice, conversation).await, [(SYSTEM.to_owned(), "Be kind.".to_owned())]);
    }
    // A block is between the two.
    assert_eq!(bob.patch(&format!("/v1/conversations/{private}"), &json!({"blocked": true})).await.0, 200);
    let mut notice = message("Still here.");
    notice.as_object_mut().unwrap().remove("after_seq");
    assert_eq!(refusal(backend.acting_as(&alice).post(&path(&private), &notice).await), (403, "blocked".to_owned()));
    assert_eq!(backend.post(&path(&private), &notice).await.0, 201);
}

#[tokio::test]
async fn backend_reads_and_sends_as_a_user_what_the_user_may() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let backend = TestBackend::new().await;
    let conversation = group(&alice, &[&bob]).await;
    assert_eq!(backend.acting_as(&alice).post(&path(&conversation), &message("before")).await.0, 201);
    let as_carol = backend.acting_as(&carol);
    assert_eq!(refusal(as_carol.get(&path(&conversation)).await), (404, "conversation_not_found".to_owned()));
    assert_eq!(refusal(as_carol.post(&path(&conversation), &message("hi")).await), (403, "not_a_member".to_owned()));
    let members = format!("/v1/server/conversations/{conversation}/members");
    assert_eq!(backend.post(&members, &json!({"user_ids": [carol.user_id]})).await.0, 204);
    let (status, history) = as_carol.get(&path(&conversation)).await;
    let kinds: Vec<&str> =
        history["messages"].as_array().unwrap().iter().map(|message| message["kind"].as_str().unwrap()).collect();
    assert_eq!((status, kinds.as_slice()), (200, ["members_added"].as_slice()), "not what was before her");
}

#[tokio::test]
async fn system_neither_reacts_nor_sends_to_what_does_not_exist() {
    let (alice, backend) = tokio::join!(TestUser::new("alice"), TestBackend::new());
    let conversation = group(&alice, &[]).await;
    let reaction = format!("{}/1/reactions/%F0%9F%91%8D", path(&conversation));
    assert_eq!(refusal(backend.put(&reaction, &json!({})).await), (400, "invalid_request".to_owned()));
    let unknown = path("019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d");
    assert_eq!(refusal(backend.post(&unknown, &message("hi")).await), (403, "not_a_member".to_owned()));
    assert_eq!(refusal(backend.get(&unknown).await), (404, "conversation_not_found".to_owned()));
    assert_eq!(alice.delete(&format!("/v1/conversations/{conversation}")).await.0, 204);
    let late = refusal(backend.post(&path(&conversation), &message("late")).await);
    assert_eq!(late, (409, "conversation_closed".to_owned()));
}
