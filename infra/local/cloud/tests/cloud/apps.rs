//! The command on applications that it does not know: built with their own dependencies, started from their templates and
//! driven from outside.

use futures_util::SinkExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::application::{Application, until};

const ORIGIN: &str = "http://polls.example:8080";

#[tokio::test]
async fn polls() {
    let origin = format!("Origin={ORIGIN}");
    let app = Application::start("polls", &["--parameter", &origin]).await;

    // HTTP on DynamoDB.
    let (status, created) =
        app.http(Method::POST, "/polls", json!({"question": "Tea?", "options": ["yes", "no"]})).await;
    assert_eq!(status, 201);
    let path = format!("/polls/{}", created["id"].as_str().unwrap());
    assert_eq!(app.http(Method::PUT, &path, json!({"question": "Coffee?"})).await.0, 204);
    let (status, poll) = app.http(Method::GET, &path, Value::Null).await;
    assert_eq!((status, &poll["question"], &poll["votes"]), (200, &json!("Coffee?"), &json!({"no": 0, "yes": 0})));
    let (status, _) = app.http(Method::PUT, "/polls/none", json!({"question": "?"})).await;
    assert_eq!(status, 404);
    let page = app.client.get(format!("{}{path}", app.url("/http"))).header("Origin", ORIGIN).send().await.unwrap();
    assert_eq!(page.headers()["access-control-allow-origin"], ORIGIN);

    // A vote goes through the queue to everybody who listens.
    let (mut one, mut two) = (app.listen().await, app.listen().await);
    one.0.send(Message::text(json!({"action": "show", "id": poll["id"]}).to_string())).await.unwrap();
    assert_eq!(one.next().await["poll"], poll);
    let votes = format!("{path}/votes");
    assert_eq!(app.http(Method::POST, &votes, json!({"option": "yes"})).await.0, 202);
    for listener in [&mut one, &mut two] {
        assert_eq!(listener.next().await["poll"]["votes"], json!({"no": 0, "yes": 1}));
    }

    // Of a batch, what fails goes to the dead-letter queue, and only that.
    let queue = |name: &str| format!("{}/000000000000/local-{name}", app.url("/aws/sqs"));
    let vote = |option: &str| json!({"poll": poll["id"], "option": option}).to_string();
    let entries = json!([{"Id": "1", "MessageBody": vote("maybe")}, {"Id": "2", "MessageBody": vote("no")}]);
    app.sqs("SendMessageBatch", json!({"QueueUrl": queue("Votes"), "Entries": entries})).await;
    assert_eq!(two.next().await["poll"]["votes"], json!({"no": 1, "yes": 1}));
    let dead = until("the invalid vote is in the dead-letter queue", async || {
        let receive = json!({"QueueUrl": queue("InvalidVotes"), "WaitTimeSeconds": 1});
        app.sqs("ReceiveMessage", receive).await["Messages"].as_array().cloned()
    })
    .await;
    assert_eq!(dead.iter().map(|message| &message["Body"]).collect::<Vec<_>>(), [&json!(vote("maybe"))]);
    assert_eq!(app.http(Method::GET, &path, Value::Null).await.1["votes"], json!({"no": 1, "yes": 1}));

    a_closed_poll_leaves_its_result(&app, &path, &poll["id"]).await;
    the_clock_closes_polls(&app).await;
    another_cloud_forwards(&app, &origin, &path).await;

    assert_eq!(app.http(Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(app.http(Method::GET, &path, Value::Null).await.0, 404);
    until("the front page has lost the poll", async || on_front_page(&app, &poll["id"]).await.is_none().then_some(()))
        .await;
}

/// The entry that the table's stream keeps.
async fn on_front_page(app: &Application, id: &Value) -> Option<Value> {
    let (status, page) = app.http(Method::GET, "/polls", Value::Null).await;
    assert_eq!(status, 200);
    page["polls"].as_array().unwrap().iter().find(|poll| poll["id"] == *id).cloned()
}

/// The stream exports the result to the bucket, whose event indexes it; a presigned URL leads to it.
async fn a_closed_poll_leaves_its_result(app: &Application, path: &str, id: &Value) {
    assert_eq!(app.http(Method::GET, &format!("{path}/result"), Value::Null).await.0, 404);
    assert_eq!(app.http(Method::POST, &format!("{path}/close"), Value::Null).await.0, 204);
    assert_eq!(app.http(Method::POST, &format!("{path}/close"), Value::Null).await.0, 404, "closed already");
    let entry = until("the result is indexed", async || {
        on_front_page(app, id).await.filter(|entry| !entry["size_of_result"].is_null())
    })
    .await;
    let result = app.client.get(format!("{}{path}/result", app.url("/http"))).send().await.unwrap();
    assert_eq!(result.headers()["content-disposition"], "attachment; filename=\"result.json\"");
    assert_eq!(result.headers()["content-type"], "application/json");
    let result = result.text().await.unwrap();
    let size = result.len();
    assert_eq!(entry, json!({"id": id, "question": "Coffee?", "votes": 2, "size_of_result": size}));
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result, json!({"question": "Coffee?", "votes": {"no": 1, "yes": 1}}));
}

/// The schedule comes at the beginning of a minute.
async fn the_clock_closes_polls(app: &Application) {
    let poll = json!({"question": "Now?", "options": ["yes"], "closes_at": 1});
    let (_, created) = app.http(Method::POST, "/polls", poll).await;
    let path = format!("/polls/{}", created["id"].as_str().unwrap());
    until("the schedule closes the poll", async || {
        (app.http(Method::GET, &path, Value::Null).await.1["closed"] == true).then_some(())
    })
    .await;
}

/// A second cloud has no functions of its own: what its APIs get is answered by the first one's, from the first one's tables.
async fn another_cloud_forwards(app: &Application, origin: &str, path: &str) {
    let endpoint = ["--lambda-endpoint", app.url("/aws/lambda"), "--parameter", origin];
    let front = Application::start("polls", &endpoint).await;
    assert_eq!(front.http(Method::GET, path, Value::Null).await, app.http(Method::GET, path, Value::Null).await);
    let invoke = format!("{}/2015-03-31/functions/local-CountFunction/invocations", front.url("/aws/lambda"));
    let invoke = app.client.post(invoke).json(&json!({"Records": []}));
    let answer = local_testing::signed(invoke, "lambda").send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"batchItemFailures": []}));
}
