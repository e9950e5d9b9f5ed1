//! Holds: nothing of a held conversation is deleted for its age.

use end_to_end::test_backend::TestBackend;
use end_to_end::{TestUser, aws};
use serde_json::{Value, json};
use sqlx_data_api::query_scalar;

use crate::room::{Room, cloud, seqs, until};

#[tokio::test]
async fn a_held_conversation_loses_nothing() {
    let cloud = cloud();
    let (alice, system) = tokio::join!(TestUser::of(cloud, "alice"), TestBackend::of(cloud));
    let (held, free) = (Room::of(cloud, &alice, &[]).await, Room::of(cloud, &alice, &[]).await);
    let path = format!("/v1/server/conversations/{}/hold", held.id);
    for _ in 0..2 {
        assert_eq!(system.put(&path, &Value::Null).await.0, 204);
    }
    for room in [&held, &free] {
        for n in 2..=5 {
            room.say(&alice, &format!("text {n}")).await;
        }
        room.age(4, 31).await;
    }
    held.visit().await;
    free.expire(&alice, 4).await;
    free.until_deleted(4).await;
    assert_eq!(seqs(&held.history(&alice).await), [1, 2, 3, 4, 5]);
    let (_, seen) = alice.get(&held.path).await;
    assert!(!seen.to_string().contains("held"), "no user learns of a hold: {seen}");

    // The end is followed by a visit.
    assert_eq!(system.delete(&path).await.0, 204);
    until("the expiry", async || (alice.get(&held.path).await.1["expired_seq"] == 4).then_some(())).await;
    held.until_deleted(4).await;
}

/// A hold that begins between hiding and deleting stops the deletion.
#[tokio::test]
async fn a_hold_keeps_what_is_hidden_already() {
    let cloud = cloud();
    let (alice, system) = tokio::join!(TestUser::of(cloud, "alice"), TestBackend::of(cloud));
    let room = Room::of(cloud, &alice, &[]).await;
    for n in 2..=5 {
        room.say(&alice, &format!("text {n}")).await;
    }
    let path = format!("/v1/server/conversations/{}/hold", room.id);
    assert_eq!(system.put(&path, &Value::Null).await.0, 204);
    let queue = store::sqs::Queue::new(aws::sqs(cloud), aws::queue_url(cloud, "RetentionQueue"));
    let delete =
        store::sqs::RetentionBody::Delete { conversation_id: room.conversation_id(), expired_seq: domain::Seq(4) };
    queue.send_retention(&[delete], std::time::Duration::ZERO).await.unwrap();
    until("the queue", async || {
        let attributes = aws::sqs(cloud).get_queue_attributes().queue_url(aws::queue_url(cloud, "RetentionQueue"));
        let found = attributes.attribute_names(aws_sdk_sqs::types::QueueAttributeName::All).send().await.unwrap();
        let found = found.attributes.unwrap_or_default();
        let count = |name: &str| found.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value.clone());
        let waits = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"].map(count);
        waits.iter().all(|number| number.as_deref() == Some("0")).then_some(())
    })
    .await;
    assert_eq!(room.rows(5).await.len(), 5);
}

#[tokio::test]
async fn only_the_system_holds() {
    let cloud = cloud();
    let (alice, system) = tokio::join!(TestUser::of(cloud, "alice"), TestBackend::of(cloud));
    let room = Room::of(cloud, &alice, &[]).await;
    let path = format!("/v1/server/conversations/{}/hold", room.id);
    let (status, refused) = system.acting_as(&alice).put(&path, &Value::Null).await;
    assert_eq!((status, &refused["code"]), (403, &json!("not_allowed")), "{refused}");
    assert_eq!(alice.put(&path, &Value::Null).await.0, 401);
    let unknown = format!("/v1/server/conversations/{}/hold", uuid::Uuid::new_v4());
    let (status, refused) = system.put(&unknown, &Value::Null).await;
    assert_eq!((status, &refused["code"]), (404, &json!("conversation_not_found")), "{refused}");
    let is_held = "SELECT held_at IS NOT NULL FROM conversations WHERE conversation_id = $1";
    let found: bool =
        query_scalar(is_held).bind(room.conversation_id().0).fetch_one(&aws::database(cloud)).await.unwrap();
    assert!(!found);
}
