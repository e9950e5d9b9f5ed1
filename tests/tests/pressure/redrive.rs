//! Messages of a dead-letter queue that an operator moves back.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::json;

use crate::{message, receipt};

/// The number of messages that wait in a queue.
async fn waiting(cloud: &Cloud, url: &str) -> u32 {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let attributes = aws::sqs(cloud).get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    attributes.unwrap().attributes.unwrap()[&name].parse().unwrap()
}

/// Its own cloud: a fault of the worker would make the others' receipts wait, too.
#[tokio::test]
async fn receipt_that_was_given_up_is_handled_once_it_is_moved_back() {
    let cloud = Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    assert_eq!(a.ask(message(&conversation, 1, "hi")).await["seq"], 2);

    // Given up after one attempt, so that the test does not take five visibility timeouts.
    let url = aws::receipts_queue_url(&cloud);
    let arn = |queue: &str| format!("arn:aws:sqs:us-east-1:000000000000:local-{queue}");
    let redrive = json!({"deadLetterTargetArn": arn("ReceiptsDeadLetterQueue"), "maxReceiveCount": 1}).to_string();
    let change = aws::sqs(&cloud).set_queue_attributes().queue_url(&url);
    let change = change.attributes(QueueAttributeName::RedrivePolicy, redrive);
    change.attributes(QueueAttributeName::VisibilityTimeout, "12").send().await.unwrap();
    cloud.inject_faults(1, &[Kind::Throttle.rule().function("Receipts")]).await;
    assert_eq!(receipt(&mut b, "read", &conversation, 2).await["type"], "accepted");
    let dead_letters = url.replace("ReceiptsQueue", "ReceiptsDeadLetterQueue");
    let deadline = Instant::now() + Duration::from_mins(3);
    while waiting(&cloud, &dead_letters).await == 0 {
        assert!(Instant::now() < deadline, "the dead-letter queue stayed empty");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cloud.clear_faults().await;

    let sqs = aws::sqs(&cloud);
    sqs.start_message_move_task().source_arn(arn("ReceiptsDeadLetterQueue")).send().await.unwrap();
    let received = a.next("receipts").await;
    assert_eq!(received["receipts"][0]["seq"], 2, "{received}");
    assert_eq!(waiting(&cloud, &dead_letters).await, 0);
}
