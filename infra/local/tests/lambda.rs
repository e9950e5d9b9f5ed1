//! Lambda's contract, with a real function process: `examples/echo.rs`.

mod echo;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use echo::echo;
use local_cloud::lambda::{FunctionSetup, InvokeError, Lambda, Limits, LogSink, MAX_PAYLOAD, Outcome, Services, Stats};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Longest wait for something that is certain to happen.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }

    fn line_with(&self, part: &str) -> String {
        let lines = self.lines();
        lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part:?} in {lines:#?}")).clone()
    }
}

struct Bench {
    lambda: Lambda,
    log: Log,
    shutdown: CancellationToken,
}

impl Bench {
    fn new(setup: FunctionSetup) -> Self {
        Self::with_limits(setup, Limits::default())
    }

    fn with_limits(setup: FunctionSetup, limits: Limits) -> Self {
        let endpoints = BTreeMap::from([("AWS_ENDPOINT_URL_SQS".to_owned(), "http://127.0.0.1:1".to_owned())]);
        let services = Services { region: "eu-north-1".to_owned(), endpoints };
        let (log, shutdown) = (Log::default(), CancellationToken::new());
        let lambda = Lambda::with_limits(vec![setup], &services, &LogSink::new(log.clone()), shutdown.clone(), limits);
        Self { lambda, log, shutdown }
    }

    async fn outcome(&self, event: Value) -> Outcome {
        self.lambda.invoke("Echo", event.to_string().into()).await.unwrap()
    }

    async fn ok(&self, event: Value) -> Value {
        match self.outcome(event).await {
            Outcome::Success(payload) => serde_json::from_slice(&payload).unwrap(),
            Outcome::FunctionError(error) => panic!("{error:?}\n{:#?}", self.log.lines()),
        }
    }

    async fn error(&self, event: Value) -> Value {
        match self.outcome(event).await {
            Outcome::FunctionError(payload) => serde_json::from_slice(&payload).unwrap(),
            Outcome::Success(payload) => panic!("{payload:?}"),
        }
    }

    fn stats(&self) -> Stats {
        self.lambda.stats()["Echo"]
    }
}

fn exists(pid: u64) -> bool {
    // A process that was killed and not yet waited for would still be listed.
    PathBuf::from(format!("/proc/{pid}")).exists()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_event_reaches_the_handler_with_the_context_of_its_invocation() {
    let bench = Bench::new(echo());
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let reply = bench.ok(json!({"hello": ["wörld"]})).await;
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert_eq!(reply["event"], json!({"hello": ["wörld"]}));
    assert_eq!(reply["arn"], "arn:aws:lambda:us-east-1:000000000000:function:local-Echo");
    let deadline = u128::from(reply["deadline_ms"].as_u64().unwrap());
    assert!((before + 10_000..=after + 10_000).contains(&deadline), "{before} {deadline} {after}");
    assert_eq!(reply["trace"], reply["trace_env"]);
    assert!(reply["trace"].as_str().unwrap().starts_with("Root=1-"));
    assert!(bench.log.line_with("START RequestId").contains(reply["request_id"].as_str().unwrap()));
}

#[tokio::test]
async fn invocations_one_after_another_share_a_process_and_have_their_own_ids() {
    let bench = Bench::new(echo());
    let first = bench.ok(json!({})).await;
    let second = bench.ok(json!({})).await;
    assert_eq!(second["pid"], first["pid"]);
    assert_eq!(second["count"], 2);
    assert_ne!(second["request_id"], first["request_id"]);
    let stats = bench.stats();
    assert_eq!((stats.invocations, stats.errors, stats.cold_starts), (2, 0, 1));
    assert!(stats.init > Duration::ZERO && stats.duration > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_is_lost_however_soon_the_process_asks_for_its_next_event() {
    let bench = Bench::new(echo());
    for count in 1..=500 {
        assert_eq!(bench.ok(json!({})).await["count"], count);
    }
}

#[tokio::test]
async fn invocations_at_the_same_time_have_a_process_each_and_the_one_used_last_is_used_next() {
    let bench = Bench::new(echo());
    let slow = |ms: u64| bench.ok(json!({"do": "slow", "ms": ms}));
    let (first, last) = tokio::join!(slow(500), slow(1500));
    assert_ne!(first["pid"], last["pid"]);
    assert_eq!(bench.stats().cold_starts, 2);
    for _ in 0..3 {
        assert_eq!(bench.ok(json!({})).await["pid"], last["pid"]);
    }
}

#[tokio::test]
async fn a_handlers_error_passes_unchanged_and_leaves_the_process_warm() {
    let bench = Bench::new(echo());
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
    let bench = Bench::new(echo());
    let first = bench.ok(json!({})).await;
    let error = bench.error(json!({"do": "exit"})).await;
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: ") && message.ends_with(" Error: Runtime exited with error: exit status 1"));
    let error = bench.error(json!({"do": "abort"})).await;
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Runtime exited with error: signal: aborted"));
    assert_ne!(bench.ok(json!({})).await["pid"], first["pid"]);
    assert_eq!(bench.stats().cold_starts, 3);
    assert!(bench.log.line_with("Status: error").ends_with("Error Type: Runtime.ExitError"));
}

#[tokio::test]
async fn a_timeout_kills_the_process() {
    let mut setup = echo();
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
async fn reserved_concurrency_throttles_and_is_given_back() {
    let mut setup = echo();
    setup.function.reserved_concurrency = Some(1);
    let bench = Bench::new(setup);
    let running = tokio::spawn({
        let lambda = bench.lambda.clone();
        async move { lambda.invoke("Echo", r#"{"do": "slow", "ms": 500}"#.into()).await }
    });
    until("the first invocation to start", || bench.stats().cold_starts == 1).await;
    assert!(matches!(bench.lambda.invoke("Echo", "{}".into()).await, Err(InvokeError::Throttled)));
    running.await.unwrap().unwrap();
    bench.ok(json!({})).await;
    assert_eq!((bench.stats().throttles, bench.stats().invocations), (1, 2));
}

#[tokio::test]
async fn payloads_are_limited_to_six_mebibytes_each_way() {
    let bench = Bench::new(echo());
    let refused = bench.lambda.invoke("Echo", Bytes::from(vec![b' '; MAX_PAYLOAD + 1])).await;
    assert!(matches!(refused, Err(InvokeError::TooLarge)));
    // Two quotes and 98 more characters are what the Runtime API takes on top.
    let limit = MAX_PAYLOAD + 98;
    let largest = bench.ok(json!({"do": "big", "bytes": limit})).await;
    assert_eq!(largest.as_str().unwrap().len(), limit);
    let error = bench.error(json!({"do": "big", "bytes": limit + 1})).await;
    assert_eq!(error["errorType"], "Function.ResponseSizeTooLarge");
    assert_eq!(
        error["errorMessage"],
        "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert_eq!(bench.ok(json!({})).await["count"], 3, "the process stays warm");
    assert_eq!(
        bench.ok(json!({"do": "reply", "with": "x".repeat(MAX_PAYLOAD - 100)})).await.as_str().unwrap().len(),
        MAX_PAYLOAD - 100
    );
}

#[tokio::test]
async fn an_invocation_outlives_its_caller() {
    let bench = Bench::new(echo());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("done");
    let event = json!({"do": "touch", "ms": 300, "file": file}).to_string();
    let caller = tokio::spawn({
        let lambda = bench.lambda.clone();
        async move { lambda.invoke("Echo", event.into()).await }
    });
    until("the invocation to start", || bench.log.lines().iter().any(|line| line.contains("START"))).await;
    caller.abort();
    until("the invocation to end", || file.exists()).await;
    until("its report", || bench.stats().invocations == 1).await;
}

#[tokio::test]
async fn a_function_that_fails_in_its_init_is_started_twice_and_then_reports() {
    for (init, expected, status) in [
        ("exit", json!("Runtime.ExitError"), "exit status 7"),
        ("report", json!("Runtime.NoConfig"), "no table"),
    ] {
        let mut setup = echo();
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
    let mut setup = echo();
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
async fn the_environment_is_lambdas_and_not_the_shells() {
    let mut setup = echo();
    setup.function.environment.insert("TABLE".to_owned(), "things".to_owned());
    setup.function.environment.insert("AWS_REGION".to_owned(), "the-moon".to_owned());
    let bench = Bench::new(setup);
    let env = bench.ok(json!({"do": "env"})).await;
    for (name, value) in [
        ("TABLE", "things"),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "local-Echo"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local-Echo"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    // cargo sets this one for its tests.
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    assert_eq!(env["CARGO_MANIFEST_DIR"], Value::Null);
    assert_eq!(env["HOME"], Value::Null);
}

#[tokio::test]
async fn what_a_process_prints_is_logged_with_its_request_id_before_the_end_of_the_invocation() {
    let bench = Bench::new(echo());
    let id = bench.ok(json!({"do": "log"})).await["request_id"].as_str().unwrap().to_owned();
    bench.ok(json!({})).await;
    let lines = bench.log.lines();
    assert_eq!(lines[0], "[local-Echo INIT] starting");
    let position = |text: &str| {
        let line = format!("[local-Echo {id}] {text}");
        lines.iter().position(|l| l.starts_with(&line)).unwrap_or_else(|| panic!("no {line:?} in {lines:#?}"))
    };
    let (start, end) = (position("START RequestId"), position("END RequestId"));
    assert!((start..end).contains(&position("to stdout")));
    assert!((start..end).contains(&position("to stderr")));
    assert!((start..end).contains(&position("no newline \u{fffd}")));
    let report = &lines[position("REPORT RequestId")];
    for part in ["Duration: ", "Billed Duration: ", "Memory Size: 128 MB", "Init Duration: "] {
        assert!(report.contains(part), "{report}");
    }
    #[cfg(target_os = "linux")]
    assert!(report.contains("Max Memory Used: "), "{report}");
    assert_eq!(lines.iter().filter(|line| line.contains("Init Duration")).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_is_logged_with_the_id_of_the_next_invocation() {
    let bench = Bench::new(echo());
    for _ in 0..100 {
        let id = bench.ok(json!({"do": "log"})).await["request_id"].as_str().unwrap().to_owned();
        let lines = bench.log.lines();
        let of_this = lines.iter().filter(|line| line.starts_with(&format!("[local-Echo {id}]")));
        // START, three lines, END and REPORT.
        assert_eq!(of_this.count(), 6, "{:#?}", &lines[lines.len() - 6..]);
    }
}

#[tokio::test]
async fn the_runtime_api_refuses_what_the_real_one_refuses() {
    let bench = Bench::new(echo());
    let answers = bench.ok(json!({"do": "wrong-id"})).await;
    let refusal = |answer: &Value| {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
        (answer["status"].as_u64().unwrap(), body["errorType"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refusal(&answers[0]), (400, "InvalidRequestID".to_owned()));
    assert_eq!(refusal(&answers[1]), (400, "InvalidRequestID".to_owned()));
    assert_eq!(refusal(&answers[2]), (403, "InvalidStateTransition".to_owned()));
    assert_eq!(refusal(&answers[3]).0, 404);
}

#[tokio::test]
async fn an_idle_process_that_died_is_replaced_without_an_error() {
    let bench = Bench::new(echo());
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
    let bench = Bench::with_limits(echo(), Limits { idle: Duration::from_millis(50), ..Limits::default() });
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    until("the reaper", || !exists(pid)).await;
    assert_ne!(bench.ok(json!({})).await["pid"], pid);
}

#[tokio::test]
async fn shutdown_ends_every_process_and_refuses_invocations() {
    let bench = Bench::new(echo());
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
    let mut setup = echo();
    // Else it would end on its own, for want of a Runtime API.
    setup.function.environment.insert("LINGER".to_owned(), String::new());
    let bench = Bench::new(setup);
    let pid = bench.ok(json!({})).await["pid"].as_u64().unwrap();
    drop(bench);
    until("the process to be gone", || !exists(pid)).await;
}

#[tokio::test]
async fn what_cannot_run_is_told_apart() {
    let bench = Bench::new(echo());
    assert!(matches!(bench.lambda.invoke("Nobody", Bytes::new()).await, Err(InvokeError::NotFound(id)) if id == "Nobody"));
    let mut setup = echo();
    setup.executable = PathBuf::from("/nowhere/bootstrap");
    let error = Bench::new(setup).error(json!({})).await;
    assert_eq!(error["errorType"], "Runtime.InvalidEntrypoint");
}

/// Prints what an invocation costs: `cargo test … -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn measure_invocations() {
    let bench = Bench::new(echo());
    let mut durations = Vec::new();
    for _ in 0..2000 {
        let begun = std::time::Instant::now();
        bench.ok(json!({"text": "x".repeat(500)})).await;
        durations.push(begun.elapsed());
    }
    durations.sort();
    println!("warm: p50 {:?}, p99 {:?}, cold {:?}", durations[1000], durations[1980], bench.stats().init);
}
