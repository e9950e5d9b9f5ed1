//! The command in front of functions that `cargo lambda watch` runs.

use std::net::TcpListener;
use std::process::Stdio;

use futures_util::{SinkExt, StreamExt};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;

use crate::application::{Application, folder, target, until};

#[tokio::test]
#[ignore = "needs cargo-lambda; CARGO_LAMBDA is where it is, if not in PATH"]
async fn requests_and_messages_reach_functions_that_cargo_lambda_runs() {
    let cargo_lambda = std::env::var("CARGO_LAMBDA").unwrap_or_else(|_| "cargo-lambda".to_owned());
    // No other process takes it in the moment until it is bound again.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _watch = Command::new(cargo_lambda)
        .args([
            "lambda",
            "watch",
            "--ignore-changes",
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            &port.to_string(),
        ])
        .current_dir(folder("hello"))
        .env("CARGO_TARGET_DIR", target())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("cargo-lambda runs");
    let app = Application::start("hello", &["--lambda-endpoint", &format!("http://127.0.0.1:{port}")]).await;
    // The first request lets it build the function, for which it may take longer than API Gateway waits.
    let answer = until("the function answers", async || {
        let answer = app.client.get(format!("{}/hello", app.url("/http"))).send().await.unwrap();
        (answer.status() == 200).then_some(answer)
    })
    .await;
    assert_eq!(answer.text().await.unwrap(), "hello from GET /hello");
    let mut listener = app.listen().await;
    listener.0.send(Message::text(r#"{"action":"hello"}"#)).await.unwrap();
    let frame = listener.0.next().await.unwrap().unwrap();
    assert_eq!(frame.to_text().unwrap(), "hello from hello");
}
