//! Failures of a function, as its caller sees them.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use local_lambda::{InvokeError, Limits};
use local_testing::echo;
use serde_json::json;

use crate::bench::{Bench, exists};

#[tokio::test]
async fn a_handlers_error_passes_unchanged_and_leaves_the_process_warm() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let first = bench.ok(json!({})).await;
    let error = bench.error(json!({"do": "error"})).await;
    assert_eq!(error["errorMessage"], "told to fail");
    assert!(error["errorType"].as_str().unwrap().contains("Error"));
    let panicked = bench.error(json!({"do": "panic"})).await;
    assert_eq!(panicked["errorMessage"], "Lambda panicked: told to panic");
    assert_eq!(bench.ok(json!({})).await["pid"], first["pid"]);
    assert_eq!(bench.stats().errors, 2);
}

#[tokio::test]
async fn a_crash_is_a_function_error_and_the_next_invocation_a_cold_start() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let first = bench.ok(json!({})).await;
    let error = bench.error(json!({"do": "exit"})).await;
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.starts_with("RequestId: ") && message.ends_with(" Error: Runtime exited with error: exit status 1")
    );
    let error = bench.error(json!({"do": "abort"})).await;
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Runtime exited with error: signal: aborted"));
    assert_ne!(bench.ok(json!({})).await["pid"], first["pid"]);
    assert_eq!(bench.stats().cold_starts, 3);
    assert!(bench.log.line_with("Status: error").ends_with("Error Type: Runtime.ExitError"));
}

#[tokio::test]
async fn a_timeout_kills_the_process() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.timeout = Duration::from_secs(1);
    let bench = Bench::new(setup);
    let first = bench.ok(json!({})).await;
    let error = bench.error(json!({"do": "hang"})).await;
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with(" Error: Task timed out after 1.00 seconds"));
    assert!(!exists(first["pid"].as_u64().unwrap()));
    assert_ne!(bench.ok(json!({})).await["pid"], first["pid"]);
    assert!(bench.log.line_with("Task timed out").contains("RequestId"));
    assert!(bench.log.line_with("Status: timeout").contains("REPORT"));
}

#[tokio::test]
async fn a_function_that_fails_in_its_init_is_started_twice_and_then_reports() {
    for (init, expected, status) in
        [("exit", json!("Runtime.ExitError"), "exit status 7"), ("report", json!("Runtime.NoConfig"), "no table")]
    {
        let mut setup = echo(env!("CARGO_PKG_NAME"));
        setup.function.environment.insert("INIT".to_owned(), init.to_owned());
        let bench = Bench::new(setup);
        let error = bench.error(json!({})).await;
        assert_eq!(error["errorType"], expected);
        assert!(error["errorMessage"].as_str().unwrap().ends_with(status), "{error}");
        let reports: Vec<_> = bench.log.lines().into_iter().filter(|line| line.contains("INIT_REPORT")).collect();
        assert!(reports[0].contains("Phase: init\tStatus: error"), "{reports:?}");
        assert!(reports[1].contains("Phase: invoke\tStatus: error"), "{reports:?}");
        assert_eq!(bench.stats().errors, 1);
    }
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_repeated_within_the_functions_timeout() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.environment.insert("INIT".to_owned(), "slow".to_owned());
    let limits = Limits { init: Duration::from_millis(50), ..Limits::default() };
    let bench = Bench::with_limits(setup.clone(), limits);
    bench.ok(json!({})).await;
    assert!(bench.log.line_with("INIT_REPORT").ends_with("Phase: init\tStatus: timeout"));

    setup.function.environment.insert("INIT".to_owned(), "hang".to_owned());
    setup.function.timeout = Duration::from_millis(100);
    let bench = Bench::with_limits(setup, limits);
    let error = bench.error(json!({})).await;
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Task timed out after 0.10 seconds"));
}

#[tokio::test]
async fn reasons_not_to_run_are_distinguished() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    assert!(
        matches!(bench.lambda.invoke("Nobody", Bytes::new()).await, Err(InvokeError::NotFound(id)) if id == "Nobody")
    );
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.executable = PathBuf::from("/nowhere/bootstrap");
    let error = Bench::new(setup).error(json!({})).await;
    assert_eq!(error["errorType"], "Runtime.InvalidEntrypoint");
}
