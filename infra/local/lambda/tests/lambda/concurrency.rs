//! Functions with a capacity provider: several invocations at once in one process, each with its own end.

use std::time::Duration;

use local_lambda::Outcome;
use local_testing::echo;
use serde_json::{Value, json};

use crate::bench::{Bench, exists, until};

/// A function whose processes run so many invocations at once.
fn bench(concurrency: u32, timeout: Duration) -> Bench {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.max_concurrency = Some(concurrency);
    setup.function.timeout = timeout;
    Bench::new(setup)
}

const LONG: Duration = Duration::from_mins(1);

fn begin(bench: &Bench, event: &Value) -> tokio::task::JoinHandle<Outcome> {
    let (lambda, event) = (bench.lambda.clone(), event.to_string());
    tokio::spawn(async move { lambda.invoke("Echo", event.into()).await.unwrap() })
}

fn payload(outcome: &Outcome) -> Value {
    let (Outcome::Success(payload) | Outcome::FunctionError(payload)) = outcome;
    serde_json::from_slice(payload).unwrap()
}

#[tokio::test]
async fn a_process_is_filled_before_another_starts() {
    let bench = bench(4, LONG);
    let all = (0..9).map(|_| begin(&bench, &json!({"do": "slow", "ms": 1000})));
    let mut pids = Vec::new();
    for reply in all.collect::<Vec<_>>() {
        pids.push(payload(&reply.await.unwrap())["pid"].as_u64().unwrap());
    }
    pids.sort_unstable();
    let shares: Vec<_> = pids.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    assert_eq!((shares.len(), shares.iter().sum::<usize>()), (3, 9), "{shares:?}");
    assert!(shares.iter().all(|share| *share <= 4), "{shares:?}");
    let stats = bench.stats();
    assert_eq!((stats.cold_starts, stats.invocations, stats.errors, stats.freezes), (3, 9, 0, 0));
    assert_eq!((bench.lambda.instances()["Echo"].alive, bench.lambda.instances()["Echo"].busy), (3, 0));
    assert_eq!(stats.billed, Duration::ZERO, "instances are billed by themselves");
}

#[tokio::test]
async fn an_invocation_that_hangs_times_out_alone_and_keeps_its_place() {
    let bench = bench(2, Duration::from_secs(2));
    let pid = bench.ok(json!({})).await["pid"].clone();
    let hanging = begin(&bench, &json!({"do": "hang"}));
    until("the second invocation to start", || bench.lambda.instances()["Echo"].busy == 1).await;
    for _ in 0..3 {
        assert_eq!(bench.ok(json!({})).await["pid"], pid, "it runs beside the one that hangs");
    }
    let error = payload(&hanging.await.unwrap());
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with(" Error: Task timed out after 2.00 seconds"), "{error}");
    assert!(bench.log.line_with("Status: timeout").contains("REPORT"));
    assert_eq!(bench.ok(json!({})).await["pid"], pid, "the process lives");
    let (one, other) =
        tokio::join!(bench.ok(json!({"do": "slow", "ms": 500})), bench.ok(json!({"do": "slow", "ms": 500})));
    assert_ne!(one["pid"], other["pid"], "the code of the invocation that timed out still runs");
    assert_eq!(bench.stats().errors, 1);
}

#[tokio::test]
async fn the_end_of_a_process_fails_all_of_its_invocations() {
    let bench = bench(8, LONG);
    for (end, words) in [("exit", "exit status 1"), ("abort", "signal: aborted")] {
        let started = || bench.log.lines().iter().filter(|line| line.contains("START")).count();
        let before = started();
        let hanging = [begin(&bench, &json!({"do": "hang"})), begin(&bench, &json!({"do": "hang"}))];
        until("both to start", || started() == before + 2).await;
        let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
        let mut messages = vec![bench.error(json!({ "do": end })).await];
        for outcome in hanging {
            messages.push(payload(&outcome.await.unwrap()));
        }
        let mut ids: Vec<_> = messages.iter().map(|error| error["errorMessage"].as_str().unwrap()).collect();
        assert!(ids.iter().all(|message| message.ends_with(words)), "{ids:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3, "each names its own request: {ids:?}");
        assert!(!exists(pid));
        assert_ne!(bench.ok(json!({})).await["pid"], pid);
    }
    assert_eq!(bench.stats().errors, 6);
}

#[tokio::test]
async fn an_error_or_a_panic_ends_its_own_invocation_alone() {
    let bench = bench(3, LONG);
    let slow = begin(&bench, &json!({"do": "slow", "ms": 1000}));
    until("it to start", || bench.stats().cold_starts == 1).await;
    assert_eq!(bench.error(json!({"do": "error"})).await["errorMessage"], "told to fail");
    assert_eq!(bench.error(json!({"do": "panic"})).await["errorMessage"], "Lambda panicked: told to panic");
    let pid = payload(&slow.await.unwrap())["pid"].clone();
    assert_eq!(bench.ok(json!({})).await["pid"], pid);
    assert_eq!(bench.stats().cold_starts, 1);
}

#[tokio::test]
async fn lines_and_traces_belong_to_their_invocations() {
    let bench = bench(2, LONG);
    let say = |text: &str| {
        let event = json!({"do": "say", "text": text, "ms": 500}).to_string();
        let lambda = bench.lambda.clone();
        async move { lambda.run("Echo", event.into(), None).await.unwrap() }
    };
    let (first, second) = tokio::join!(say("first"), say("second"));
    let (one, other) = (payload(&first.outcome), payload(&second.outcome));
    assert_eq!(one["pid"], other["pid"]);
    assert_ne!(one["trace"], other["trace"]);
    assert_eq!(one["trace_env"], Value::Null, "a variable cannot have the traces of several");
    for (mine, text, not) in [(&first, "first", "second"), (&second, "second", "first")] {
        assert!(mine.log.contains(text) && !mine.log.contains(not), "{}", mine.log);
        for own in ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "] {
            assert!(mine.log.contains(&format!("{own}{}", mine.request_id)), "{}", mine.log);
        }
        let line = bench.log.line_with(&format!("\"{text}\""));
        assert!(line.starts_with(&format!("Echo {} ", mine.request_id)), "{line}");
    }
    bench.ok(json!({"do": "log"})).await;
    assert_eq!(bench.log.line_with("to stdout"), "Echo - to stdout", "it could be anyone's");
}

#[tokio::test]
async fn a_process_goes_on_between_its_invocations() {
    let bench = bench(2, LONG);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    bench.ok(json!({"do": "later", "file": &file})).await;
    until("the work to be done", || file.exists()).await;
}

#[tokio::test]
async fn the_environment_says_that_it_is_a_managed_instance() {
    let env = bench(5, LONG).ok(json!({"do": "env"})).await;
    assert_eq!(env["AWS_LAMBDA_MAX_CONCURRENCY"], "5");
    assert_eq!(env["AWS_LAMBDA_INITIALIZATION_TYPE"], "lambda-managed-instances");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_VERSION"], "$LATEST.PUBLISHED");
}

#[tokio::test]
async fn a_kill_and_a_shutdown_end_busy_processes() {
    let bench = bench(2, LONG);
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    let hanging = begin(&bench, &json!({"do": "hang"}));
    until("it to run", || bench.lambda.instances()["Echo"].busy == 1).await;
    assert_eq!(bench.lambda.kill("Echo", None).await.unwrap(), 1);
    assert!(!exists(pid));
    let error = payload(&hanging.await.unwrap());
    assert!(error["errorMessage"].as_str().unwrap().ends_with("signal: killed"), "{error}");

    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    let lambda = bench.lambda.clone();
    let hanging = tokio::spawn(async move { lambda.invoke("Echo", r#"{"do": "hang"}"#.into()).await });
    until("it to run", || bench.lambda.instances()["Echo"].busy == 1).await;
    bench.shutdown.cancel();
    bench.lambda.stopped().await;
    assert!(!exists(pid) && hanging.await.unwrap().is_err());
}
