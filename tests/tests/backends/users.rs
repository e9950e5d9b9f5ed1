//! Users: created for a subject, renamed, deleted.

use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::json;
use uuid::Uuid;

use crate::setup::{SYSTEM, refusal};

#[tokio::test]
async fn backend_learns_the_id_of_a_user_before_they_sign_in() {
    let backend = TestBackend::new().await;
    let subject = format!("alice-{}", Uuid::new_v4());
    let body = json!({"subject": subject, "display_name": "Alice"});
    let (status, created) = backend.post("/v1/server/users", &body).await;
    assert_eq!((status, &created["display_name"]), (200, &json!("Alice")), "{created}");
    assert_eq!(backend.post("/v1/server/users", &body).await, (200, created.clone()), "a repeat changes nothing");

    let token = end_to_end::test_user::token(Cloud::shared(), &json!({"username": subject})).await;
    let alice = TestUser::with_token(Cloud::shared(), "Alice herself", token).await;
    assert_eq!(created["user_id"], json!(alice.user_id));

    let as_alice = backend.acting_as(&alice);
    let renamed = as_alice.put("/v1/server/users/me", &json!({"display_name": "Alice B."})).await;
    assert_eq!((renamed.0, &renamed.1["display_name"]), (200, &json!("Alice B.")));
    assert_eq!(alice.get("/v1/users/me").await.1["display_name"], "Alice B.");
    let (status, page) = backend.get(&format!("/v1/server/users?ids={}", alice.user_id)).await;
    assert_eq!((status, &page["users"][0]["display_name"]), (200, &json!("Alice B.")));
}

#[tokio::test]
async fn users_need_a_subject_and_a_name() {
    let backend = TestBackend::new().await;
    for body in [
        json!({"display_name": "Alice"}),
        json!({"subject": "", "display_name": "Alice"}),
        json!({"subject": "a".repeat(2_049), "display_name": "Alice"}),
        json!({"subject": "alice", "display_name": ""}),
        json!({"subject": 7, "display_name": "Alice"}),
    ] {
        assert_eq!(refusal(backend.post("/v1/server/users", &body).await).0, 400, "{body}");
    }
}

#[tokio::test]
async fn deleted_user_stays_deleted_for_backends() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let conversation = bob.private_conversation_with(&alice).await;
    let as_alice = backend.acting_as(&alice);
    assert_eq!(as_alice.delete("/v1/server/users/me").await.0, 204);
    assert_eq!(refusal(alice.get("/v1/users/me").await), (403, "user_deleted".to_owned()));
    for path in ["/v1/server/users/me", "/v1/server/conversations", &format!("/v1/server/conversations/{conversation}")]
    {
        assert_eq!(refusal(as_alice.get(path).await), (403, "user_deleted".to_owned()), "{path}");
    }
    let renamed = as_alice.put("/v1/server/users/me", &json!({"display_name": "Back"})).await;
    assert_eq!(refusal(renamed), (403, "user_deleted".to_owned()));
}

#[tokio::test]
async fn system_is_a_user_with_a_name_and_cannot_be_deleted() {
    let (alice, backend) = tokio::join!(TestUser::new("alice"), TestBackend::new());
    let (status, found) = alice.get(&format!("/v1/users/{SYSTEM}")).await;
    assert_eq!((status, &found["display_name"]), (200, &json!("System")));
    // A request that has lost its header must not rename the system.
    let renamed = backend.put("/v1/server/users/me", &json!({"display_name": "Somebody"})).await;
    assert_eq!(refusal(renamed), (400, "invalid_request".to_owned()));
    assert_eq!(refusal(backend.delete("/v1/server/users/me").await), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn backend_names_one_user_by_id() {
    let backend = TestBackend::new().await;
    for named in ["", "alice", "system", SYSTEM, &Uuid::now_v7().to_string()] {
        let refused = refusal(backend.naming(named).get("/v1/server/users/me").await);
        assert_eq!(refused, (400, "invalid_uuid".to_owned()), "{named:?}");
    }
}
