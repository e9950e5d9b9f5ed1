//! The end of processes.

use std::time::Duration;

use local_lambda::{InvokeError, Limits};
use local_testing::echo;
use serde_json::json;

use crate::bench::{Bench, exists, until};

#[tokio::test]
async fn an_idle_process_that_died_is_replaced_without_an_error() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    assert!(std::process::Command::new("kill").arg("-9").arg(pid.to_string()).status().unwrap().success());
    until("the process to be dead", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Its first thread may be dead before the others are, and only then is there something to wait for.
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        stat.is_empty() || (stat.contains(") Z ") && threads <= 1)
    })
    .await;
    assert_ne!(bench.ok(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn idle_processes_are_reaped() {
    let bench = Bench::with_limits(
        echo(env!("CARGO_PKG_NAME")),
        Limits { idle: Duration::from_millis(50), ..Limits::default() },
    );
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    until("the reaper", || !exists(pid)).await;
    assert_ne!(bench.ok(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn shutdown_ends_every_process_and_refuses_invocations() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let idle = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    let running = tokio::spawn({
        let lambda = bench.lambda.clone();
        async move { lambda.invoke("Echo", r#"{"do": "hang"}"#.into()).await }
    });
    until("the second invocation to start", || {
        bench.log.lines().iter().filter(|line| line.contains("START")).count() == 2
    })
    .await;
    bench.shutdown.cancel();
    bench.lambda.stopped().await;
    assert!(matches!(running.await.unwrap(), Err(InvokeError::Stopping)));
    assert!(!exists(idle));
    assert!(matches!(bench.lambda.invoke("Echo", "{}".into()).await, Err(InvokeError::Stopping)));
}

#[tokio::test]
async fn dropping_lambda_kills_the_processes() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    // Else it would end on its own, for want of a Runtime API.
    setup.function.environment.insert("LINGER".to_owned(), String::new());
    let bench = Bench::new(setup);
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    drop(bench);
    until("the process to be gone", || !exists(pid)).await;
}
