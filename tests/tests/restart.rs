//! A local cloud that keeps its data goes on where it stopped.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
use end_to_end::{Cloud, Socket, TestUser, aws};
use serde_json::{Value, json};
use uuid::Uuid;

fn message(conversation: &str, after_seq: u64, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
           "after_seq": after_seq, "text": text})
}

async fn read(socket: &mut Socket, conversation: &str, seq: u64) {
    let frame = json!({"action": "read", "receipts": [{"conversation_id": conversation, "seq": seq}]});
    assert_eq!(socket.ask(frame).await["type"], "accepted");
}

/// Waits until the worker is done with every receipt, pushes included.
async fn wait_for_receipts(cloud: &Cloud) {
    let (sqs, url) = (aws::sqs(cloud), aws::receipts_queue_url(cloud));
    let waiting = [ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible];
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let attributes = sqs.get_queue_attributes().queue_url(&url).set_attribute_names(Some(waiting.to_vec()));
        let attributes = attributes.send().await.unwrap().attributes.unwrap();
        if waiting.iter().all(|name| attributes[name] == "0") {
            return;
        }
        assert!(Instant::now() < deadline, "receipts are still queued: {attributes:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn data_survives_a_restart() {
    // PostgreSQL does not run as root: it takes another user, who has to reach the folder.
    let data = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir_in("/tmp").unwrap();

    let cloud = Cloud::start(Some(data.path()));
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let first = message(&conversation, 1, "before");
    for (n, frame) in [first.clone(), message(&conversation, 2, "also before")].iter().enumerate() {
        assert_eq!(a.ask(frame.clone()).await["seq"], n + 2);
    }
    read(&mut b, &conversation, 3).await;
    let receipt = a.next("receipts").await["receipts"][0].clone();
    assert_eq!((&receipt["user_id"], &receipt["seq"]), (&json!(bob.user_id), &json!(3)));
    wait_for_receipts(&cloud).await;
    let path = format!("/v1/conversations/{conversation}/messages?after_seq=0");
    let (profile, list, history) =
        tokio::join!(alice.get("/v1/users/me"), alice.get("/v1/conversations"), alice.get(&path));
    drop((a, b));
    cloud.stop();

    let cloud = Cloud::start(Some(data.path()));
    // The tokens are those of before.
    let (alice, bob) = (alice.at(&cloud), bob.at(&cloud));
    assert_eq!(alice.get("/v1/users/me").await, profile);
    assert_eq!(alice.get("/v1/conversations").await, list);
    assert_eq!(alice.get(&path).await, history);
    assert_eq!(history.1["messages"].as_array().map(Vec::len), Some(3), "{history:?}");

    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let again = a.ask(first).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)), "{again}");
    assert_eq!(a.ask(message(&conversation, 3, "after")).await["seq"], 4);
    assert_eq!(alice.private_conversation_with(&bob).await, conversation, "a pair has one private conversation");

    read(&mut b, &conversation, 2).await;
    wait_for_receipts(&cloud).await;
    let receipt_frames = |frames: Vec<Value>| frames.into_iter().filter(|frame| frame["type"] == "receipts").count();
    assert_eq!(receipt_frames(a.pushed().await), 0, "3 was read before the restart");
    read(&mut b, &conversation, 4).await;
    assert_eq!(a.next("receipts").await["receipts"][0]["seq"], 4);
    drop((a, b));
    cloud.stop();
}
