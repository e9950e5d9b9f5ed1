//! Failures of a batch.

use std::time::Duration;

use local_lambda::InvokeError;
use serde_json::{Value, json};

use crate::streams::harness::{Harness, STREAM, failure, ids, success};

/// Fails with every batch that has the item.
fn poisoned_by(poison: &'static str) -> impl Fn(&Value, usize) -> Result<local_lambda::Outcome, InvokeError> {
    move |event, _| if ids(event).iter().any(|id| id == poison) { failure() } else { success(&Value::Null) }
}

/// Reports the item as failed.
fn reports(poison: &'static str) -> impl Fn(&Value, usize) -> Result<local_lambda::Outcome, InvokeError> {
    move |event, _| {
        let records = event["Records"].as_array().unwrap();
        let failed = records.iter().filter(|record| record["dynamodb"]["Keys"]["id"]["S"] == poison);
        let failed = failed.map(|record| json!({"itemIdentifier": record["dynamodb"]["SequenceNumber"]}));
        success(&json!({"batchItemFailures": failed.collect::<Vec<_>>()}))
    }
}

async fn with_items(items: &[&str]) -> Harness {
    let harness = Harness::new(None).await;
    for item in items {
        harness.put(item, "x").await;
    }
    harness
}

#[tokio::test]
async fn a_failed_batch_is_retried_and_blocks_later_records() {
    let mut harness = with_items(&["a", "b", "c"]).await;
    harness.event.batch_size = 2;
    harness.run(|_, before| if before < 2 { failure() } else { success(&Value::Null) });
    let expected: [&[&str]; 4] = [&["a", "b"], &["a", "b"], &["a", "b"], &["c"]];
    assert_eq!(harness.batches(4).await, expected);
}

#[tokio::test]
async fn after_the_last_retry_the_batch_goes_to_the_destination() {
    let mut harness = with_items(&["bad", "b", "c"]).await;
    harness.event.batch_size = 2;
    harness.event.maximum_retry_attempts = Some(1);
    harness.event.on_failure = Some("Discarded".to_owned());
    harness.run(poisoned_by("bad"));
    let events = harness.events(3).await;
    let expected: [&[&str]; 3] = [&["bad", "b"], &["bad", "b"], &["c"]];
    assert_eq!(events.iter().map(ids).collect::<Vec<_>>(), expected);

    let notice = harness.discarded().await;
    let context = &notice["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
    assert_eq!(context["functionArn"], "arn:aws:lambda:us-east-1:000000000000:function:local-Echo:$LATEST");
    let response = json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
    assert_eq!(notice["responseContext"], response);
    let batch = &notice["DDBStreamBatchInfo"];
    assert_eq!((&batch["batchSize"], &batch["streamArn"]), (&json!(2), &json!(STREAM)));
    assert_eq!(batch["startSequenceNumber"], events[0]["Records"][0]["dynamodb"]["SequenceNumber"]);
    assert_eq!(batch["endSequenceNumber"], events[0]["Records"][1]["dynamodb"]["SequenceNumber"]);
    let arrival = batch["approximateArrivalOfFirstRecord"].as_str().unwrap();
    assert_eq!((arrival.len(), arrival.ends_with('Z')), ("2019-11-14T00:13:19Z".len(), true));
}

#[tokio::test]
async fn bisecting_isolates_the_bad_record_and_uses_up_no_retry() {
    let mut harness = with_items(&["a", "bad", "c", "d"]).await;
    harness.event.bisect_batch_on_function_error = true;
    harness.event.maximum_retry_attempts = Some(0);
    harness.event.on_failure = Some("Discarded".to_owned());
    harness.run(poisoned_by("bad"));
    let expected: [&[&str]; 5] = [&["a", "bad", "c", "d"], &["a", "bad"], &["a"], &["bad"], &["c", "d"]];
    assert_eq!(harness.batches(5).await, expected);
    assert_eq!(harness.discarded().await["DDBStreamBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn a_reported_failure_repeats_from_there_on() {
    let mut harness = with_items(&["a", "bad", "c"]).await;
    harness.event.report_batch_item_failures = true;
    harness.event.maximum_retry_attempts = Some(1);
    harness.event.on_failure = Some("Discarded".to_owned());
    harness.run(reports("bad"));
    let notice = harness.discarded().await;
    harness.put("d", "x").await;
    let expected: [&[&str]; 3] = [&["a", "bad", "c"], &["bad", "c"], &["d"]];
    assert_eq!(harness.batches(3).await, expected);
    assert_eq!(notice["DDBStreamBatchInfo"]["batchSize"], 2);
    assert_eq!(notice["responseContext"], json!({"statusCode": 200, "executedVersion": "$LATEST"}));
}

#[tokio::test]
async fn bisecting_splits_at_the_reported_failure() {
    let mut harness = with_items(&["a", "bad", "c"]).await;
    harness.event.report_batch_item_failures = true;
    harness.event.bisect_batch_on_function_error = true;
    harness.event.maximum_retry_attempts = Some(0);
    harness.run(reports("bad"));
    let expected: [&[&str]; 4] = [&["a", "bad", "c"], &["bad", "c"], &["bad"], &["c"]];
    assert_eq!(harness.batches(4).await, expected);
}

#[tokio::test]
async fn records_that_are_too_old_are_not_sent() {
    let mut harness = with_items(&["old"]).await;
    // Templates set at least a minute; this one is over when the second after the write's has begun.
    harness.event.maximum_record_age = Some(Duration::from_millis(1));
    harness.event.on_failure = Some("Discarded".to_owned());
    harness.run(|_, _| failure());
    let notice = harness.discarded().await;
    assert_eq!(notice["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(notice["DDBStreamBatchInfo"]["batchSize"], 1);
}

#[tokio::test]
async fn throttling_is_no_failure() {
    let mut harness = with_items(&["a"]).await;
    harness.event.maximum_retry_attempts = Some(0);
    harness.run(|_, before| if before == 0 { Err(InvokeError::Throttled) } else { success(&Value::Null) });
    assert_eq!(harness.batches(2).await, [["a"], ["a"]]);
}

#[tokio::test]
async fn the_mapping_ends_with_the_token_while_a_batch_keeps_failing() {
    let harness = with_items(&["a"]).await;
    let running = harness.run(|_, _| failure());
    harness.events(2).await;
    harness.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(20), running).await.expect("the mapping ends").unwrap().unwrap();
}
