//! Each fault as a client sees it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{KeysAndAttributes, Put, PutRequest, TransactWriteItem, WriteRequest};
use local_aws::Service;
use local_gate::faults::{Plan, PlanError};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::harness::{Cloud, key};

#[tokio::test]
async fn a_lost_response_is_of_a_request_that_was_carried_out() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "response_lost", "operation": "PutItem", "next": 1}])).await;
    let error = cloud.put(1, 1).send().await.unwrap_err();
    assert!(matches!(error, aws_sdk_dynamodb::error::SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(cloud.get(1, true).await.as_deref(), Some("x"));
    cloud.put(2, 1).send().await.unwrap();
}

#[tokio::test]
async fn a_failed_response_is_of_a_request_that_was_carried_out() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "response_error", "operation": "PutItem"}])).await;
    let error = cloud.put(1, 1).send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(error.into_service_error().is_internal_server_error());
    assert_eq!(cloud.get(1, true).await.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_lost_request_is_not_carried_out() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "request_lost", "operation": "PutItem"}])).await;
    let error = cloud.put(1, 1).send().await.unwrap_err();
    assert!(matches!(error, aws_sdk_dynamodb::error::SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(cloud.get(1, true).await, None);
    cloud.faults(0, json!([])).await;
    cloud.put(1, 1).send().await.unwrap();
}

#[tokio::test]
async fn a_delay_is_waited_for() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": {"delay": [30, 40]}, "resource": "items"}])).await;
    let begun = Instant::now();
    cloud.put(1, 1).send().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn each_service_throttles_in_its_own_words() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "throttle"}])).await;
    let error = cloud.put(1, 1).send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ThrottlingException(throttled) = error else {
        panic!("{error:?}")
    };
    let reason = &throttled.throttling_reasons()[0];
    assert_eq!((reason.reason(), reason.resource()), (Some("TableWriteKeyRangeThroughputExceeded"), Some("items")));

    let send = cloud.sqs.send_message().queue_url(&cloud.queue_url).message_body("x");
    let error = send.send().await.unwrap_err().into_service_error();
    assert!(error.is_request_throttled(), "{error:?}");
    let faults = cloud.reading().faults;
    assert_eq!(faults, [("throttle", 2)].into());
}

#[tokio::test]
async fn a_conflict_cancels_a_transaction_and_refuses_a_write() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "conflict"}])).await;
    let error = cloud.put(1, 1).send().await.unwrap_err().into_service_error();
    assert!(error.is_transaction_conflict_exception(), "{error:?}");

    let put = |sk| {
        let put = Put::builder().table_name("items").set_item(Some(key(sk).into())).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let transaction = cloud.dynamodb.transact_write_items().transact_items(put(1)).transact_items(put(2));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = error
    else {
        panic!("{error:?}")
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert_eq!(cloud.get(1, true).await, None);
}

#[tokio::test]
async fn a_batch_is_left_with_a_part_unprocessed() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "unprocessed", "next": 2}])).await;
    let write = |sk| {
        let put = PutRequest::builder().set_item(Some(key(sk).into())).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let batch = cloud.dynamodb.batch_write_item().request_items("items", vec![write(1), write(2)]);
    let unprocessed = batch.send().await.unwrap().unprocessed_items.unwrap();
    assert_eq!(unprocessed["items"], [write(2)]);

    let keys = |keys: &[u32]| {
        let keys = keys.iter().map(|sk| key(*sk).into()).collect();
        KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().unwrap()
    };
    let read = cloud.dynamodb.batch_get_item().request_items("items", keys(&[2, 1]));
    let answer = read.send().await.unwrap();
    assert!(answer.responses.unwrap()["items"].is_empty(), "the second write was held back");
    assert_eq!(answer.unprocessed_keys.unwrap()["items"], keys(&[1]));
    let rest = cloud.dynamodb.batch_get_item().request_items("items", keys(&[1])).send().await.unwrap();
    assert_eq!(rest.responses.unwrap()["items"].len(), 1);
    assert!((cloud.counts(Service::Dynamodb, "BatchWriteItem").write_units - 1.0).abs() < f64::EPSILON);
}

/// Returns the failures among twenty writes.
async fn failures(cloud: &Cloud, seed: u64) -> Vec<bool> {
    cloud.faults(seed, json!([{"kind": "request_lost", "operation": "PutItem", "probability": 0.5}])).await;
    let mut failures = Vec::new();
    for sk in 0..20 {
        failures.push(cloud.put(sk, 1).send().await.is_err());
    }
    failures
}

#[tokio::test]
async fn a_seed_is_a_sequence() {
    let cloud = Cloud::start().await;
    let first = failures(&cloud, 7).await;
    assert_eq!(first, failures(&cloud, 7).await);
    assert_ne!(first, failures(&cloud, 8).await);
    let lost = first.iter().filter(|failed| **failed).count() as u64;
    assert!(lost > 0);
    assert_eq!(cloud.counts(Service::Dynamodb, "PutItem").requests, 60);
}

#[tokio::test]
async fn a_plan_that_is_refused_changes_nothing() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": "throttle"}])).await;
    let wrong: Plan = serde_json::from_value(json!({"rules": [{"kind": "gone", "service": "sqs"}]})).unwrap();
    assert_eq!(cloud.gate.install(wrong).await, Err(PlanError::Impossible(0, Service::Sqs)));
    let error = cloud.put(1, 1).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ThrottlingException"));
}
