//! Frozen processes: stopped between invocations, and with no way out but SIGCONT and SIGKILL.

use local_testing::echo;
use serde_json::json;

use crate::bench::{Bench, exists, until};

/// State of a process as `/proc` has it: `S` sleeps, `T` is stopped.
fn state(pid: u64) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').next());
    state.unwrap_or_default().to_owned()
}

/// A function that would not end for want of a Runtime API, after its first invocation; gives its process.
async fn frozen() -> (Bench, u64) {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.environment.insert("LINGER".to_owned(), String::new());
    let bench = Bench::new(setup);
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    until("the process to be frozen", || state(pid) == "T").await;
    (bench, pid)
}

#[tokio::test]
async fn a_process_is_stopped_between_its_invocations_and_runs_during_them() {
    let (bench, pid) = frozen().await;
    for freezes in 2..5 {
        assert_eq!(bench.ok(json!({"do": "status"})).await["state"], "R");
        until("the process to be frozen again", || state(pid) == "T").await;
        assert_eq!(bench.stats().freezes, freezes);
        assert_eq!(bench.stats().cold_starts, 1);
    }
}

#[tokio::test]
async fn work_that_outlives_its_invocation_goes_on_with_the_next() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    let later = bench.ok(json!({"do": "later", "file": &file})).await;
    let pid = later["pid"].as_u64().unwrap();
    until("the process to be frozen", || state(pid) == "T").await;
    let before = file.exists();
    // Longer than the work takes: only a process that runs can do it.
    bench.ok(json!({"do": "slow", "ms": 300})).await;
    until("the work to be done", || file.exists()).await;
    assert!(!before, "a frozen process does nothing");
}

#[tokio::test]
async fn an_error_of_the_handler_freezes_too() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    bench.error(json!({"do": "error"})).await;
    until("the process to be frozen", || state(pid) == "T").await;
    assert_eq!(bench.ok(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn a_frozen_process_can_be_killed() {
    let (bench, pid) = frozen().await;
    assert_eq!(bench.lambda.kill("Echo", None).await.unwrap(), 1);
    assert!(!exists(pid));
    assert_ne!(bench.ok(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn a_shutdown_ends_frozen_processes() {
    let (bench, pid) = frozen().await;
    bench.shutdown.cancel();
    bench.lambda.stopped().await;
    assert!(!exists(pid));
}
