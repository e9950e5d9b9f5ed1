//! The command on applications that it does not know: built with their own dependencies, started from their templates and
//! driven from outside.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than any build; a test that fails says so in the end.
const DEADLINE: Duration = Duration::from_mins(10);

const ORIGIN: &str = "http://polls.example:8080";

/// A running application. Dropping it closes the command's standard input, which stops it.
struct Application {
    _process: Child,
    _folder: TempDir,
    endpoints: Value,
    client: reqwest::Client,
}

impl Application {
    /// Starts `tests/apps/<name>`. Its functions are built in this workspace's target folder; all of their dependencies are this
    /// workspace's, too, so there is nothing to fetch.
    async fn start(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("endpoints.json");
        let command = Path::new(env!("CARGO_BIN_EXE_local-cloud"));
        let target: PathBuf = command.ancestors().nth(2).unwrap().to_owned();
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps").join(name).join("template.yaml");
        let mut process = Command::new(command)
            .env("CARGO_TARGET_DIR", target)
            .args([
                "--http-port",
                "0",
                "--websocket-port",
                "0",
                "--oidc-port",
                "0",
                "--ephemeral",
                "--stop-on-stdin-eof",
            ])
            .arg("--template")
            .arg(template)
            .arg("--endpoints")
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        until("the application is ready", async || {
            assert_eq!(process.try_wait().unwrap(), None, "the command has ended; its log says why");
            file.exists().then_some(())
        })
        .await;
        let endpoints = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { _process: process, _folder: folder, endpoints, client: reqwest::Client::new() }
    }

    fn url(&self, pointer: &str) -> &str {
        self.endpoints.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    /// Status and body of an HTTP request.
    async fn http(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url("/http"))).json(&body);
        let response = request.send().await.unwrap();
        let (status, body) = (response.status().as_u16(), response.bytes().await.unwrap());
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn listen(&self) -> Listener {
        let (socket, _) = tokio_tungstenite::connect_async(self.url("/websocket")).await.unwrap();
        Listener(socket)
    }

    /// One call of SQS. The local one checks no signature, but wants to see one.
    async fn sqs(&self, operation: &str, body: Value) -> Value {
        let request = self
            .client
            .post(self.url("/aws/sqs"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            )
            .body(body.to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{operation}");
        response.json().await.unwrap()
    }
}

struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    async fn next(&mut self) -> Value {
        let frame = timeout(DEADLINE, self.0.next()).await.unwrap().unwrap().unwrap();
        serde_json::from_str(frame.to_text().unwrap()).unwrap()
    }
}

async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}

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
    let answer = app.client.post(invoke).json(&json!({"Records": []})).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"batchItemFailures": []}));
}
