//! Executables that are replaced while their function is in use.

use std::path::Path;

use local_lambda::{FunctionSetup, Outcome};
use local_testing::echo;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{Bench, exists, until};

/// The function with an executable of its own, as a build puts it there.
fn replaceable() -> (TempDir, FunctionSetup) {
    let (folder, mut setup) = (tempfile::tempdir().unwrap(), echo(env!("CARGO_PKG_NAME")));
    let own = folder.path().join("echo");
    build(&setup.executable, &own);
    setup.executable = own;
    (folder, setup)
}

/// Puts another build in the place of the executable as cargo does: unlinks the old one, then links the new one.
fn build(from: &Path, to: &Path) {
    let built = to.with_extension("built");
    std::fs::copy(from, &built).unwrap();
    let _ = std::fs::remove_file(to);
    std::fs::rename(built, to).unwrap();
}

fn pid(reply: &Value) -> u64 {
    reply["pid"].as_u64().unwrap()
}

#[tokio::test]
async fn the_next_invocation_runs_the_new_binary() {
    let (_folder, setup) = replaceable();
    let executable = setup.executable.clone();
    let bench = Bench::new(setup);
    bench.lambda.reload_rebuilt();
    let old = pid(&bench.ok(json!({})).await);
    assert_eq!(pid(&bench.ok(json!({})).await), old);

    build(&echo(env!("CARGO_PKG_NAME")).executable, &executable);
    let new = pid(&bench.ok(json!({})).await);
    assert_ne!(new, old);
    assert!(!exists(old));
    assert_eq!(pid(&bench.ok(json!({})).await), new, "it is replaced once");

    build(&echo(env!("CARGO_PKG_NAME")).executable, &executable);
    until("the idle process to end without an invocation", || !exists(new)).await;
}

#[tokio::test]
async fn a_busy_process_ends_after_its_invocation() {
    let (folder, setup) = replaceable();
    let executable = setup.executable.clone();
    let bench = Bench::new(setup);
    bench.lambda.reload_rebuilt();
    let file = folder.path().join("touched");
    let slow = tokio::spawn({
        let (lambda, event) = (bench.lambda.clone(), json!({"do": "touch", "ms": 300, "file": file}));
        async move { lambda.invoke("Echo", event.to_string().into()).await }
    });
    until("the invocation to start", || bench.log.lines().iter().any(|line| line.contains("START"))).await;
    build(&echo(env!("CARGO_PKG_NAME")).executable, &executable);
    let new = bench.ok(json!({})).await;
    let Outcome::Success(payload) = slow.await.unwrap().unwrap() else {
        panic!("the invocation was cut: {:#?}", bench.log.lines());
    };
    assert!(file.exists());
    let old = pid(&serde_json::from_slice(&payload).unwrap());
    assert_ne!(pid(&new), old);
    assert!(!exists(old), "its process has retired");
    assert_eq!(pid(&bench.ok(json!({})).await), pid(&new));
}

#[tokio::test]
async fn an_invocation_waits_for_an_executable_that_is_being_replaced() {
    let (_folder, setup) = replaceable();
    let executable = setup.executable.clone();
    let bench = Bench::new(setup);
    bench.lambda.reload_rebuilt();
    std::fs::remove_file(&executable).unwrap();
    let lambda = bench.lambda.clone();
    let invoked = tokio::spawn(async move { lambda.invoke("Echo", "{}".into()).await });
    until("the cold start", || bench.stats().cold_starts == 1).await;
    build(&echo(env!("CARGO_PKG_NAME")).executable, &executable);
    assert!(matches!(invoked.await.unwrap(), Ok(Outcome::Success(_))));
}
