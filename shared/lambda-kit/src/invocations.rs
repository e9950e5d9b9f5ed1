//! Serves the invocations of a process: one after the other, or several at once.
//!
//! On a Lambda Managed Instance, `AWS_LAMBDA_MAX_CONCURRENCY` says how many invocations a process runs at once. They all run on
//! the thread of `main`: they wait for services most of their time, and an execution environment of the smallest size has one
//! processor. So handlers borrow what the process has built, and nothing is locked. What belongs to an invocation (its ids, its
//! deadline, its trace) is in its own future.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument, Span};

use crate::config::max_concurrency;
use crate::trace;

/// An invocation on its way to the handler.
struct Job<A, R, E> {
    event: LambdaEvent<A>,
    /// Has the request id.
    span: Span,
    answer: oneshot::Sender<Answer<R, E>>,
}

/// The answer of a handler, or what it panicked with.
type Answer<R, E> = Result<Result<R, E>, Box<dyn Any + Send>>;

/// Serves events until Lambda ends the process, as many at once as Lambda asks for.
///
/// Each way is boxed, once for the process: with both in one future, the futures of the SDK nest deeper than the compiler follows.
pub async fn serve<A, R, E, F>(handle: F) -> Result<(), Error>
where
    A: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Into<Diagnostic> + Debug + Send + 'static,
    F: AsyncFn(LambdaEvent<A>) -> Result<R, E>,
{
    if max_concurrency() == 1 {
        let handle = &handle;
        return Box::pin(lambda_runtime::run(service_fn(move |event| handle(event)))).await;
    }
    let (jobs, received) = mpsc::unbounded_channel();
    let workers = lambda_runtime::run_concurrent(service_fn(move |event| pass_on(jobs.clone(), event)));
    tokio::select! {
        ended = workers => ended,
        () = Box::pin(run_all(received, handle)) => Ok(()),
    }
}

/// Hands an event to the handler, and returns its answer.
///
/// A panic goes on here: the runtime turns it into the error of this invocation, as it does with one invocation at a time.
async fn pass_on<A, R, E>(jobs: mpsc::UnboundedSender<Job<A, R, E>>, event: LambdaEvent<A>) -> Result<R, E> {
    let (answer, answered) = oneshot::channel();
    let _ = jobs.send(Job { event, span: Span::current(), answer });
    match answered.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => unreachable!("the handler answers every job"),
    }
}

/// Runs the handler for each job, all at once, until there are no more.
async fn run_all<A, R, E, F>(mut received: mpsc::UnboundedReceiver<Job<A, R, E>>, handle: F)
where
    F: AsyncFn(LambdaEvent<A>) -> Result<R, E>,
{
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            job = received.recv() => {
                let Some(Job { event, span, answer }) = job else { break };
                running.push(async {
                    let trace = event.context.xray_trace_id.clone();
                    let work = trace::within(trace, handle(event).instrument(span));
                    let work = AssertUnwindSafe(work).catch_unwind().await;
                    // Fails when the runtime ends.
                    let _ = answer.send(work);
                });
            }
            Some(()) = running.next() => {}
        }
    }
    while running.next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambda_runtime::Context;
    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    type Jobs = mpsc::UnboundedSender<Job<&'static str, String, Error>>;

    fn invoke(jobs: &Jobs, event: &'static str) -> impl Future<Output = Result<String, Error>> + Send + use<> {
        pass_on(jobs.clone(), LambdaEvent::new(event, Context::default()))
    }

    #[tokio::test]
    async fn an_invocation_that_waits_does_not_hold_up_another() {
        let (jobs, received) = mpsc::unbounded_channel();
        let second = Notify::new();
        let handle = async |event: LambdaEvent<&'static str>| {
            match event.payload {
                "waits" => second.notified().await,
                _ => second.notify_one(),
            }
            Ok(event.payload.to_owned())
        };
        let both = async { tokio::join!(invoke(&jobs, "waits"), invoke(&jobs, "goes on")) };
        tokio::select! {
            answers = timeout(Duration::from_secs(10), both) => {
                let (first, second) = answers.expect("both end");
                assert_eq!((first.unwrap(), second.unwrap()), ("waits".to_owned(), "goes on".to_owned()));
            }
            () = run_all(received, handle) => unreachable!("jobs can still come"),
        }
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_invocation_alone() {
        let (jobs, received) = mpsc::unbounded_channel();
        let panicked = Notify::new();
        let handle = async |event: LambdaEvent<&'static str>| {
            if event.payload == "panics" {
                panicked.notify_one();
                panic!("told to");
            }
            panicked.notified().await;
            Ok(event.payload.to_owned())
        };
        let both = async {
            let panics = AssertUnwindSafe(invoke(&jobs, "panics")).catch_unwind();
            tokio::join!(invoke(&jobs, "waits"), panics)
        };
        tokio::select! {
            (waited, panicked) = both => {
                assert_eq!(waited.unwrap(), "waits");
                assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"told to"));
            }
            () = run_all(received, handle) => unreachable!("jobs can still come"),
        }
    }
}
