//! Counts and the bill, exact for a known series of calls.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, ReturnConsumedCapacity, TransactWriteItem};
use local_aws::Service;
use local_lambda::Outcome;
use local_template::model::Architecture;
use serde_json::json;

use crate::harness::{Cloud, key, put};

const DYNAMODB: Service = Service::Dynamodb;

#[tokio::test]
async fn write_units_are_those_of_dynamodbs_rules() {
    let cloud = Cloud::start().await;
    let units = |operation: &str| cloud.counts(DYNAMODB, operation).write_units;
    // `pk` 2 + 1 bytes, `sk` 2 + 2, `text` 4: 1013 more are 1 KB exactly.
    cloud.put(1, 1013).send().await.unwrap();
    assert!((units("PutItem") - 1.0).abs() < f64::EPSILON);
    cloud.put(1, 1014).send().await.unwrap();
    assert!((units("PutItem") - 3.0).abs() < f64::EPSILON, "begun kilobytes count");
    cloud.put(1, 1).send().await.unwrap();
    assert!((units("PutItem") - 5.0).abs() < f64::EPSILON, "the larger of before and after");

    let refused = cloud.put(1, 3000).condition_expression("attribute_not_exists(pk)").send().await;
    assert!(refused.unwrap_err().into_service_error().is_conditional_check_failed_exception());
    assert!((units("PutItem") - 8.0).abs() < f64::EPSILON, "a failed condition costs what the write would have");
    assert_eq!(cloud.counts(DYNAMODB, "PutItem").errors, 1);

    cloud.put(2, 1).item("kind", AttributeValue::S("k".to_owned())).send().await.unwrap();
    assert!((units("PutItem") - 10.0).abs() < f64::EPSILON, "an index entry is a write");

    let action = |sk| {
        let put = Put::builder().table_name("items").set_item(Some(key(sk).into())).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let transaction = cloud.dynamodb.transact_write_items().transact_items(action(3)).transact_items(action(4));
    transaction.send().await.unwrap();
    assert!((units("TransactWriteItems") - 4.0).abs() < f64::EPSILON, "transactions cost twice");

    let table = &cloud.reading().resources[&DYNAMODB]["items"];
    assert_eq!((table.requests, table.write_units), (6, 14.0));
}

#[tokio::test]
async fn read_units_are_those_of_dynamodbs_rules() {
    let cloud = Cloud::start().await;
    cloud.put(1, 5000).send().await.unwrap();
    cloud.get(1, true).await;
    cloud.get(1, false).await;
    cloud.get(2, false).await;
    assert!((cloud.counts(DYNAMODB, "GetItem").read_units - 3.5).abs() < f64::EPSILON);

    let query = cloud.dynamodb.query().table_name("items").key_condition_expression("pk = :pk");
    query.expression_attribute_values(":pk", AttributeValue::S("a".to_owned())).send().await.unwrap();
    assert!((cloud.counts(DYNAMODB, "Query").read_units - 1.0).abs() < f64::EPSILON);

    let keys = KeysAndAttributes::builder().keys(key(1).into()).keys(key(2).into()).build().unwrap();
    cloud.dynamodb.batch_get_item().request_items("items", keys).send().await.unwrap();
    assert!((cloud.counts(DYNAMODB, "BatchGetItem").read_units - 1.5).abs() < f64::EPSILON);
}

#[tokio::test]
async fn capacity_is_returned_only_on_request() {
    let cloud = Cloud::start().await;
    assert!(cloud.put(1, 1).send().await.unwrap().consumed_capacity.is_none());
    let asked = cloud.put(1, 1).return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    assert_eq!(asked.consumed_capacity.unwrap().capacity_units, Some(1.0));
    assert!((cloud.counts(DYNAMODB, "PutItem").write_units - 2.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn requests_to_sqs_are_billed_by_64_kb() {
    let cloud = Cloud::start().await;
    for size in [1, 64 * 1024, 64 * 1024 + 1] {
        let body = "x".repeat(size);
        cloud.sqs.send_message().queue_url(&cloud.queue_url).message_body(body).send().await.unwrap();
    }
    let sent = cloud.counts(Service::Sqs, "SendMessage");
    assert_eq!((sent.requests, sent.units), (3, 4));
    cloud.sqs.receive_message().queue_url(&cloud.queue_url).max_number_of_messages(10).send().await.unwrap();
    let received = cloud.counts(Service::Sqs, "ReceiveMessage");
    assert_eq!((received.requests, received.units), (1, 3));
    assert_eq!(cloud.reading().resources[&Service::Sqs]["work"].units, 7);
}

#[tokio::test]
async fn requests_are_counted_and_billed_by_function() {
    let cloud = Cloud::start().await;
    let invoked = cloud.lambda.invoke("Echo", json!({"do": "slow", "ms": 20}).to_string().into()).await.unwrap();
    assert!(matches!(invoked, Outcome::Success(_)));
    put(&cloud.dynamodb_of("Echo"), 1, 1).send().await.unwrap();
    put(&cloud.dynamodb, 1, 1).send().await.unwrap();

    let reading = cloud.reading();
    let echo = &reading.functions["Echo"];
    assert_eq!(echo.requests[&DYNAMODB]["PutItem"].requests, 1);
    assert_eq!(reading.outside[&DYNAMODB]["PutItem"].requests, 1);
    assert!(echo.billed_ms >= (echo.duration_ms + echo.init_ms) && echo.duration_ms >= 20.0, "{echo:?}");
    assert!((echo.gb_seconds - echo.billed_ms / 8000.0).abs() < 1e-9, "128 MB is an eighth of a GB");
    assert_eq!(echo.architecture, Architecture::X86_64);

    let line = |item: &str| reading.bill.lines.iter().find(|line| line.item == item).unwrap().clone();
    assert!((line("Lambda requests").usd - 0.2e-6).abs() < 1e-12);
    assert!((line("Lambda GB-seconds").usd - echo.gb_seconds * 0.000_016_666_7).abs() < 1e-12);
    let writes = line("DynamoDB write units");
    assert_eq!((writes.resource.as_str(), writes.quantity), ("items", 2.0));
    assert!((writes.usd - 1.25e-6).abs() < 1e-12);
    let table = reading.table(Some("Echo"));
    let total = table.lines().find_map(|line| line.strip_prefix("total")?.split_whitespace().last());
    let total: f64 = total.and_then(|total| total.parse().ok()).unwrap_or_default();
    // Cents are shown.
    assert!((total / (reading.bill.usd * 1e6) - 1.0).abs() < 1e-2, "{table}");

    cloud.sources.reset();
    let reading = cloud.reading();
    assert_eq!((reading.functions["Echo"].invocations, reading.bill.lines.len()), (0, 0));
    assert!(reading.outside.is_empty() && reading.seconds < Duration::from_mins(1).as_secs_f64());
}

#[tokio::test]
async fn processor_time_is_seen_where_the_system_tells() {
    let cloud = Cloud::start().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while cloud.reading().functions["Echo"].cpu_ms == 0.0 && cfg!(target_os = "linux") {
        assert!(tokio::time::Instant::now() < deadline, "no processor time");
        cloud.lambda.invoke("Echo", json!({"do": "big", "bytes": 1_000_000}).to_string().into()).await.unwrap();
    }
}
