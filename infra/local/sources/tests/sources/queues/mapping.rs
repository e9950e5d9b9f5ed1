//! A queue with its dead-letter queue, mapped to a function.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName};
use local_aws::event_filter::EventFilter;
use local_aws::{Counts, Meter, Service};
use local_cloud::meter::{MeterReader, Reading};
use local_lambda::{FunctionSetup, Lambda, LogSink, Outcome, Services, TraceHeader};
use local_sources::queues;
use local_sqs::Sqs;
use local_template::model::{Queue, QueueEvent};
use local_testing::echo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for something that is certain to happen.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// A queue `jobs` with dead-letter queue `dead`, mapped to the function, which writes each event to a file.
pub(crate) struct Mapping {
    events: TempDir,
    pub(crate) client: Client,
    pub(crate) jobs: Queue,
    dead: Queue,
    pub(crate) lambda: Lambda,
    pub(crate) event: QueueEvent,
    sqs: Sqs,
    meter: Meter,
    pub(crate) shutdown: CancellationToken,
}

fn queue(address: SocketAddr, name: &str) -> Queue {
    Queue {
        logical_id: name.to_owned(),
        name: name.to_owned(),
        url: format!("http://{address}/000000000000/{name}"),
        arn: format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        attributes: BTreeMap::new(),
    }
}

impl Mapping {
    pub(crate) async fn new(visibility: u32, reserved_concurrency: Option<u32>) -> Self {
        let mut setup = echo(env!("CARGO_PKG_NAME"));
        setup.function.reserved_concurrency = reserved_concurrency;
        Self::to(setup, visibility).await
    }

    /// Like [`new`](Self::new), with a function that sends each message back to `jobs`.
    pub(crate) async fn resending(visibility: u32, recursive_loop_allowed: bool) -> Self {
        let mut setup = echo(env!("CARGO_PKG_NAME"));
        setup.executable.set_file_name("local-sources-resend");
        setup.function.recursive_loop_allowed = recursive_loop_allowed;
        Self::to(setup, visibility).await
    }

    async fn to(mut setup: FunctionSetup, visibility: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (dead, mut jobs) = (queue(address, "dead"), queue(address, "jobs"));
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
        jobs.attributes.insert("RedrivePolicy".to_owned(), policy.to_owned());
        jobs.attributes.insert("VisibilityTimeout".to_owned(), visibility.to_string());
        let queues = [dead.clone(), jobs.clone()];
        let sqs = Sqs::start("us-east-1", "000000000000", address, &queues, None).await.unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn({
            let (sqs, shutdown) = (sqs.clone(), shutdown.clone());
            async move { sqs.serve(listener, shutdown).await }
        });
        let config = local_testing::sdk(format!("http://{address}"), "local");
        let events = tempfile::tempdir().unwrap();
        setup.function.environment.insert("BATCHES".to_owned(), events.path().display().to_string());
        let endpoints = BTreeMap::from([("AWS_ENDPOINT_URL_SQS".to_owned(), format!("http://{address}"))]);
        let services = Services { endpoints, ..Services::default() };
        let log = LogSink::new(std::io::sink());
        let lambda = Lambda::new(vec![setup], &services, &log, shutdown.clone());
        let event = QueueEvent {
            queue: "jobs".to_owned(),
            batch_size: 10,
            batching_window: Duration::ZERO,
            report_batch_item_failures: false,
            maximum_concurrency: None,
            filter: EventFilter::default(),
        };
        let (client, meter) = (Client::new(&config), Meter::default());
        Self { events, client, jobs, dead, lambda, event, sqs, meter, shutdown }
    }

    pub(crate) fn run(&self) -> JoinHandle<()> {
        tokio::spawn(queues::run(
            self.sqs.clone(),
            self.jobs.clone(),
            self.event.clone(),
            echo(env!("CARGO_PKG_NAME")).function,
            self.lambda.clone(),
            self.meter.clone(),
            self.shutdown.clone(),
        ))
    }

    pub(crate) fn reading(&self) -> Reading {
        let (http_apis, websocket_apis) = (BTreeMap::new(), BTreeMap::new());
        let reader = MeterReader { meter: self.meter.clone(), lambda: self.lambda.clone(), http_apis, websocket_apis };
        reader.read()
    }

    /// Returns the counts of Lambda's own requests to the queue.
    pub(crate) fn billed(&self, operation: &str) -> Counts {
        let counts = self.meter.snapshot();
        let own = counts.event_sources.get(&Service::Sqs).and_then(|operations| operations.get(operation));
        own.cloned().unwrap_or_default()
    }

    pub(crate) async fn until_billed(&self, operation: &str, requests: u64) {
        let deadline = Instant::now() + TIMEOUT;
        while self.billed(operation).requests != requests {
            assert!(Instant::now() < deadline, "{:?}", self.meter.snapshot().event_sources);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn send(&self, body: &str) {
        self.client.send_message().queue_url(&self.jobs.url).message_body(body).send().await.unwrap();
    }

    /// Sends a message as a function does that has this trace header.
    pub(crate) async fn send_traced(&self, body: &str, trace: &str) {
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build().unwrap();
        let request = self.client.send_message().queue_url(&self.jobs.url).message_body(body);
        let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
        request.message_system_attributes(name, value).send().await.unwrap();
    }

    /// Runs the function until its chain is at its end, and gives the header of its last invocation.
    pub(crate) async fn trace_of_a_loop(&self) -> String {
        let mut trace: Option<TraceHeader> = None;
        while let Ok(invocation) = self.lambda.run("Echo", r#"{"do": "env"}"#.into(), trace.clone()).await {
            let Outcome::Success(environment) = invocation.outcome else { panic!("{invocation:?}") };
            let environment: Value = serde_json::from_slice(&environment).unwrap();
            trace = environment["_X_AMZN_TRACE_ID"].as_str().and_then(|trace| trace.parse().ok());
        }
        trace.unwrap().to_string()
    }

    /// The events so far, in no order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let files = std::fs::read_dir(self.events.path()).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        files.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
    }

    /// Returns the number of deliveries of each body.
    pub(crate) fn deliveries(&self) -> BTreeMap<String, usize> {
        let mut deliveries = BTreeMap::new();
        for event in self.events() {
            for record in event["Records"].as_array().into_iter().flatten() {
                *deliveries.entry(record["body"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        deliveries
    }

    /// Messages of a queue: waiting, in flight and delayed.
    async fn count(&self, queue: &Queue) -> usize {
        let request = self.client.get_queue_attributes().queue_url(&queue.url);
        let answer = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let attributes = answer.attributes().unwrap();
        let counts = attributes.iter().filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"));
        counts.map(|(_, count)| count.parse::<usize>().unwrap()).sum()
    }

    pub(crate) async fn until_counts(&self, jobs: usize, dead: usize) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let counts = (self.count(&self.jobs).await, self.count(&self.dead).await);
            if counts == (jobs, dead) {
                return;
            }
            assert!(Instant::now() < deadline, "{counts:?} {:?}", self.deliveries());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
