//! A held conversation keeps what an erased user wrote, until the hold ends.

use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};

use crate::room::{Room, cloud, erase, until_state, word};
use crate::stores::until_nowhere;

#[tokio::test]
async fn hold_stops_an_erasure_until_it_ends() {
    let cloud = cloud();
    let (alice, bob, backend) =
        tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"), TestBackend::of(cloud));
    let (held, free) = (Room::group(&bob, &[&alice]).await, Room::group(&bob, &[&alice]).await);
    let (kept, secret) = (word(), word());
    held.say(&alice, &kept).await;
    free.say(&alice, &secret).await;
    let path = format!("/v1/server/conversations/{}/hold", held.id);
    assert_eq!(backend.put(&path, &Value::Null).await.0, 204);
    erase(&alice).await;
    let state = until_state(&backend, &alice, "held").await;
    assert_eq!(
        (&state["conversations"], &state["finished_conversations"], &state["held_conversations"]),
        (&json!(2), &json!(1), &json!(1))
    );
    until_nowhere(cloud, &[&secret]).await;
    assert_eq!(held.history(&bob).await[1]["text"], kept.as_str());
    let items = held.sync(&bob, 0).await;
    assert!(!items.to_string().contains("user_erased"), "clients keep their copies: {items}");

    assert_eq!(backend.delete(&path).await.0, 204);
    until_state(&backend, &alice, "finished").await;
    until_nowhere(cloud, &[&kept]).await;
}
