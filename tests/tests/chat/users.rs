//! Tests of the profiles of users.

use end_to_end::test_user::{client, token};
use end_to_end::{Cloud, TestUser};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn profile_is_created_changed_and_visible_to_others() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (status, changed) = alice.put("/v1/users/me", &json!({"display_name": " Alice "})).await;
    assert_eq!((status, &changed["display_name"]), (200, &json!("Alice")));
    assert_eq!(alice.get("/v1/users/me").await, (200, changed.clone()));
    assert_eq!(bob.get(&format!("/v1/users/{}", alice.user_id)).await, (200, changed));
}

#[tokio::test]
async fn repeated_profile_update_changes_nothing() {
    let alice = TestUser::new("alice").await;
    let (_, once) = alice.put("/v1/users/me", &json!({"display_name": "Alice"})).await;
    let (_, twice) = alice.put("/v1/users/me", &json!({"display_name": "Alice"})).await;
    assert_eq!(once, twice);
}

#[tokio::test]
async fn missing_users_and_invalid_profiles_have_error_codes() {
    let alice = TestUser::new("alice").await;
    for (path, refusal) in [
        (format!("/v1/users/{}", Uuid::new_v4()), (404, &json!("user_not_found"))),
        ("/v1/users/nobody".to_owned(), (400, &json!("invalid_uuid"))),
    ] {
        let (status, problem) = alice.get(&path).await;
        assert_eq!((status, &problem["code"]), refusal);
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
    }
    for (code, body) in [
        ("invalid_request", json!({"display_name": ""})),
        ("invalid_request", json!({})),
        ("invalid_request", json!("A")),
        ("unknown_field", json!({"display_name": "A", "admin": true})),
    ] {
        let (status, problem) = alice.put("/v1/users/me", &body).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{body}");
    }
}

#[tokio::test]
async fn token_without_a_profile_gets_profile_required() {
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": Uuid::new_v4()})).await;
    let me = client().get(format!("{}/v1/users/me", cloud.endpoints.http)).bearer_auth(&token);
    let (status, problem) = end_to_end::test_user::answer(me).await;
    assert_eq!((status, &problem["code"]), (409, &json!("profile_required")));
}
