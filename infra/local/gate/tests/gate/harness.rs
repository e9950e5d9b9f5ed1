//! A cloud of a table, a queue and a function behind their gate, for one test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Counts, Credentials, Principal, Service};
use local_cloud::meter::{MeterReader, Reading};
use local_dynamodb::Tables;
use local_gate::Gate;
use local_gate::faults::Plan;
use local_lambda::{Lambda, LogSink, Services};
use local_sqs::Sqs;
use local_template::model::{Queue, Table};
use local_testing::echo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A client that is no function.
pub(crate) const DEVELOPER: &str = "developer";

/// The functions of the tests: `Echo` writes items, `Nobody` has no process and may do nothing.
fn principals() -> [Principal; 2] {
    let arns = ["table/items", "table/items/index/by_kind"];
    let arns = arns.map(|resource| format!("arn:aws:dynamodb:us-east-1:000000000000:{resource}"));
    let actions = ["dynamodb:*Item", "dynamodb:Query"].map(str::to_owned);
    let policy = [Statement::new(Effect::Allow, &actions, arns.to_vec())].into_iter().collect();
    let principal = |function: &str, policy| {
        let (session, role) = (format!("local-{function}"), format!("local-{function}Role"));
        Principal { function: function.to_owned(), session, role, policy, ..Principal::default() }
    };
    [principal("Echo", policy), principal("Nobody", local_aws::Policy::default())]
}

pub(crate) struct Cloud {
    pub(crate) gate: Gate,
    pub(crate) sources: MeterReader,
    pub(crate) lambda: Lambda,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) queue_url: String,
    pub(crate) dynamodb_address: SocketAddr,
    _shutdown: DropGuard,
}

/// `pk` and `sk`, and an index by `kind`.
fn table() -> Table {
    let create_table = json!({
        "TableName": "items",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "kind", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    Table { logical_id: "Items".to_owned(), name: "items".to_owned(), create_table, ttl_attribute: None }
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self::start_in(None).await
    }

    /// Starts a cloud that keeps its table in a folder.
    pub(crate) async fn start_in(folder: Option<&Path>) -> Self {
        let shutdown = CancellationToken::new();
        let tables = Tables::open(folder, &[table()]).unwrap();
        let (front, dynamodb_address) = listen().await;
        let (queues_front, sqs_address) = listen().await;
        let queue_url = format!("http://{sqs_address}/000000000000/work");
        let queue = Queue {
            logical_id: "Work".to_owned(),
            name: "work".to_owned(),
            url: queue_url.clone(),
            arn: "arn:aws:sqs:us-east-1:000000000000:work".to_owned(),
            attributes: BTreeMap::new(),
        };
        let sqs = Sqs::start("us-east-1", "000000000000", sqs_address, &[queue], None).await.unwrap();

        let variable = ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), format!("http://{dynamodb_address}"));
        let services = Services { region: "us-east-1".to_owned(), endpoints: [variable].into(), ..Services::default() };
        let lambda = Lambda::new(
            vec![echo(env!("CARGO_PKG_NAME"))],
            &services,
            &LogSink::new(std::io::sink()),
            shutdown.clone(),
        );
        let access = Access::new(services.keys.clone(), principals(), None, None);
        let gate = Gate::with_access(lambda.clone(), Some(tables.clone()), access);

        let (back, back_address) = listen().await;
        let token = shutdown.clone();
        tokio::spawn(async move { tables.serve(back, token).await });
        tokio::spawn(local_gate::serve(front, Service::Dynamodb, back_address, gate.clone(), shutdown.clone()));
        let (back, queues_address) = listen().await;
        let token = shutdown.clone();
        tokio::spawn(async move { sqs.serve(back, token).await });
        tokio::spawn(local_gate::serve(queues_front, Service::Sqs, queues_address, gate.clone(), shutdown.clone()));

        let sources = MeterReader {
            meter: gate.meter().clone(),
            lambda: lambda.clone(),
            http_apis: BTreeMap::new(),
            websocket_apis: BTreeMap::new(),
        };
        Self {
            gate,
            sources,
            lambda,
            dynamodb: dynamodb_client(dynamodb_address, DEVELOPER),
            sqs: sqs_client(sqs_address),
            queue_url,
            dynamodb_address,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// The configuration of a client that signs as this function.
    fn config_of(&self, function: &str) -> aws_config::SdkConfig {
        let credentials = self.gate.access().keys().of_instance(function, "instance");
        self.config_with(credentials)
    }

    /// The same with these credentials.
    pub(crate) fn config_with(&self, credentials: Credentials) -> aws_config::SdkConfig {
        local_testing::sdk_as(format!("http://{}", self.dynamodb_address), credentials)
    }

    /// A client of SQS that signs as this function.
    pub(crate) fn sqs_of(&self, function: &str) -> aws_sdk_sqs::Client {
        let config = self.config_of(function).to_builder().endpoint_url(self.queue_url.split("/0000").next().unwrap());
        aws_sdk_sqs::Client::new(&config.build())
    }

    /// A client that signs as this function.
    pub(crate) fn dynamodb_of(&self, function: &str) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config_of(function))
    }

    /// Replaces the faults by these rules.
    pub(crate) async fn faults(&self, seed: u64, rules: Value) {
        let plan: Plan = serde_json::from_value(json!({ "seed": seed, "rules": rules })).unwrap();
        self.gate.install(plan).await.unwrap();
    }

    pub(crate) fn reading(&self) -> Reading {
        self.sources.read()
    }

    /// Returns the counts of the clients that are no functions.
    pub(crate) fn counts(&self, service: Service, operation: &str) -> Counts {
        self.reading().outside[&service][operation].clone()
    }

    /// Puts an item with these bytes of text besides its key.
    pub(crate) fn put(
        &self,
        sk: u32,
        size: usize,
    ) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
        put(&self.dynamodb, sk, size)
    }

    /// The text of an item, if it is there.
    pub(crate) async fn get(&self, sk: u32, consistent: bool) -> Option<String> {
        let get =
            self.dynamodb.get_item().table_name("items").set_key(Some(key(sk).into())).consistent_read(consistent);
        let item = get.send().await.unwrap().item?;
        Some(item["text"].as_s().unwrap().clone())
    }
}

pub(crate) fn put(
    client: &aws_sdk_dynamodb::Client,
    sk: u32,
    size: usize,
) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
    let text = AttributeValue::S("x".repeat(size));
    let [(pk, pk_value), (sk, sk_value)] = key(sk);
    client.put_item().table_name("items").item(pk, pk_value).item(sk, sk_value).item("text", text)
}

pub(crate) fn key(sk: u32) -> [(String, AttributeValue); 2] {
    [("pk".to_owned(), AttributeValue::S("a".to_owned())), ("sk".to_owned(), AttributeValue::N(sk.to_string()))]
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn dynamodb_client(address: SocketAddr, name: &str) -> aws_sdk_dynamodb::Client {
    let config = local_testing::sdk_without_retries(format!("http://{address}"), name);
    aws_sdk_dynamodb::Client::new(&config)
}

fn sqs_client(address: SocketAddr) -> aws_sdk_sqs::Client {
    let config = local_testing::sdk_without_retries(format!("http://{address}"), DEVELOPER);
    aws_sdk_sqs::Client::new(&config)
}
