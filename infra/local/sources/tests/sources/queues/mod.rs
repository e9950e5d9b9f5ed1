//! The event source mapping from a queue to a function, with a real queue and a real function process.

mod loops;
mod mapping;

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::types::MessageAttributeValue;
use local_aws::Service;
use local_testing::recorded::{assert_kept, assert_like, fixture};
use serde_json::Value;

use mapping::{Mapping, TIMEOUT};

#[tokio::test]
async fn the_event_equals_sqss() {
    let mapping = Mapping::new(30, None).await;
    let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    let request = mapping.client.send_message().queue_url(&mapping.jobs.url).message_body("hello");
    let request = request.message_attributes("colour", attribute("String").string_value("red").build().unwrap());
    request.send().await.unwrap();
    mapping.run();
    mapping.until_counts(0, 0).await;
    let events = mapping.events();
    let event: SqsEvent = serde_json::from_value(events[0].clone()).unwrap();
    let record = &event.records[0];
    assert_eq!(record.body.as_deref(), Some("hello"));
    assert_eq!(record.md5_of_body.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(record.event_source.as_deref(), Some("aws:sqs"));
    assert_eq!(record.event_source_arn.as_deref(), Some(mapping.jobs.arn.as_str()));
    assert_eq!(record.aws_region.as_deref(), Some("us-east-1"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(record.message_attributes["colour"].string_value.as_deref(), Some("red"));

    assert_like(&events[0], &fixture("sqs-event"), &[]);
    assert_kept::<SqsEvent>(&events[0], &[]);
    let attributes =
        |event: &Value| event["Records"][0]["attributes"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(attributes(&events[0]), attributes(&fixture("sqs-event")));
}

#[tokio::test]
async fn messages_are_delivered_once_in_batches_of_at_most_the_batch_size() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batch_size = 3;
    for number in 0..8 {
        mapping.send(&number.to_string()).await;
    }
    mapping.run();
    mapping.until_counts(0, 0).await;
    assert_eq!(mapping.deliveries(), (0..8).map(|number| (number.to_string(), 1)).collect());
    assert!(mapping.events().iter().all(|event| event["Records"].as_array().unwrap().len() <= 3));
}

#[tokio::test]
async fn a_window_gathers_more_than_one_poll_gives() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batch_size = 25;
    mapping.event.batching_window = Duration::from_mins(5);
    for number in 0..25 {
        mapping.send(&number.to_string()).await;
    }
    mapping.run();
    // Long before the window ends, because the batch is full.
    mapping.until_counts(0, 0).await;
    assert_eq!(mapping.events().len(), 1);
    assert_eq!(mapping.events()[0]["Records"].as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn receives_and_deletions_are_billed_as_lambda_makes_them() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batch_size = 25;
    mapping.event.batching_window = Duration::from_mins(5);
    for _ in 0..24 {
        mapping.send("small").await;
    }
    mapping.send(&"x".repeat(64 * 1024)).await;
    mapping.run();
    mapping.until_billed("DeleteMessageBatch", 3).await;
    let received = mapping.billed("ReceiveMessage");
    assert_eq!((received.requests, received.units), (3, 4), "by 64 KB: {received:?}");
    let reading = mapping.reading();
    assert_eq!(reading.resources[&Service::Sqs]["jobs"].units, 7);
    assert!(reading.outside.is_empty() && reading.table(None).contains("(event sources)"));
}

#[tokio::test]
async fn a_window_ends_although_the_batch_is_not_full() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batching_window = Duration::from_secs(1);
    mapping.run();
    mapping.send("alone").await;
    mapping.until_counts(0, 0).await;
    assert_eq!(mapping.deliveries()["alone"], 1);
}

#[tokio::test]
async fn messages_that_find_the_mapping_idle_do_not_wait_for_a_poll_to_end() {
    tokio::join!(one_after_the_other(Duration::ZERO), one_after_the_other(Duration::from_millis(50)));
}

async fn one_after_the_other(window: Duration) {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batching_window = window;
    mapping.run();
    let all = async {
        for number in 0..20 {
            mapping.send(&number.to_string()).await;
            mapping.until_counts(0, 0).await;
        }
    };
    // One long poll's length; waits of a second each would exceed it, too.
    tokio::time::timeout(TIMEOUT, all).await.expect("no message waits");
}

#[tokio::test]
async fn a_batch_stays_below_six_mebibytes() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batch_size = 100;
    mapping.event.batching_window = Duration::from_secs(1);
    for _ in 0..30 {
        mapping.send(&"x".repeat(256 * 1024)).await;
    }
    mapping.run();
    mapping.until_counts(0, 0).await;
    let sizes: Vec<_> = mapping.events().iter().map(|event| event.to_string().len()).collect();
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= local_lambda::MAX_PAYLOAD_BYTES), "{sizes:?}");
    assert_eq!(mapping.deliveries().into_values().sum::<usize>(), 30);
}

#[tokio::test]
async fn a_batch_whose_function_fails_is_repeated_and_ends_in_the_dead_letter_queue() {
    let mapping = Mapping::new(1, None).await;
    mapping.send("fail-batch").await;
    mapping.run();
    mapping.until_counts(0, 1).await;
    assert_eq!(mapping.deliveries()["fail-batch"], 2);
}

#[tokio::test]
async fn reported_failures_are_repeated_alone() {
    let mut mapping = Mapping::new(1, None).await;
    mapping.event.report_batch_item_failures = true;
    for body in ["fine", "fail", "fine too"] {
        mapping.send(body).await;
    }
    mapping.run();
    mapping.until_counts(0, 1).await;
    let expected = [("fine", 1), ("fine too", 1), ("fail", 2)];
    assert_eq!(mapping.deliveries(), expected.map(|(body, count)| (body.to_owned(), count)).into());
}

#[tokio::test]
async fn without_report_batch_item_failures_the_response_means_nothing() {
    let mapping = Mapping::new(30, None).await;
    mapping.send("fail").await;
    mapping.run();
    mapping.until_counts(0, 0).await;
    assert_eq!(mapping.deliveries()["fail"], 1);
}

#[tokio::test]
async fn a_response_that_cannot_be_relied_on_repeats_the_whole_batch() {
    tokio::join!(repeated_whole("null-id"), repeated_whole("unknown-id"), repeated_whole("malformed"));
}

async fn repeated_whole(bad: &str) {
    let mut mapping = Mapping::new(1, None).await;
    mapping.event.report_batch_item_failures = true;
    mapping.send("fine").await;
    mapping.send(bad).await;
    mapping.run();
    mapping.until_counts(0, 2).await;
    assert_eq!(mapping.deliveries(), [("fine".to_owned(), 2), (bad.to_owned(), 2)].into(), "{bad}");
}

#[tokio::test]
async fn a_throttled_batch_is_retried() {
    let mapping = Mapping::new(30, Some(1)).await;
    let busy = tokio::spawn({
        let lambda = mapping.lambda.clone();
        async move { lambda.invoke("Echo", r#"{"do": "slow", "ms": 1000}"#.into()).await }
    });
    while mapping.lambda.stats()["Echo"].cold_starts == 0 {
        tokio::task::yield_now().await;
    }
    mapping.send("patient").await;
    mapping.run();
    mapping.until_counts(0, 0).await;
    busy.await.unwrap().unwrap();
    assert_eq!(mapping.deliveries()["patient"], 1);
    assert!(mapping.lambda.stats()["Echo"].throttles > 0);
}

#[tokio::test]
async fn no_more_batches_run_at_once_than_the_maximum_concurrency() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.batch_size = 1;
    mapping.event.maximum_concurrency = Some(2);
    for number in 0..12 {
        mapping.send(&number.to_string()).await;
    }
    mapping.run();
    mapping.until_counts(0, 0).await;
    assert_eq!(mapping.events().len(), 12);
    assert!(mapping.lambda.stats()["Echo"].cold_starts <= 2);
}

#[tokio::test]
async fn the_mapping_ends_with_the_token() {
    let mapping = Mapping::new(30, None).await;
    let running = mapping.run();
    mapping.shutdown.cancel();
    tokio::time::timeout(TIMEOUT, running).await.expect("the mapping ends").unwrap();
}

#[tokio::test]
async fn messages_that_match_no_filter_are_deleted() {
    let mut mapping = Mapping::new(30, None).await;
    mapping.event.filter.or(r#"{"body": {"kind": ["new", {"prefix": "n-"}]}}"#).unwrap();
    mapping.event.filter.or(r#"{"body": ["plain"]}"#).unwrap();
    for body in [r#"{"kind": "new"}"#, r#"{"kind": "old"}"#, r#"{"kind": "n-2"}"#, "plain", "plainer"] {
        mapping.send(body).await;
    }
    mapping.run();
    mapping.until_counts(0, 0).await;
    let expected = [r#"{"kind": "new"}"#, r#"{"kind": "n-2"}"#, "plain"];
    assert_eq!(mapping.deliveries(), expected.map(|body| (body.to_owned(), 1)).into());
}
