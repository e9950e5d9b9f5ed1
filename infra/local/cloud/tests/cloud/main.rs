//! The whole command: a template with one of everything, built, started, used and stopped.

mod application;
mod apps;
mod cargo_lambda;
mod collection;
mod demo;
mod elsewhere;
mod page;
mod starting;
mod stopping;
mod ui;
mod watch;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

/// Nothing here takes a tenth of it; a test that fails says so in the end.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A folder with the template and the sources of its function.
fn application() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    for (file, text) in [
        ("Cargo.toml", "[package]\nname = \"function\"\nedition = \"2024\"\n[workspace]\n"),
        ("src/main.rs", include_str!("function.rs")),
        ("template.yaml", include_str!("template.yaml")),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

const FREE_PORTS: [&str; 6] = ["--http-port", "0", "--websocket-port", "0", "--oidc-port", "0"];

/// The command with free ports, in the application's folder.
fn command(application: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-cloud"));
    command
        .current_dir(application)
        .env_remove("CARGO_TARGET_DIR")
        .args(FREE_PORTS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

struct Running {
    process: Child,
    file: PathBuf,
    endpoints: Value,
}

impl Running {
    /// Starts the command and waits for `endpoints.json`.
    async fn start(application: &Path, arguments: &[&str]) -> Self {
        Self::of(application, command(application).args(arguments)).await
    }

    async fn of(application: &Path, command: &mut Command) -> Self {
        let mut process = command.arg("--stop-on-stdin-eof").spawn().unwrap();
        let file = application.join("target/local/endpoints.json");
        let begun = Instant::now();
        while !file.exists() {
            if let Some(status) = process.try_wait().unwrap() {
                let output = process.wait_with_output().await.unwrap();
                panic!("{status}: {}", String::from_utf8_lossy(&output.stderr));
            }
            assert!(begun.elapsed() < TIMEOUT, "not ready");
            sleep(Duration::from_millis(20)).await;
        }
        let endpoints = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        Self { process, file, endpoints }
    }

    fn url(&self, pointer: &str) -> &str {
        self.endpoints.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    async fn token(&self) -> String {
        let request = client().post(self.url("/oidc_token")).json(&json!({"username": "carol"}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Closes standard input and waits; gives what the command printed.
    async fn stop(mut self) -> String {
        drop(self.process.stdin.take());
        self.ended().await
    }

    async fn ended(mut self) -> String {
        let (mut out, error) = (self.process.stdout.take().unwrap(), self.process.stderr.take());
        let (mut printed, mut log) = (String::new(), String::new());
        let read_log = async {
            match error {
                Some(mut error) => error.read_to_string(&mut log).await,
                // It goes to a file.
                None => Ok(0),
            }
        };
        let all = async {
            let (out, error) = tokio::join!(out.read_to_string(&mut printed), read_log);
            out.and(error).unwrap();
            self.process.wait().await.unwrap()
        };
        let status = timeout(TIMEOUT, all).await.expect("the command stops");
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!self.file.exists(), "endpoints.json goes when the cloud stops");
        printed
    }
}

fn client() -> reqwest::Client {
    // Ignore a second call: another test of this process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Returns the command's output when it fails to start.
async fn refusal(application: &Path, arguments: &[&str]) -> String {
    let process = command(application).args(arguments).spawn().unwrap();
    let output = timeout(TIMEOUT, process.wait_with_output()).await.expect("the command ends").unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    let error = log.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>();
    assert_eq!(error.len(), 1, "one sentence: {log}");
    error[0].to_owned()
}

/// Waits until the function has written that.
async fn until_received(file: &Path, expected: &str) {
    let received = async || std::fs::read_to_string(file).is_ok_and(|text| text == expected);
    until(&format!("the function gets {expected:?}"), received).await;
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < TIMEOUT, "waited in vain: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the answer of the application's public route.
async fn public(cloud: &Running) -> String {
    client().get(format!("{}/public", cloud.url("/http"))).send().await.unwrap().text().await.unwrap()
}

async fn put_object(cloud: &Running) {
    let config = local_testing::sdk(cloud.url("/aws/s3"), "local");
    let put = aws_sdk_s3::Client::new(&config).put_object().bucket("local-bucket").key("a");
    put.send().await.unwrap();
}

#[tokio::test]
async fn limits_of_connections_can_be_shortened() {
    let application = application();
    for flag in ["--websocket-idle", "--websocket-lifetime"] {
        let cloud = Running::start(application.path(), &["--ephemeral", flag, "1"]).await;
        let (mut socket, _) = tokio_tungstenite::connect_async(cloud.url("/websocket")).await.unwrap();
        let end = timeout(TIMEOUT, socket.next()).await.expect("the connection ends").unwrap().unwrap();
        let Message::Close(Some(close)) = end else { panic!("{end:?}") };
        assert_eq!(u16::from(close.code), 1001, "{flag}");
        cloud.stop().await;
    }
}

#[tokio::test]
async fn everything_works_together() {
    let application = application();
    let received = application.path().join("received");
    let parameter = format!("Received={}", received.display());
    let cloud = Running::start(application.path(), &["--ephemeral", "--parameter", &parameter]).await;

    let http = cloud.url("/http");
    assert_eq!(public(&cloud).await, "hello from us-east-1");
    let informed = client().get(format!("{http}/thing")).send().await.unwrap();
    assert_eq!(informed.text().await.unwrap(), "thing-1 is blue from us-east-1");
    let private = format!("{http}/private");
    assert_eq!(client().get(&private).send().await.unwrap().status(), 401);
    let allowed = client().get(&private).bearer_auth(cloud.token().await).send().await.unwrap();
    assert_eq!(allowed.status(), 200);

    let (mut socket, _) = tokio_tungstenite::connect_async(cloud.url("/websocket")).await.unwrap();
    socket.send(Message::text(r#"{"action":"hello"}"#)).await.unwrap();
    let reply = timeout(TIMEOUT, socket.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(reply.into_text().unwrap().as_str(), "hello from us-east-1");

    send_message(&cloud, "from the queue").await;
    until_received(&received, "from the queue\n").await;
    let item = json!({"TableName": "local-Table", "Item": {"pk": {"S": "a"}}});
    aws_request(&cloud, "dynamodb", "DynamoDB_20120810.PutItem", &item).await;
    until_received(&received, "from the queue\nINSERT\n").await;
    put_object(&cloud).await;
    until_received(&received, "from the queue\nINSERT\nObjectCreated:Put\n").await;

    let tables = aws_request(&cloud, "dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await;
    assert_eq!(tables["TableNames"], json!(["local-Table"]));

    let meter = meter(&cloud).await;
    // The public and the private route, the message, the batch, the insert, the object and the custom resource.
    assert_eq!(meter["functions"]["Function"]["invocations"], 7);
    assert_eq!(meter["outside"]["dynamodb"]["ListTables"]["requests"], 1);
    assert_eq!(meter["http_apis"]["Http"]["requests"], 4);
    assert_eq!(meter["websocket_apis"]["Socket"]["units_out"], 1);

    let printed = cloud.stop().await;
    for line in ["HTTP API (Http) ", "WebSocket API (Socket) ", "Ready in ", "Stopped. Nothing was kept."] {
        assert!(printed.lines().any(|printed| printed.trim_start().starts_with(line)), "{line}: {printed}");
    }
    assert!(printed.contains("alice=$(cargo local token alice)") && !printed.contains("eyJ"), "no token: {printed}");
    assert!(printed.contains("off; `--ui` serves the page"), "{printed}");
}

/// Returns the answer of `GET {control}/meter`.
async fn meter(cloud: &Running) -> Value {
    client().get(format!("{}/meter", cloud.url("/control"))).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn faults_kills_and_the_meter_are_controlled_over_http() {
    let application = application();
    let arguments = ["--ephemeral", "--meter", "--per", "Function"];
    let cloud = Running::start(application.path(), &arguments).await;
    let control = |path: &str| format!("{}{path}", cloud.url("/control"));
    let post = async |path: &str, body: Value| client().post(control(path)).json(&body).send().await.unwrap();

    let killed: Value = post("/functions/Function/kill", json!({})).await.json().await.unwrap();
    assert_eq!(killed, json!({"killed": 1}));
    assert_eq!(post("/functions/Nobody/kill", json!({})).await.status(), 404);
    assert_eq!(post("/meter/reset", json!({})).await.status(), 204);
    assert_eq!(meter(&cloud).await["functions"]["Function"]["invocations"], 0);

    let rule = json!({"service": "dynamodb", "operation": "ListTables", "kind": {"delay": 1}});
    assert_eq!(post("/faults", json!({"seed": 1, "rules": [rule]})).await.status(), 204);
    let answer = aws_request(&cloud, "dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await;
    assert_eq!(answer["TableNames"], json!(["local-Table"]));
    let refused = post("/faults", json!({"rules": [{"kind": "explosion"}]})).await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.unwrap();
    assert!(refused["message"].as_str().unwrap().contains("unknown variant `explosion`"), "{refused}");
    assert_eq!(client().delete(control("/faults")).send().await.unwrap().status(), 204);
    let answer = aws_request(&cloud, "dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await;
    assert_eq!(answer["TableNames"], json!(["local-Table"]));
    assert_eq!(meter(&cloud).await["faults"], json!({"delay": 1}));

    let public = format!("{}/public", cloud.url("/http"));
    assert_eq!(client().get(public).send().await.unwrap().status(), 200);
    let printed = cloud.stop().await;
    assert!(printed.contains("USD per million: the price of a million invocations of Function"), "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("Http ") && line.contains("HTTP API requests")), "{printed}");
}

#[tokio::test]
async fn data_and_tokens_outlive_a_stop() {
    let application = application();
    let cloud = Running::start(application.path(), &[]).await;
    let token = cloud.token().await;
    let item = json!({"TableName": "local-Table", "Item": {"pk": {"S": "a"}}});
    aws_request(&cloud, "dynamodb", "DynamoDB_20120810.PutItem", &item).await;

    let second = refusal(application.path(), &[]).await;
    assert!(second.starts_with("error: another local cloud writes "), "{second}");
    let second = refusal(application.path(), &["--endpoints", "second.json"]).await;
    assert!(second.starts_with("error: another local cloud uses "), "{second}");
    assert!(cloud.file.exists(), "the first one goes on");

    // SIGTERM stops as the end of standard input does.
    let id = cloud.process.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
    cloud.ended().await;

    let cloud = Running::start(application.path(), &["--parameter", "Greeting=again"]).await;
    let key = json!({"TableName": "local-Table", "Key": {"pk": {"S": "a"}}});
    let found = aws_request(&cloud, "dynamodb", "DynamoDB_20120810.GetItem", &key).await;
    assert_eq!(found["Item"], json!({"pk": {"S": "a"}}));
    let private = client().get(format!("{}/private", cloud.url("/http"))).bearer_auth(token);
    assert_eq!(private.send().await.unwrap().text().await.unwrap(), "again from us-east-1");
    cloud.stop().await;
}

#[tokio::test]
async fn a_failed_start_prints_its_reason() {
    let application = application();
    let folder = application.path();
    let failed = refusal(folder, &["--ephemeral", "--parameter", "Answer=bad"]).await;
    let sentence = "error: custom resource `Thing`: the function `Function` answered FAILED: the moon was full";
    assert_eq!(failed, sentence);
    let silent = refusal(folder, &["--ephemeral", "--parameter", "Answer=none"]).await;
    let sentence = "error: custom resource `Thing`: the function `Function` sent no response to `ResponseURL`";
    assert_eq!(silent, sentence);

    let unknown = refusal(folder, &["--ephemeral", "--meter", "--per", "Nobody"]).await;
    assert_eq!(unknown, "error: `--per`: the template has no function `Nobody`; it has Informed, Function");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for flag in ["--websocket-port", "--dynamodb-port", "--sqs-port", "--data-api-port", "--control-port"] {
        let in_use = refusal(folder, &["--ephemeral", flag, &port.to_string()]).await;
        let sentence =
            format!("error: port {port} is in use: choose another one with `{flag}` (0 takes any that is free)");
        assert_eq!(in_use, sentence);
    }

    let text = include_str!("template.yaml").replace("AWS::SQS::Queue", "AWS::SNS::Topic");
    std::fs::write(folder.join("template.yaml"), text).unwrap();
    let fault = refusal(folder, &["--ephemeral"]).await;
    assert!(fault.starts_with("error: template.yaml:52: the resource type `AWS::SNS::Topic`"), "{fault}");
}

#[tokio::test]
async fn cargo_says_what_does_not_compile() {
    let application = application();
    std::fs::write(application.path().join("src/main.rs"), "fn main() { missing }").unwrap();
    let output = command(application.path()).arg("--ephemeral").stdin(Stdio::null()).output().await.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("cannot find value `missing`"), "{log}");
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("error: the functions in "), "{last}");
}

async fn send_message(cloud: &Running, body: &str) {
    let url = format!("{}/000000000000/local-Queue", cloud.url("/aws/sqs"));
    let message = json!({"QueueUrl": url, "MessageBody": body});
    aws_request(cloud, "sqs", "AmazonSQS.SendMessage", &message).await;
}

/// One call of an API of AWS's JSON protocol.
async fn aws_request(cloud: &Running, service: &str, target: &str, body: &Value) -> Value {
    let request = client()
        .post(cloud.url(&format!("/aws/{service}")))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", target)
        .body(body.to_string());
    let response = local_testing::signed(request, service).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{target}: {text}");
    serde_json::from_str(&text).unwrap()
}
