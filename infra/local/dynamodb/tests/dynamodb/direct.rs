//! Operations within the process, beside the same ones over the wire.

use local_dynamodb::Tables;
use local_testing::signed;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::log;

struct Both {
    tables: Tables,
    url: String,
    _shutdown: DropGuard,
}

impl Both {
    async fn start() -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tables = Tables::open(None, &[log()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (server, shutdown) = (tables.clone(), CancellationToken::new());
        let token = shutdown.clone();
        tokio::spawn(async move { server.serve(listener, token).await });
        Self { tables, url, _shutdown: shutdown.drop_guard() }
    }

    /// Success and answer of the server.
    async fn served(&self, operation: &str, body: &Value) -> (bool, Value) {
        let request = reqwest::Client::new().post(&self.url).body(body.to_string());
        let request = request.header("content-type", "application/x-amz-json-1.0");
        let request = request.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        let response = signed(request, "dynamodb").send().await.unwrap();
        let is_success = response.status().is_success();
        (is_success, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// The same within the process.
    fn direct(&self, operation: &str, body: &Value) -> Option<(bool, Value)> {
        let answer = self.tables.carry_out(operation, body.to_string().as_bytes())?;
        Some((answer.is_success, serde_json::from_slice(&answer.body).unwrap()))
    }
}

fn item(number: u32, text: &str) -> Value {
    json!({"stream": {"S": "a"}, "number": {"N": number.to_string()}, "author": {"S": "me"}, "text": {"S": text}})
}

fn key(number: u32) -> Value {
    json!({"stream": {"S": "a"}, "number": {"N": number.to_string()}})
}

#[tokio::test]
async fn answers_are_those_of_the_server() {
    let both = Both::start().await;
    let names = json!({"#stream": "stream"});
    let condition = |number, text| {
        json!({
            "TableName": "local-log", "Item": item(number, text), "ConditionExpression": "attribute_not_exists(#stream)",
            "ExpressionAttributeNames": names, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    let update = |returned: &str| {
        json!({
            "TableName": "local-log", "Key": key(2), "UpdateExpression": "SET #text = :text", "ReturnValues": returned,
            "ExpressionAttributeNames": {"#text": "text"}, "ExpressionAttributeValues": {":text": {"S": "changed"}},
        })
    };
    let query = json!({
        "TableName": "local-log", "KeyConditionExpression": "#stream = :stream", "Limit": 1,
        "ExpressionAttributeNames": names, "ExpressionAttributeValues": {":stream": {"S": "a"}},
    });
    // Each twice gives the same: what comes first leaves nothing to change for what comes second.
    for number in 1..4 {
        assert!(both.served("PutItem", &condition(number, "there")).await.0);
    }
    let puts = [
        json!({"PutRequest": {"Item": item(1, "there")}}),
        json!({"PutRequest": {"Item": item(3, &"x".repeat(2000))}}),
    ];
    let delete = json!({"DeleteRequest": {"Key": key(9)}});
    let batch = json!({"RequestItems": {"local-log": [puts[0], puts[1], delete]}});
    assert!(both.served("BatchWriteItem", &batch).await.0);
    let capacity = |mut request: Value, mode: &str| {
        request["ReturnConsumedCapacity"] = mode.into();
        request
    };
    let same = [
        ("PutItem", condition(1, "refused")),
        ("PutItem", json!({"TableName": "local-log", "Item": item(1, "there"), "ReturnValues": "ALL_OLD"})),
        ("GetItem", json!({"TableName": "local-log", "Key": key(1), "ConsistentRead": true})),
        ("GetItem", json!({"TableName": "local-log", "Key": key(9)})),
        ("GetItem", capacity(json!({"TableName": "local-log", "Key": key(1)}), "TOTAL")),
        ("GetItem", capacity(json!({"TableName": "local-log", "Key": key(1)}), "NONE")),
        ("Query", query.clone()),
        ("Query", capacity(query, "INDEXES")),
        ("BatchGetItem", json!({"RequestItems": {"local-log": {"Keys": [key(3)]}}})),
        ("BatchGetItem", capacity(json!({"RequestItems": {"local-log": {"Keys": [key(3)]}}}), "TOTAL")),
        ("UpdateItem", update("ALL_NEW")),
        ("UpdateItem", update("NONE")),
        ("BatchWriteItem", batch.clone()),
        ("BatchWriteItem", capacity(batch.clone(), "TOTAL")),
        ("BatchWriteItem", capacity(batch, "NONE")),
        ("DeleteItem", json!({"TableName": "local-log", "Key": key(9), "ReturnValues": "ALL_OLD"})),
    ];
    for (operation, body) in same {
        let served = both.served(operation, &body).await;
        assert_eq!(both.direct(operation, &body), Some(served), "{operation} {body}");
    }
}

#[tokio::test]
async fn units_are_told_whether_they_were_asked_for_or_not() {
    let both = Both::start().await;
    let put = json!({"TableName": "local-log", "Item": item(1, &"x".repeat(1500))});
    let answer = both.tables.carry_out("PutItem", put.to_string().as_bytes()).unwrap();
    // Two for the item, two for its entry in the index.
    assert_eq!((answer.units, answer.body), (vec![("local-log".to_owned(), 4.0)], b"{}".to_vec()));
    let keys = json!({"Keys": [key(1), key(2)]});
    let get = json!({"RequestItems": {"local-log": keys}, "ReturnConsumedCapacity": "TOTAL"});
    let answer = both.tables.carry_out("BatchGetItem", get.to_string().as_bytes()).unwrap();
    assert_eq!(answer.units, [("local-log".to_owned(), 1.0)]);
    let puts = [3, 4].map(|number| json!({"PutRequest": {"Item": item(number, &"x".repeat(1500))}}));
    let batch = json!({"RequestItems": {"local-log": puts}});
    let answer = both.tables.carry_out("BatchWriteItem", batch.to_string().as_bytes()).unwrap();
    assert_eq!(answer.units, [("local-log".to_owned(), 8.0)], "each as by itself");
}

#[tokio::test]
async fn the_server_answers_what_is_unusual() {
    let both = Both::start().await;
    let legacy = json!({"TableName": "local-log", "Item": item(1, "a"), "Expected": {"stream": {"Exists": false}}});
    let put = |number: u32| json!({"PutRequest": {"Item": item(number, "a")}});
    let batch = |count: u32, less: u32| -> Value {
        let puts: Vec<Value> = (1..=count).map(|number| put(number.min(count - less))).collect();
        json!({"RequestItems": {"local-log": puts}})
    };
    let unusual = [
        ("PutItem", legacy),
        ("PutItem", json!({"TableName": "local-log", "Item": item(1, "a"), "ConditionExpression": "what?"})),
        ("PutItem", json!({"TableName": "local-log", "Item": {"stream": {"S": "a"}}})),
        ("PutItem", json!({"TableName": "none", "Item": item(1, "a")})),
        ("GetItem", json!({"TableName": "local-log", "Key": "a"})),
        ("GetItem", json!({"TableName": "local-log", "Key": key(1), "AttributesToGet": ["text"]})),
        ("TransactWriteItems", json!({"TransactItems": []})),
        ("BatchWriteItem", json!({"RequestItems": {}})),
        ("BatchWriteItem", json!({"RequestItems": {"local-log": []}})),
        ("BatchWriteItem", batch(26, 0)),
        // The same key twice, and an item that no table takes.
        ("BatchWriteItem", batch(2, 1)),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"local-log": [put(1), {"PutRequest": {"Item": {"stream": {"S": "a"}}}}]}}),
        ),
        ("DescribeTable", json!({"TableName": "local-log"})),
    ];
    for (operation, body) in unusual {
        assert_eq!(both.direct(operation, &body), None, "{operation} {body}");
    }
    assert_eq!(both.tables.carry_out("GetItem", b"{").map(|answer| answer.units), None);
    let scanned = both.served("Scan", &json!({"TableName": "local-log"})).await;
    assert_eq!(scanned.1["Count"], 0, "nothing was written");
}
