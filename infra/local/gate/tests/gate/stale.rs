//! Stale reads: right in all but their age.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use local_dynamodb::Tables;
use local_gate::Gate;
use local_gate::faults::{Plan, PlanError};
use local_lambda::Lambda;
use serde_json::json;

use crate::harness::{Cloud, key};

/// The sort keys that a query from 1 to 9 gives, at most `limit`.
async fn query(cloud: &Cloud, limit: i32) -> Vec<String> {
    let query =
        cloud.dynamodb.query().table_name("items").key_condition_expression("pk = :pk AND sk BETWEEN :low AND :high");
    let query = query
        .expression_attribute_values(":pk", AttributeValue::S("a".to_owned()))
        .expression_attribute_values(":low", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":high", AttributeValue::N("9".to_owned()))
        .scan_index_forward(false)
        .limit(limit);
    let items = query.send().await.unwrap().items.unwrap();
    items.iter().map(|item| item["sk"].as_n().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_stale_read_is_of_the_state_some_writes_ago() {
    let cloud = Cloud::start().await;
    cloud.put(1, 1).send().await.unwrap();
    cloud.put(2, 1).send().await.unwrap();
    cloud.faults(0, json!([{"kind": {"stale_read": {"writes": 2}}}])).await;
    assert_eq!(query(&cloud, 2).await, ["2", "1"], "what was there is copied");

    cloud.put(2, 5).send().await.unwrap();
    cloud.put(3, 1).send().await.unwrap();
    assert_eq!(cloud.get(2, false).await.as_deref(), Some("x"));
    assert_eq!(cloud.get(2, true).await.as_deref(), Some("xxxxx"));
    assert_eq!(query(&cloud, 2).await, ["2", "1"], "a limit counts what the earlier state has");

    cloud.dynamodb.delete_item().table_name("items").set_key(Some(key(1).into())).send().await.unwrap();
    assert_eq!(cloud.get(2, false).await.as_deref(), Some("xxxxx"));
    assert_eq!(query(&cloud, 3).await, ["2", "1"]);
    cloud.put(9, 1).send().await.unwrap();
    cloud.put(9, 1).send().await.unwrap();
    assert_eq!(query(&cloud, 3).await, ["3", "2"], "a deletion arrives as well");

    let keys = KeysAndAttributes::builder().keys(key(9).into()).build().unwrap();
    let batch = cloud.dynamodb.batch_get_item().request_items("items", keys).send().await.unwrap();
    assert!(batch.responses.unwrap()["items"].is_empty());
    cloud.faults(0, json!([])).await;
    assert_eq!(query(&cloud, 1).await, ["9"]);
}

#[tokio::test]
async fn writes_arrive_after_their_time() {
    let cloud = Cloud::start().await;
    cloud.faults(0, json!([{"kind": {"stale_read": {"ms": 60_000}}}])).await;
    cloud.put(1, 1).send().await.unwrap();
    assert_eq!(cloud.get(1, false).await, None);
    cloud.faults(0, json!([{"kind": {"stale_read": {"ms": 0}}}])).await;
    cloud.put(2, 1).send().await.unwrap();
    assert_eq!(cloud.get(2, false).await.as_deref(), Some("x"));
    assert_eq!(cloud.reading().faults["stale_read"], 2);
}

#[tokio::test]
async fn a_write_whose_client_has_gone_arrives_as_well() {
    let cloud = Cloud::start().await;
    cloud.put(0, 1).send().await.unwrap();
    cloud.faults(0, json!([{"kind": {"stale_read": {"writes": 1}}}])).await;
    for n in 1..=100 {
        // Some go before the request has left, some while it is carried out, some with the answer.
        let patience = Duration::from_micros(100 * u64::from(n));
        drop(tokio::time::timeout(patience, cloud.put(n, 1).send()).await);
    }
    let mut missing = Vec::new();
    for n in 101..=150 {
        // Pushes what is noted by now out of the lag.
        cloud.put(n, 1).send().await.unwrap();
        missing.clear();
        for n in 1..=100 {
            if cloud.get(n, false).await != cloud.get(n, true).await {
                missing.push(n);
            }
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never arrived: {missing:?}");
}

#[tokio::test]
async fn without_tables_nothing_is_stale() {
    let gate = Gate::new(Lambda::from_handlers(std::collections::BTreeMap::new()), None::<Tables>);
    let plan: Plan = serde_json::from_value(json!({"rules": [{"kind": {"stale_read": {"ms": 1}}}]})).unwrap();
    assert_eq!(gate.install(plan).await, Err(PlanError::NoTables));
}
