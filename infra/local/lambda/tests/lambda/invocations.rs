//! Invocations that go well: context, reuse of processes, concurrency, limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use local_lambda::{InvokeError, MAX_PAYLOAD_BYTES};
use local_testing::echo;
use serde_json::json;

use crate::bench::{Bench, until};

#[tokio::test]
async fn an_event_reaches_the_handler_with_the_context_of_its_invocation() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
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
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let first = bench.ok(json!({})).await;
    let second = bench.ok(json!({})).await;
    assert_eq!(second["pid"], first["pid"]);
    assert_eq!(second["count"], 2);
    assert_ne!(second["request_id"], first["request_id"]);
    let stats = bench.stats();
    assert_eq!((stats.invocations, stats.errors, stats.cold_starts), (2, 0, 1));
    assert!(stats.init.max() > Duration::ZERO && stats.duration.max() > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_is_lost_however_soon_the_process_asks_for_its_next_event() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    for count in 1..=500 {
        assert_eq!(bench.ok(json!({})).await["count"], count);
    }
}

#[tokio::test]
async fn invocations_at_the_same_time_have_a_process_each_and_the_one_used_last_is_used_next() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let slow = |ms: u64| bench.ok(json!({"do": "slow", "ms": ms}));
    let (first, last) = tokio::join!(slow(500), slow(1500));
    assert_ne!(first["pid"], last["pid"]);
    assert_eq!(bench.stats().cold_starts, 2);
    for _ in 0..3 {
        assert_eq!(bench.ok(json!({})).await["pid"], last["pid"]);
    }
}

#[tokio::test]
async fn reserved_concurrency_throttles_and_is_given_back() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
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
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let refused = bench.lambda.invoke("Echo", Bytes::from(vec![b' '; MAX_PAYLOAD_BYTES + 1])).await;
    assert!(matches!(refused, Err(InvokeError::TooLarge)));
    // Two quotes and 98 more characters are what the Runtime API takes on top.
    let limit = MAX_PAYLOAD_BYTES + 98;
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
        bench.ok(json!({"do": "reply", "with": "x".repeat(MAX_PAYLOAD_BYTES - 100)})).await.as_str().unwrap().len(),
        MAX_PAYLOAD_BYTES - 100
    );
}

#[tokio::test]
async fn an_invocation_outlives_its_caller() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
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
