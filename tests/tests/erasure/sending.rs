//! A user who is erased while another device still sends.

use std::time::Duration;

use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestBackend, TestUser, aws};
use serde_json::json;
use uuid::Uuid;

use crate::room::{AT_ONCE, Room, erase, until_state, word};
use crate::stores::until_nowhere;

/// Joining and leaving a public conversation write no item, so a send that has read the membership may put its message long after
/// the membership has ended. In a cloud of its own, whose plan nobody else has.
#[tokio::test]
async fn messages_under_way_leave_nothing_behind() {
    let cloud = &Cloud::start_with(None, &AT_ONCE);
    let (alice, bob, backend) =
        tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"), TestBackend::of(cloud));
    let public = Room::new(&bob, &json!({"type": "public", "title": "Everybody"})).await;
    assert_eq!(alice.put(&format!("{}/members/me", public.path), &json!({})).await.0, 200);
    public.say(&alice, "hello").await;
    let (secret, edited) = (word(), word());
    let own = public.say(&alice, "to be edited").await;
    // The put of the message, and the transaction of the edit, wait until everything is erased.
    let slow = |operation: &str| {
        Kind::Delay(6_000, 6_000).rule().operation(operation).function("HttpMessages").resource(aws::MESSAGES).next(1)
    };
    cloud.inject_faults(0, &[slow("PutItem"), slow("TransactWriteItems")]).await;
    let (path, message) = (format!("{}/messages", public.path), public.message(own));
    let body = json!({"client_message_id": Uuid::new_v4(), "text": secret});
    let edit = json!({"text": edited});
    let (sent, changed, ()) = tokio::join!(alice.post(&path, &body), alice.patch(&message, &edit), async {
        // Both have read that the user is a member.
        tokio::time::sleep(Duration::from_secs(1)).await;
        erase(&alice).await;
        until_state(&backend, &alice, "finished").await;
    });
    cloud.clear_faults().await;
    assert!([sent.0, changed.0].iter().all(|status| *status >= 400 || *status < 300), "{sent:?} {changed:?}");
    until_nowhere(cloud, &[&secret, &edited]).await;
    assert!(!public.sync(&bob, 0).await.to_string().contains(&secret));
}
