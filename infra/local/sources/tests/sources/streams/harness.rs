//! A table with a stream, mapped to a function that is a closure, and a queue that learns of discarded records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use local_aws::event_filter::EventFilter;
use local_dynamodb::Tables;
use local_lambda::{Handler, InvokeError, Lambda, Outcome};
use local_sources::streams;
use local_sources::streams::Mapping;
use local_sqs::Sqs;
use local_template::model::{Queue, StartingPosition, StreamEvent, Table};
use local_testing::function;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Longest wait for something that is certain to happen.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) const STREAM: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/items/stream/2026-01-01T00:00:00.000";

pub(crate) fn table() -> Table {
    Table {
        logical_id: "Items".to_owned(),
        name: "items".to_owned(),
        create_table: json!({
            "TableName": "items",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }),
        ttl_attribute: Some("expires".to_owned()),
    }
}

/// Returns SAM's defaults of an event.
fn event() -> StreamEvent {
    StreamEvent {
        logical_id: "EchoItems".to_owned(),
        table: "Items".to_owned(),
        stream_arn: STREAM.to_owned(),
        starting_position: StartingPosition::TrimHorizon,
        batch_size: 100,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        maximum_retry_attempts: None,
        maximum_record_age: None,
        bisect_batch_on_function_error: false,
        report_batch_item_failures: false,
        on_failure: None,
        filter: EventFilter::default(),
    }
}

type Answer = Result<Outcome, InvokeError>;

#[expect(clippy::unnecessary_wraps, reason = "an answer may also be an error")]
pub(crate) fn success(response: &Value) -> Answer {
    Ok(Outcome::Success(response.to_string().into()))
}

#[expect(clippy::unnecessary_wraps, reason = "an answer may also be an error")]
pub(crate) fn failure() -> Answer {
    Ok(Outcome::FunctionError(r#"{"errorType": "Sad"}"#.into()))
}

/// The ids of the items that an event is about.
pub(crate) fn ids(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap().to_owned()).collect()
}

pub(crate) struct Harness {
    pub(crate) client: Client,
    pub(crate) event: StreamEvent,
    pub(crate) positions: Option<PathBuf>,
    tables: Tables,
    sqs: Sqs,
    queue: Queue,
    sqs_client: aws_sdk_sqs::Client,
    invocations: Arc<Mutex<Vec<Value>>>,
    pub(crate) shutdown: CancellationToken,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Harness {
    pub(crate) async fn new(data_dir: Option<&Path>) -> Self {
        let shutdown = CancellationToken::new();
        let tables = Tables::open(data_dir, &[table()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = local_testing::sdk(format!("http://{address}"), "local");
        let (served, token) = (tables.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, token).await });

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let queue = Queue {
            logical_id: "Discarded".to_owned(),
            name: "discarded".to_owned(),
            url: format!("http://{address}/000000000000/discarded"),
            arn: "arn:aws:sqs:us-east-1:000000000000:discarded".to_owned(),
            attributes: BTreeMap::new(),
        };
        let sqs = Sqs::start("us-east-1", "000000000000", address, std::slice::from_ref(&queue), None).await.unwrap();
        let (served, token) = (sqs.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, token).await });
        let sqs_config = local_testing::sdk(format!("http://{address}"), "local");
        Self {
            client: Client::new(&config),
            event: event(),
            positions: None,
            tables,
            sqs,
            queue,
            sqs_client: aws_sdk_sqs::Client::new(&sqs_config),
            invocations: Arc::default(),
            shutdown,
        }
    }

    /// Runs the mapping. `answer` gets the event and how many came before it.
    pub(crate) fn run(
        &self,
        answer: impl Fn(&Value, usize) -> Answer + Send + Sync + 'static,
    ) -> JoinHandle<std::io::Result<()>> {
        let invocations = Arc::clone(&self.invocations);
        let handler: Handler = Arc::new(move |payload: Bytes| {
            let event: Value = serde_json::from_slice(&payload).unwrap();
            let mut invocations = invocations.lock().unwrap();
            let answer = answer(&event, invocations.len());
            invocations.push(event);
            Box::pin(async move { answer })
        });
        let mapping = Mapping {
            tables: self.tables.clone(),
            table: table(),
            event: self.event.clone(),
            function: function("Echo"),
            lambda: Lambda::from_handlers([("Echo".to_owned(), handler)].into()),
            on_failure: self.event.on_failure.as_ref().map(|_| (self.sqs.clone(), self.queue.url.clone())),
            positions: self.positions.clone(),
            poll_interval: Duration::from_millis(10),
        };
        tokio::spawn(streams::run(mapping, self.shutdown.clone()))
    }

    pub(crate) async fn put(&self, id: &str, value: &str) {
        let value = AttributeValue::S(value.to_owned());
        let put = self.client.put_item().table_name("items").item("id", AttributeValue::S(id.to_owned()));
        put.item("value", value).send().await.unwrap();
    }

    /// The events so far, once there are that many.
    pub(crate) async fn events(&self, count: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let events = self.invocations.lock().unwrap().clone();
            if events.len() >= count {
                return events;
            }
            assert!(begun.elapsed() < TIMEOUT, "{} events instead of {count}", events.len());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the items of the first invocations.
    pub(crate) async fn batches(&self, count: usize) -> Vec<Vec<String>> {
        self.events(count).await.iter().map(ids).collect()
    }

    /// The next message in the queue of discarded records.
    pub(crate) async fn discarded(&self) -> Value {
        let receive = self.sqs_client.receive_message().queue_url(&self.queue.url).wait_time_seconds(20);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        serde_json::from_str(messages[0].body().unwrap()).unwrap()
    }
}
