//! Applications of `tests/apps`, run by the command and driven from outside.

#![allow(dead_code, reason = "not every test that includes this file uses all of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than any build; a test that fails says so in the end.
const TIMEOUT: Duration = Duration::from_mins(10);

const COMMAND: &str = env!("CARGO_BIN_EXE_local-cloud");

/// Returns the folder of an application.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps").join(name)
}

/// This workspace's target folder.
pub(crate) fn target() -> PathBuf {
    Path::new(COMMAND).ancestors().nth(2).unwrap().to_owned()
}

/// A running application. Dropping it closes the command's standard input, which stops it.
pub(crate) struct Application {
    _process: Child,
    _folder: TempDir,
    endpoints: Value,
    pub(crate) client: reqwest::Client,
}

impl Application {
    /// Starts [`folder`]`(name)`. Its functions are built in this workspace's target folder; all of their dependencies are this
    /// workspace's, too, so there is nothing to fetch.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("endpoints.json");
        let mut process = Command::new(COMMAND)
            .env("CARGO_TARGET_DIR", target())
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
            .arg(folder(name).join("template.yaml"))
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
        Self { _process: process, _folder: temporary, endpoints, client: reqwest::Client::new() }
    }

    pub(crate) fn url(&self, pointer: &str) -> &str {
        self.endpoints.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    /// Status and body of an HTTP request.
    pub(crate) async fn http(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url("/http"))).json(&body);
        let response = request.send().await.unwrap();
        let (status, body) = (response.status().as_u16(), response.bytes().await.unwrap());
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn listen(&self) -> Listener {
        let (socket, _) = tokio_tungstenite::connect_async(self.url("/websocket")).await.unwrap();
        Listener(socket)
    }

    /// One call of SQS.
    pub(crate) async fn sqs(&self, operation: &str, body: Value) -> Value {
        let request = self
            .client
            .post(self.url("/aws/sqs"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .body(body.to_string());
        let response = local_testing::signed(request, "sqs").send().await.unwrap();
        assert_eq!(response.status(), 200, "{operation}");
        response.json().await.unwrap()
    }
}

/// A client of the WebSocket API.
pub(crate) struct Listener(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    pub(crate) async fn next(&mut self) -> Value {
        let frame = timeout(TIMEOUT, self.0.next()).await.unwrap().unwrap().unwrap();
        serde_json::from_str(frame.to_text().unwrap()).unwrap()
    }
}

pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < TIMEOUT, "waited in vain: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}
