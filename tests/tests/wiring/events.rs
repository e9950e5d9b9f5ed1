//! The events of `tests/events`, one per function: each function takes its own, as Lambda hands it over.

use std::process::Command;

use axum::Router;
use axum::routing::put;
use end_to_end::Cloud;
use end_to_end::cloud::root;
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::test_user::token;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::functions;

#[tokio::test]
async fn every_function_takes_its_event() {
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": "alice"})).await;
    let cloudformation = cloudformation().await;
    let mut seen = 0;
    for function in functions() {
        let file = root().join("tests/events").join(&function.binary).with_extension("json");
        let event = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let event = event.replace("TOKEN", &token).replace("http://127.0.0.1:9999/", &cloudformation);
        let Invoked { function_error, result } = invoke(cloud, &function.logical_id, event).await;
        assert_eq!(function_error, None, "{}: {result}", function.binary);
        assert!(is_success(&function.binary, &result), "{}: {result}", function.binary);
        seen += 1;
    }
    let files = std::fs::read_dir(root().join("tests/events")).expect("tests/events");
    assert_eq!(files.count(), seen, "every file is an event of a function");
}

/// Invokes through `cargo lambda invoke`, as `docs/one-function.md` says.
#[test]
#[ignore = "needs cargo-lambda; CARGO_LAMBDA is where it is, if not in PATH"]
fn cargo_lambda_invokes_functions_with_their_events() {
    let cloud = Cloud::shared();
    let cargo_lambda = std::env::var("CARGO_LAMBDA").unwrap_or_else(|_| "cargo-lambda".to_owned());
    for (function, binary) in [("HttpUsers", "http-users"), ("WsSend", "ws-send"), ("Receipts", "receipts")] {
        let script = r#". "$1"; exec "$2" lambda invoke --remote --endpoint-url "$AWS_ENDPOINT_URL_LAMBDA" "$3" --data-file "$4""#;
        let event = root().join("tests/events").join(binary).with_extension("json");
        let mut command = Command::new("sh");
        command.args(["-euc", script, "sh"]).arg(cloud.endpoints_file().with_extension("env"));
        let output = command.args([&cargo_lambda, function]).arg(event).output().expect("a shell");
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        assert!(output.status.success(), "{binary}: {}", String::from_utf8_lossy(&said));
        let result: Value = serde_json::from_slice(&output.stdout).expect("a result is JSON");
        assert!(is_success(binary, &result), "{binary}: {result}");
    }
}

/// Codes of frames that a function did not understand, or could not answer.
const FAILURES: [&str; 7] =
    ["bad_json", "invalid_request", "invalid_uuid", "unknown_action", "unauthorized", "busy", "internal"];

/// Events name no user and conversation that exist. So clients get an answer that says so, from an event that was understood.
fn is_success(binary: &str, result: &Value) -> bool {
    match binary {
        "ws-authorizer" => result["policyDocument"]["Statement"][0]["Effect"] == "Allow",
        "migrate" | "file-inspect" => result.is_null(),
        "log-archive" | "message-retention" | "search-reindex" => result["queued"].is_u64(),
        "reconcile" => result["failed"] == json!([]),
        _ if result.get("batchItemFailures").is_some() => result["batchItemFailures"] == json!([]),
        _ if binary.starts_with("http-") => {
            matches!(result["statusCode"].as_u64(), Some(200 | 201 | 204 | 403 | 404 | 409))
        }
        _ => {
            let body = result["body"].as_str().unwrap_or("null");
            let frame: Value = serde_json::from_str(body).expect("a frame is JSON");
            result["statusCode"] == 200 && frame["error"]["code"].as_str().is_none_or(|code| !FAILURES.contains(&code))
        }
    }
}

/// A URL that takes the response of a custom resource.
async fn cloudformation() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/", put(async || ()));
    tokio::spawn(axum::serve(listener, router).into_future());
    format!("http://{address}/")
}
