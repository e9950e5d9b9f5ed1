//! Changes that write no item into a log hold at once, although DynamoDB's eventually consistent reads are behind.

use end_to_end::faults::{Kind, Lag};
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::PLAN;

fn send(conversation: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "text": "Hello?"})
}

#[tokio::test]
async fn block_and_departure_hold_at_once() {
    let _plan = PLAN.write().await;
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let private = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{private}");
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    assert_eq!(b.ask(send(&private)).await["type"], "sent");
    let mut shared = Vec::new();
    for kind in ["group", "public"] {
        let body = json!({"type": kind, "title": "Team", "member_ids": [bob.user_id]});
        let (_, created) = alice.post("/v1/conversations", &body).await;
        let id = created["conversation_id"].as_str().unwrap().to_owned();
        assert_eq!(a.ask(json!({"action": "open", "conversation_id": id})).await["type"], "accepted");
        assert_eq!(b.ask(json!({"action": "open", "conversation_id": id})).await["type"], "accepted");
        shared.push(id);
    }
    b.pushed().await;

    // The block is the newest write from here on, and no eventually consistent read sees it.
    cloud.inject_faults(1, &[Kind::StaleRead(Lag::Writes(1)).rule()]).await;
    assert_eq!(alice.patch(&path, &json!({"blocked": true})).await.0, 200);
    for socket in [&mut a, &mut b] {
        assert_eq!(socket.ask(send(&private)).await["error"]["code"], "blocked");
        let typing = json!({"action": "typing", "conversation_id": private, "typing": true});
        assert_eq!(socket.ask(typing).await["error"]["code"], "blocked");
    }
    for user in [&alice, &bob] {
        let draft = json!({"client_message_id": Uuid::new_v4(), "text": "Hello?"});
        assert_eq!(user.post(&format!("{path}/messages"), &draft).await.1["code"], "blocked");
        assert_eq!(user.put(&format!("{path}/messages/2/reactions/👍"), &json!({})).await.1["code"], "blocked");
        assert_eq!(user.get(&format!("/v1/presence?conversation_id={private}")).await.1["code"], "blocked");
        let file = json!({"name": "a.txt", "content_type": "text/plain", "size": 1, "sha256": "0".repeat(64)});
        assert_eq!(user.post(&format!("{path}/files"), &file).await.1["code"], "blocked");
    }
    assert_eq!(bob.patch(&format!("{path}/messages/2"), &json!({"text": "Hello!"})).await.1["code"], "blocked");
    for conversation in &shared {
        let (_, page) = bob.get(&format!("/v1/presence?conversation_id={conversation}")).await;
        let alices = json!({"user_id": alice.user_id, "online": false, "last_seen_at": null});
        assert!(page["members"].as_array().unwrap().contains(&alices), "{page}");
        let typing = json!({"action": "typing", "conversation_id": conversation, "typing": true});
        assert_eq!(a.ask(typing).await["type"], "accepted");
    }
    assert_eq!(b.pushed().await, [] as [Value; 0]);

    // Leaving a public conversation writes no item either.
    assert_eq!(bob.delete(&format!("/v1/conversations/{}/members/me", shared[1])).await.0, 204);
    assert_eq!(b.ask(send(&shared[1])).await["error"]["code"], "not_a_member");
    cloud.clear_faults().await;
}
