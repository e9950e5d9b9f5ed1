//! A Lambda with one function, and its log.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local_lambda::{FunctionSetup, Lambda, Limits, LogSink, Outcome, Services, Stats};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Longest wait for something that is certain to happen.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn line_with(&self, part: &str) -> String {
        let lines = self.lines();
        lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part:?} in {lines:#?}")).clone()
    }
}

pub(crate) struct Bench {
    pub(crate) lambda: Lambda,
    pub(crate) log: Log,
    pub(crate) shutdown: CancellationToken,
}

impl Bench {
    pub(crate) fn new(setup: FunctionSetup) -> Self {
        Self::with_limits(setup, Limits::default())
    }

    pub(crate) fn with_limits(setup: FunctionSetup, limits: Limits) -> Self {
        let endpoints = BTreeMap::from([("AWS_ENDPOINT_URL_SQS".to_owned(), "http://127.0.0.1:1".to_owned())]);
        let services = Services { region: "eu-north-1".to_owned(), endpoints, ..Services::default() };
        let (log, shutdown) = (Log::default(), CancellationToken::new());
        let lambda = Lambda::with_limits(
            vec![setup],
            &services,
            &LogSink::new(log.clone()).verbose(true),
            shutdown.clone(),
            limits,
        );
        Self { lambda, log, shutdown }
    }

    pub(crate) async fn outcome(&self, event: Value) -> Outcome {
        self.lambda.invoke("Echo", event.to_string().into()).await.unwrap()
    }

    pub(crate) async fn ok(&self, event: Value) -> Value {
        match self.outcome(event).await {
            Outcome::Success(payload) => serde_json::from_slice(&payload).unwrap(),
            Outcome::FunctionError(error) => panic!("{error:?}\n{:#?}", self.log.lines()),
        }
    }

    pub(crate) async fn error(&self, event: Value) -> Value {
        match self.outcome(event).await {
            Outcome::FunctionError(payload) => serde_json::from_slice(&payload).unwrap(),
            Outcome::Success(payload) => panic!("{payload:?}"),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lambda.stats()["Echo"].clone()
    }
}

pub(crate) fn exists(pid: u64) -> bool {
    // A process that was killed and not yet waited for would still be listed.
    PathBuf::from(format!("/proc/{pid}")).exists()
}

pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
