//! Detection of recursive loops, with the header that AWS's clients send.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use local_lambda::asynchronous::{EventQueue, Retries, deliver};
use local_lambda::{InvokeError, MAX_INVOCATIONS_IN_CHAIN, TraceHeader};
use local_testing::echo;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::bench::Bench;

/// Invokes the function in a chain, as often as it runs, and gives the header of the last invocation.
async fn run_to_the_end(bench: &Bench, most: u32) -> (u32, TraceHeader) {
    let mut cause = TraceHeader::default();
    for runs in 0..most {
        match bench.lambda.run("Echo", "{}".into(), Some(cause.clone())).await {
            Ok(invocation) => {
                let local_lambda::Outcome::Success(payload) = invocation.outcome else { panic!("{invocation:?}") };
                let answer: Value = serde_json::from_slice(&payload).unwrap();
                // The variable from which AWS's clients take the header that they send.
                assert_eq!(answer["trace_env"], answer["trace"]);
                cause = answer["trace_env"].as_str().unwrap().parse().unwrap();
            }
            Err(InvokeError::Recursive) => return (runs, cause),
            Err(error) => panic!("{error}"),
        }
    }
    (most, cause)
}

#[tokio::test]
async fn a_function_is_stopped_that_runs_too_often_in_one_chain() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let (runs, _) = run_to_the_end(&bench, 100).await;
    assert_eq!(runs, MAX_INVOCATIONS_IN_CHAIN);
    let stats = bench.stats();
    assert_eq!((stats.invocations, stats.recursive_invocations_dropped), (u64::from(runs), 1));
    bench.ok(json!({})).await;
}

#[tokio::test]
async fn a_function_that_may_run_in_loops_is_not_stopped() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.recursive_loop_allowed = true;
    let bench = Bench::new(setup);
    let most = MAX_INVOCATIONS_IN_CHAIN + 5;
    assert_eq!(run_to_the_end(&bench, most).await.0, most);
    assert_eq!(bench.stats().recursive_invocations_dropped, 0);
}

#[tokio::test]
async fn an_event_at_the_end_of_its_chain_goes_to_the_dead_letter_queue() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.asynchronous.dead_letter_queue = Some("Dead".to_owned());
    let bench = Bench::new(setup.clone());
    let (sender, mut sent) = unbounded_channel();
    let report = Arc::new(move |queue: String, text: String| {
        sender.send((queue, text)).unwrap();
        Box::pin(std::future::ready(())) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
    });
    bench.lambda.set_event_queue(EventQueue::open(&[setup.function], None, report).unwrap());
    let (_, cause) = run_to_the_end(&bench, 100).await;
    let event = bench.lambda.accept("Echo", r#"{"a":1}"#.into(), Some(cause));
    deliver(&bench.lambda, event, &Retries::default(), &bench.shutdown).await;
    assert_eq!(sent.recv().await.unwrap(), ("Dead".to_owned(), r#"{"a":1}"#.to_owned()));
    assert_eq!((bench.stats().recursive_invocations_dropped, bench.stats().async_events_dropped), (2, 1));
}

#[tokio::test]
async fn an_event_keeps_its_chain_on_the_disk() {
    let setup = echo(env!("CARGO_PKG_NAME"));
    let bench = Bench::new(setup.clone());
    let folder = tempfile::tempdir().unwrap();
    let report =
        Arc::new(|_, _| Box::pin(std::future::ready(())) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);
    let queue = EventQueue::open(&[setup.function], Some(folder.path().to_owned()), report).unwrap();
    bench.lambda.set_event_queue(queue);
    let (_, cause) = run_to_the_end(&bench, 100).await;
    bench.lambda.accept("Echo", "{}".into(), Some(cause));
    // As the next run does.
    let resumed = local_lambda::asynchronous::resume(bench.lambda.clone(), Retries::default(), bench.shutdown.clone());
    let resumed = tokio::spawn(resumed);
    let counts = || BTreeMap::from_iter(bench.lambda.stats())["Echo"].async_events_dropped;
    crate::bench::until("the event to be dropped", || counts() == 1).await;
    bench.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(20), resumed).await.unwrap().unwrap().unwrap();
}
