//! Looking up who wrote something, the dead included.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::refusal;

#[tokio::test]
async fn users_are_returned_in_the_order_of_the_request() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    assert_eq!(carol.delete("/v1/users/me").await, (204, Value::Null));
    let tombstone = json!({"user_id": carol.user_id, "deleted": true});
    assert_eq!(alice.get(&format!("/v1/users/{}", carol.user_id)).await, (200, tombstone.clone()));

    let (_, me) = alice.get("/v1/users/me").await;
    let (_, him) = alice.get(&format!("/v1/users/{}", bob.user_id)).await;
    assert_eq!(him["user_id"], json!(bob.user_id));
    let missing = Uuid::new_v4().to_string();
    let ids = [&carol.user_id, &bob.user_id, &missing, &alice.user_id, &bob.user_id].map(String::as_str);
    let found = json!({"users": [tombstone, him, me]});
    assert_eq!(alice.get(&format!("/v1/users?ids={}", ids.join(","))).await, (200, found.clone()));
    assert_eq!(alice.get(&format!("/v1/users?ids={}", ids.join("&ids="))).await, (200, found));
    assert_eq!(alice.get(&format!("/v1/users?ids={missing}")).await, (200, json!({"users": []})));
}

#[tokio::test]
async fn invalid_lookups_are_refused() {
    let alice = TestUser::new("alice").await;
    let many = |n| vec![alice.user_id.as_str(); n].join(",");
    assert_eq!(alice.get(&format!("/v1/users?ids={}", many(100))).await.0, 200);
    for (code, query) in [
        ("invalid_request", String::new()),
        ("invalid_uuid", "?ids=".to_owned()),
        ("invalid_uuid", format!("?ids={},bob", alice.user_id)),
        ("invalid_request", format!("?ids={}", many(101))),
    ] {
        assert_eq!(refusal(alice.get(&format!("/v1/users{query}")).await), (400, code.to_owned()), "{query:.60}");
    }
}
