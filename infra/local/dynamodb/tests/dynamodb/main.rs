//! The tables over the wire, with the AWS SDK.

mod direct;

use std::collections::HashMap;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use local_dynamodb::{Tables, TablesError};
use local_template::model::Table;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A log: `stream` and number, with an index by author and a stream of changes.
fn log() -> Table {
    Table {
        logical_id: "Log".to_owned(),
        name: "local-log".to_owned(),
        create_table: json!({
            "TableName": "local-log",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "stream", "AttributeType": "S"},
                {"AttributeName": "number", "AttributeType": "N"},
                {"AttributeName": "author", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "stream", "KeyType": "HASH"},
                {"AttributeName": "number", "KeyType": "RANGE"},
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by_author",
                "KeySchema": [{"AttributeName": "author", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }),
        ttl_attribute: Some("expires".to_owned()),
    }
}

struct Service {
    client: Client,
    server: JoinHandle<std::io::Result<()>>,
    shutdown: CancellationToken,
}

impl Service {
    async fn start(data_dir: Option<&Path>) -> Self {
        let tables = Tables::open(data_dir, &[log()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let server = tokio::spawn(async move { tables.serve(listener, token).await });
        let config = local_testing::sdk(format!("http://{address}"), "local");
        Self { client: Client::new(&config), server, shutdown }
    }

    /// Appends, unless the number is taken: then gives the item that has it.
    async fn append(&self, stream: &str, number: u64, text: &str) -> Result<(), HashMap<String, AttributeValue>> {
        let put = self.client.put_item().table_name("local-log").set_item(Some(item(stream, number, text)));
        let put = put
            .condition_expression("attribute_not_exists(#stream)")
            .expression_attribute_names("#stream", "stream")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(error) if error.is_conditional_check_failed_exception() => {
                let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) =
                    error
                else {
                    unreachable!()
                };
                Err(failed.item.unwrap_or_default())
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn get(&self, stream: &str, number: u64) -> Option<HashMap<String, AttributeValue>> {
        let request = self.client.get_item().table_name("local-log").consistent_read(true);
        request.set_key(Some(key(stream, number))).send().await.unwrap().item
    }

    async fn stop(self) {
        self.shutdown.cancel();
        drop(self.client);
        self.server.await.unwrap().unwrap();
    }
}

fn key(stream: &str, number: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("stream".to_owned(), AttributeValue::S(stream.to_owned())),
        ("number".to_owned(), AttributeValue::N(number.to_string())),
    ])
}

fn item(stream: &str, number: u64, text: &str) -> HashMap<String, AttributeValue> {
    let mut item = key(stream, number);
    item.insert("text".to_owned(), AttributeValue::S(text.to_owned()));
    item.insert("author".to_owned(), AttributeValue::S(format!("author of {text}")));
    item
}

#[tokio::test]
async fn a_conditional_put_that_fails_returns_the_item_that_is_there() {
    let service = Service::start(None).await;
    service.append("a", 1, "first").await.unwrap();
    let there = service.append("a", 1, "second").await.unwrap_err();
    assert_eq!(there, item("a", 1, "first"));
    assert_eq!(service.get("a", 1).await.unwrap(), item("a", 1, "first"));
}

#[tokio::test]
async fn of_concurrent_conditional_puts_of_a_key_exactly_one_wins() {
    let service = Service::start(None).await;
    for number in 0..50 {
        let texts: Vec<_> = (0..8).map(|writer| writer.to_string()).collect();
        let puts = futures_util::future::join_all(texts.iter().map(|text| service.append("a", number, text))).await;
        let winners: Vec<_> = puts.iter().zip(&texts).filter(|(put, _)| put.is_ok()).map(|(_, text)| text).collect();
        assert_eq!(winners.len(), 1);
        let winner = item("a", number, winners[0]);
        assert!(puts.iter().all(|put| put.as_ref().err().is_none_or(|there| *there == winner)));
        assert_eq!(service.get("a", number).await.unwrap(), winner);
    }
}

#[tokio::test]
async fn a_transaction_with_a_failed_condition_changes_nothing_and_says_why() {
    let service = Service::start(None).await;
    service.append("a", 1, "first").await.unwrap();
    let put = Put::builder().table_name("local-log").set_item(Some(item("a", 2, "second"))).build().unwrap();
    let update = Update::builder()
        .table_name("local-log")
        .set_key(Some(key("a", 1)))
        .update_expression("SET #text = :new")
        .condition_expression("#text = :expected")
        .expression_attribute_names("#text", "text")
        .expression_attribute_values(":new", AttributeValue::S("changed".to_owned()))
        .expression_attribute_values(":expected", AttributeValue::S("other".to_owned()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .unwrap();
    let error = service
        .client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().update(update).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(error) =
        error
    else {
        panic!("{error:?}")
    };
    let reasons = error.cancellation_reasons();
    assert_eq!(
        reasons.iter().map(|reason| reason.code().unwrap()).collect::<Vec<_>>(),
        ["None", "ConditionalCheckFailed"]
    );
    assert_eq!(reasons[1].item().unwrap(), &item("a", 1, "first"));
    assert_eq!(service.get("a", 1).await.unwrap(), item("a", 1, "first"));
    assert_eq!(service.get("a", 2).await, None);
}

#[tokio::test]
async fn queries_go_by_key_order_and_by_index() {
    let service = Service::start(None).await;
    for number in [10, 9, 2] {
        service.append("a", number, &number.to_string()).await.unwrap();
    }
    let query = || service.client.query().table_name("local-log");
    let after = query()
        .key_condition_expression("#stream = :stream AND #number > :after")
        .expression_attribute_names("#stream", "stream")
        .expression_attribute_names("#number", "number")
        .expression_attribute_values(":stream", AttributeValue::S("a".to_owned()))
        .expression_attribute_values(":after", AttributeValue::N("2".to_owned()));
    let numbers: Vec<_> =
        after.send().await.unwrap().items().iter().map(|item| item["number"].as_n().unwrap().clone()).collect();
    assert_eq!(numbers, ["9", "10"]);
    let by_author = query()
        .index_name("by_author")
        .key_condition_expression("author = :author")
        .expression_attribute_values(":author", AttributeValue::S("author of 9".to_owned()));
    assert_eq!(by_author.send().await.unwrap().items(), [item("a", 9, "9")]);
}

#[tokio::test]
async fn data_survive_a_restart_and_expired_items_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = Service::start(Some(folder.path())).await;
    first.append("a", 1, "kept").await.unwrap();
    let mut expired = item("a", 2, "expired");
    expired.insert("expires".to_owned(), AttributeValue::N("1".to_owned()));
    first.client.put_item().table_name("local-log").set_item(Some(expired)).send().await.unwrap();
    assert!(first.get("a", 2).await.is_some());
    first.stop().await;

    let second = Service::start(Some(folder.path())).await;
    assert_eq!(second.get("a", 1).await.unwrap(), item("a", 1, "kept"));
    assert_eq!(second.get("a", 2).await, None);
    second.stop().await;
}

#[tokio::test]
async fn a_table_whose_keys_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Tables::open(Some(folder.path()), &[log()]).unwrap());
    let mut changed = log();
    changed.create_table["KeySchema"] = json!([{"AttributeName": "stream", "KeyType": "HASH"}]);
    let error = Tables::open(Some(folder.path()), &[changed]).unwrap_err();
    assert!(matches!(error, TablesError::Changed { .. }));
    let message = error.to_string();
    assert!(message.contains("key (stream S HASH, number N RANGE), by_author (author S HASH), but"), "{message}");
}

#[tokio::test]
async fn the_engine_describes_a_stream_and_refuses_what_dynamodb_refuses() {
    let service = Service::start(None).await;
    let table = service.client.describe_table().table_name("local-log").send().await.unwrap();
    assert!(table.table().unwrap().latest_stream_arn().is_some());
    let missing = service.client.get_item().table_name("none").set_key(Some(key("a", 1))).send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}
