//! Requests for exports: who may make them, and what they answer.

use std::sync::Arc;

use client::domain::export::{ExportState, ExportedMessages};
use client::{Api, Endpoints, FixedToken};
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::{Archive, export, finished, group, refusal, send};

#[tokio::test]
async fn devices_of_the_user_are_notified_when_an_export_is_ready() {
    let alice = TestUser::new("alice").await;
    let mut phone = alice.connect().await;
    let (status, requested) = alice.post("/v1/users/me/export", &json!({"messages": "visible"})).await;
    assert_eq!(
        (status, &requested["state"], &requested["of"]),
        (202, &json!("running"), &json!("user")),
        "{requested}"
    );
    let pushed = phone.next("export").await["export"].clone();
    assert_eq!((&pushed["export_id"], &pushed["state"]), (&requested["export_id"], &json!("ready")), "{pushed}");
    assert_eq!(pushed.get("url"), None, "a link comes over HTTP alone");
    let ready = finished(&alice, requested["export_id"].as_str().unwrap()).await;
    assert!(ready["url_expires_at"].as_str() < ready["expires_at"].as_str(), "{ready}");
}

#[tokio::test]
async fn only_owners_export_conversations() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let team = group(&alice, &[&bob]).await;
    let path = format!("/v1/conversations/{team}/export");
    assert_eq!(refusal(bob.post(&path, &json!({})).await), (403, "not_allowed".to_owned()));
    assert_eq!(refusal(carol.post(&path, &json!({})).await), (404, "conversation_not_found".to_owned()));
    assert_eq!(bob.delete(&format!("/v1/conversations/{team}/members/me")).await.0, 204);
    assert_eq!(refusal(bob.post(&path, &json!({})).await), (403, "not_a_member".to_owned()));
    let private = alice.private_conversation_with(&bob).await;
    let refused = refusal(alice.post(&format!("/v1/conversations/{private}/export"), &json!({})).await);
    assert_eq!(refused, (409, "wrong_conversation_type".to_owned()));
    let town = alice.create_conversation(&json!({"type": "public", "title": "Town", "member_ids": []})).await;
    export(&alice, &format!("/v1/conversations/{town}/export"), &json!({})).await;
}

#[tokio::test]
async fn export_of_another_user_is_not_found() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let requested = alice.post("/v1/users/me/export", &json!({})).await.1;
    let path = format!("/v1/exports/{}", requested["export_id"].as_str().unwrap());
    let not_found = (404, "export_not_found".to_owned());
    assert_eq!(refusal(bob.get(&path).await), not_found);
    assert_eq!(refusal(bob.delete(&path).await), not_found);
    assert_eq!(refusal(alice.get(&format!("/v1/exports/{}", Uuid::now_v7())).await), not_found);
    assert_eq!(refusal(alice.get("/v1/exports/x").await), (400, "invalid_uuid".to_owned()));
    assert_eq!(finished(&alice, requested["export_id"].as_str().unwrap()).await["state"], "ready");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let alice = TestUser::new("alice").await;
    for (body, code) in [
        (json!({"messages": "all"}), "invalid_request"),
        (json!({"files": 1}), "invalid_request"),
        (json!({"user_id": alice.user_id}), "unknown_field"),
        (json!([]), "invalid_request"),
    ] {
        assert_eq!(refusal(alice.post("/v1/users/me/export", &body).await), (400, code.to_owned()), "{body}");
    }
    let (status, body) = alice.post_text("/v1/users/me/export", "{").await;
    assert_eq!(refusal((status, body)), (400, "bad_json".to_owned()));
}

#[tokio::test]
async fn day_has_few_exports() {
    let alice = TestUser::new("alice").await;
    for _ in 0..5 {
        export(&alice, "/v1/users/me/export", &json!({})).await;
    }
    let refused = refusal(alice.post("/v1/users/me/export", &json!({})).await);
    assert_eq!(refused, (409, "too_many_exports".to_owned()));
}

#[tokio::test]
async fn backend_exports_as_a_user_and_as_the_system() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let team = group(&alice, &[&bob]).await;
    send(&alice, &team, "hello").await;
    let path = format!("/v1/server/conversations/{team}/export");
    let refused = refusal(backend.post("/v1/server/users/me/export", &json!({})).await);
    assert_eq!(refused, (400, "invalid_request".to_owned()), "the system is no user");
    let as_bob = backend.acting_as(&bob);
    assert_eq!(refusal(as_bob.post(&path, &json!({})).await), (403, "not_allowed".to_owned()));
    let (status, of_bob) = as_bob.post("/v1/server/users/me/export", &json!({"messages": "visible"})).await;
    assert_eq!(status, 202, "{of_bob}");
    let (status, of_team) = backend.post(&path, &json!({"files": true})).await;
    assert_eq!(status, 202, "{of_team}");
    let ready = finished(&bob, of_bob["export_id"].as_str().unwrap()).await;
    assert_eq!(ready["state"], "ready", "as if he had requested it");
    let path = format!("/v1/server/exports/{}", of_team["export_id"].as_str().unwrap());
    let ready: Value = loop {
        let (status, found) = backend.get(&path).await;
        assert_eq!(status, 200, "{found}");
        if found["state"] != "running" {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let archive = Archive::download(ready["url"].as_str().unwrap()).await;
    assert_eq!(archive.messages(&team).len(), 2);
    assert_eq!(archive.lines("members").len(), 2);
    let not_found = (404, "export_not_found".to_owned());
    assert_eq!(refusal(alice.get(&path.replace("/server", "")).await), not_found);
    assert_eq!(backend.delete(&path).await.0, 204);
    assert_eq!(backend.get(&path).await.1["state"], "cancelled");
}

#[tokio::test]
async fn rust_client_exports() {
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let alice = TestUser::of(cloud, "alice").await;
    let endpoints = Endpoints::read(cloud.endpoints_file()).unwrap();
    let api = Api::with_tokens(endpoints, Arc::new(FixedToken::new(alice.token.clone()))).unwrap();
    let team = group(&alice, &[]).await;
    let requested = api.export_conversation(team.parse().unwrap(), true).await.unwrap();
    finished(&alice, &requested.export_id.to_string()).await;
    let ready = api.export(requested.export_id).await.unwrap();
    assert_eq!((ready.state, ready.subject), (ExportState::Ready, requested.subject));
    let archive = Archive::download(&ready.url.unwrap()).await;
    assert_eq!(archive.messages(&team).len(), 1);
    let own = api.export_user(ExportedMessages::Visible, false).await.unwrap();
    api.cancel_export(own.export_id).await.unwrap();
    assert_eq!(api.export(own.export_id).await.unwrap().state, ExportState::Cancelled);
}
