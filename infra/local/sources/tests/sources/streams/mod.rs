//! The event source mapping from a table's stream to a function, written to over a real socket.

mod failures;
mod harness;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lambda_events::dynamodb::{Event, StreamViewType};
use aws_sdk_dynamodb::types::AttributeValue;
use local_dynamodb::Tables;
use local_template::model::StartingPosition;
use local_testing::recorded::{assert_kept, assert_like, fixture};
use serde_json::{Value, json};

use harness::{Harness, STREAM, ids, success, table};

fn all_good(_: &Value, _: usize) -> Result<local_lambda::Outcome, local_lambda::InvokeError> {
    success(&Value::Null)
}

#[tokio::test]
async fn the_event_equals_dynamodbs() {
    let harness = Harness::new(None).await;
    harness.put("a", "old").await;
    harness.put("a", "new").await;
    // Changes nothing, so DynamoDB says nothing.
    harness.put("a", "new").await;
    let id = AttributeValue::S("a".to_owned());
    harness.client.delete_item().table_name("items").key("id", id).send().await.unwrap();
    harness.run(all_good);
    let events = harness.events(1).await;
    let event: Event = serde_json::from_value(events[0].clone()).unwrap();
    let names: Vec<_> = event.records.iter().map(|record| record.event_name.as_str()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let change = &event.records[1].change;
    assert_eq!(change.stream_view_type, Some(StreamViewType::NewAndOldImages));
    assert!(change.size_bytes > 0);

    let modify = &events[0]["Records"][1];
    assert_kept::<Event>(&events[0], &[]);
    let like = fixture("dynamodb-event");
    let old = ("+dynamodb.OldImage", "only inserts were recorded");
    let new = ("-dynamodb.NewImage", "only inserts were recorded");
    for (number, deliberate) in [&[][..], &[old], &[old, new]].into_iter().enumerate() {
        // The first of the two recorded changes was DynamoDB's own.
        assert_like(&events[0]["Records"][number], &like["Records"][1], deliberate);
    }
    assert_eq!((&modify["awsRegion"], &modify["eventSource"]), (&json!("us-east-1"), &json!("aws:dynamodb")));
    assert_eq!((&modify["eventSourceARN"], &modify["eventVersion"]), (&json!(STREAM), &json!("1.1")));
    assert_eq!(modify["dynamodb"]["OldImage"], json!({"id": {"S": "a"}, "value": {"S": "old"}}));
    assert_eq!(modify["dynamodb"]["NewImage"], json!({"id": {"S": "a"}, "value": {"S": "new"}}));
    assert!(modify["dynamodb"]["ApproximateCreationDateTime"].is_u64());
    let distinct: BTreeSet<_> = event.records.iter().map(|record| record.event_id.clone()).collect();
    assert_eq!(distinct.len(), 3);
}

#[tokio::test]
async fn an_expired_item_is_removed_by_dynamodb_itself() {
    let folder = tempfile::tempdir().unwrap();
    let harness = Harness::new(Some(folder.path())).await;
    let put = harness.client.put_item().table_name("items").item("id", AttributeValue::S("old".to_owned()));
    put.item("expires", AttributeValue::N("1000000000".to_owned())).send().await.unwrap();
    // Opening the tables expires their items.
    drop(Tables::open(Some(folder.path()), &[table()]).unwrap());
    harness.run(all_good);
    let events = harness.events(1).await;
    let remove = &events[0]["Records"][1];
    assert_eq!(remove["eventName"], "REMOVE");
    let inserts = "only inserts were recorded";
    let deliberate = [("+dynamodb.OldImage", inserts), ("-dynamodb.NewImage", inserts)];
    assert_like(remove, &fixture("dynamodb-event")["Records"][0], &deliberate);
    assert_kept::<Event>(&events[0], &[]);
    assert_eq!(remove["userIdentity"], json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"}));
}

#[tokio::test]
async fn changes_come_once_in_order_and_in_batches_of_at_most_the_batch_size() {
    let mut harness = Harness::new(None).await;
    harness.event.batch_size = 3;
    for number in 0..8 {
        harness.put(&number.to_string(), "x").await;
    }
    harness.run(all_good);
    let batches = harness.batches(3).await;
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
    assert_eq!(batches.concat(), (0..8).map(|number| number.to_string()).collect::<Vec<_>>());
    harness.put("last", "x").await;
    assert_eq!(harness.batches(4).await[3], ["last"]);
}

#[tokio::test]
async fn a_window_ends_when_the_batch_is_full() {
    let mut harness = Harness::new(None).await;
    harness.event.batch_size = 2;
    harness.event.batching_window = Duration::from_mins(5);
    harness.run(all_good);
    harness.put("a", "x").await;
    harness.put("b", "x").await;
    assert_eq!(harness.batches(1).await, [["a", "b"]]);
}

#[tokio::test]
async fn a_window_ends_although_the_batch_is_not_full() {
    let mut harness = Harness::new(None).await;
    harness.event.batching_window = Duration::from_millis(50);
    harness.put("alone", "x").await;
    harness.run(all_good);
    assert_eq!(harness.batches(1).await, [["alone"]]);
}

#[tokio::test]
async fn parallel_lanes_keep_the_order_of_each_key() {
    let mut harness = Harness::new(None).await;
    harness.event.parallelization_factor = 4;
    harness.event.batch_size = 2;
    for number in 0..5 {
        for id in ["a", "b", "c", "d"] {
            harness.put(id, &number.to_string()).await;
        }
    }
    harness.run(all_good);
    let mut values = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut seen = 0;
    while seen < 20 {
        (seen, values) = (0, std::collections::BTreeMap::new());
        for event in harness.events(1).await {
            for (id, record) in ids(&event).into_iter().zip(event["Records"].as_array().unwrap()) {
                let value = record["dynamodb"]["NewImage"]["value"]["S"].as_str().unwrap().to_owned();
                values.entry(id).or_default().push(value);
                seen += 1;
            }
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(seen, 20);
    assert!(values.values().all(|values| values == &["0", "1", "2", "3", "4"]), "{values:?}");
}

#[tokio::test]
async fn reading_goes_on_after_a_restart_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Harness::new(Some(folder.path())).await;
    first.positions = Some(folder.path().join("streams"));
    first.put("before", "x").await;
    let running = first.run(all_good);
    first.events(1).await;
    first.shutdown.cancel();
    running.await.unwrap().unwrap();

    let mut second = Harness::new(Some(folder.path())).await;
    second.positions = Some(folder.path().join("streams"));
    second.put("after", "x").await;
    second.run(all_good);
    assert_eq!(second.batches(1).await, [["after"]]);
}

#[tokio::test]
async fn latest_begins_with_what_is_written_after_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = Harness::new(None).await;
    harness.event.starting_position = StartingPosition::Latest;
    harness.positions = Some(folder.path().to_owned());
    harness.put("before", "x").await;
    harness.run(all_good);
    let begun = tokio::time::Instant::now();
    while !folder.path().join("EchoItems.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    harness.put("after", "x").await;
    assert_eq!(harness.batches(1).await, [["after"]]);
}

#[tokio::test]
async fn a_table_of_an_earlier_run_gets_the_stream_that_the_template_has_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut without = table();
    without.create_table.as_object_mut().unwrap().remove("StreamSpecification");
    drop(Tables::open(Some(folder.path()), &[without]).unwrap());
    let harness = Harness::new(Some(folder.path())).await;
    harness.run(all_good);
    harness.put("a", "x").await;
    assert_eq!(harness.batches(1).await, [["a"]]);
}

#[tokio::test]
async fn records_are_kept_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let first = Harness::new(Some(folder.path())).await;
    first.put("yesterday", "x").await;
    let database = rusqlite::Connection::open(folder.path().join("dynamodb.sqlite")).unwrap();
    let aged = database.execute("UPDATE _stream_records SET created_at = created_at - 24 * 60 * 60 - 1", ()).unwrap();
    assert_eq!(aged, 1);
    drop(first);
    let mut second = Harness::new(Some(folder.path())).await;
    second.put("today", "x").await;
    second.event.on_failure = Some("Discarded".to_owned());
    second.run(all_good);
    assert_eq!(second.batches(1).await, [["today"]]);
    let count: i64 = database.query_one("SELECT count(*) FROM _stream_records", (), |row| row.get(0)).unwrap();
    assert_eq!(count, 1, "the old one is gone");
}

#[tokio::test]
async fn records_that_match_no_filter_are_skipped() {
    let mut harness = Harness::new(None).await;
    harness.event.batch_size = 2;
    let pattern = r#"{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"value": {"S": [{"prefix": "new"}]}}}}"#;
    harness.event.filter.or(pattern).unwrap();
    for (id, value) in [("a", "new 1"), ("b", "old"), ("a", "new 2"), ("c", "new 3"), ("d", "old"), ("e", "new 4")] {
        harness.put(id, value).await;
    }
    harness.run(all_good);
    assert_eq!(harness.batches(2).await, [vec!["a", "c"], vec!["e"]]);
}
