//! The way between the SDK and the tables: late, lossy, and never the same.
//!
//! Each request has a fate, which the machine that sends it draws. Once it has left, it arrives or not whatever becomes of that
//! machine, also after its caller has given it up.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

use crate::executor::{self, Machine, Name};
use crate::history::What;
use crate::tables::{Answer, Tables, View};

/// What becomes of a request, other than an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not arrive.
    Lost,
    /// It is carried out, and the answer is lost.
    Unanswered,
    /// It is carried out, and the service says that it failed.
    Failed,
    /// It is not carried out: too many requests.
    Throttled,
    /// It is not carried out: another transaction has the item.
    Conflict,
    /// It is carried out so late that its caller has given it up.
    Late,
    /// An eventually consistent read lacks the newest writes, up to this many.
    Stale(usize),
    /// A query sees some items of the newest transaction and not the others.
    Torn(u64),
}

/// Probabilities of faults. Each run has others, so that rare combinations are somewhere frequent.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultPlan {
    pub(crate) lost: f64,
    pub(crate) unanswered: f64,
    pub(crate) failed: f64,
    pub(crate) throttled: f64,
    pub(crate) conflict: f64,
    pub(crate) late: f64,
    pub(crate) stale: f64,
    pub(crate) torn: f64,
    /// Longest time of a request one way, in milliseconds, unless it is late.
    pub(crate) latency: f64,
}

impl FaultPlan {
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        let mut level = |most: f64| if rng.random_bool(0.4) { 0.0 } else { most * rng.random::<f64>() };
        Self {
            lost: level(0.1),
            unanswered: level(0.2),
            failed: level(0.15),
            throttled: level(0.1),
            conflict: level(0.1),
            late: level(0.05),
            stale: level(1.0),
            torn: level(1.0),
            latency: 1.0 + level(80.0),
        }
    }

    /// Returns the probabilities, for whoever changes them.
    pub(crate) fn levels(&mut self) -> [&mut f64; 8] {
        let Self { lost, unanswered, failed, throttled, conflict, late, stale, torn, .. } = self;
        [lost, unanswered, failed, throttled, conflict, late, stale, torn]
    }

    fn of(&self, rng: &mut StdRng, operation: &str) -> Option<Fault> {
        let conflicts = !matches!(operation, "Query" | "GetItem" | "BatchGetItem");
        let faults = [
            (Fault::Lost, self.lost),
            (Fault::Unanswered, self.unanswered),
            (Fault::Failed, self.failed),
            (Fault::Throttled, self.throttled),
            (Fault::Conflict, if conflicts { self.conflict } else { 0.0 }),
            (Fault::Late, self.late),
        ];
        let fault = faults.into_iter().find(|(_, probability)| rng.random_bool(*probability));
        if fault.is_some() || operation != "Query" {
            return fault.map(|(fault, _)| fault);
        }
        let stale = rng.random_bool(self.stale).then(|| Fault::Stale(rng.random_range(1..=8)));
        stale.or_else(|| rng.random_bool(self.torn).then(|| Fault::Torn(rng.random())))
    }
}

/// DynamoDB, as the machines reach it.
#[derive(Clone)]
pub(crate) struct Network {
    plan: Arc<Mutex<FaultPlan>>,
    requests: Arc<Mutex<u64>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

thread_local! {
    static TABLES: RefCell<Tables> = RefCell::new(Tables::new());
}

impl Network {
    /// Begins a run: no request of an earlier one is under way.
    pub(crate) fn new() -> Self {
        TABLES.with_borrow_mut(Tables::begin);
        Self { plan: Arc::default(), requests: Arc::default() }
    }

    /// Sets the faults of requests from here on.
    pub(crate) fn set(&self, plan: FaultPlan) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// Returns a client with the functions' own patience. It does not sign: nobody would verify it.
    pub(crate) fn client(&self) -> Client {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url("http://dynamodb")
            .allow_no_auth()
            .http_client(self.clone())
            .sleep_impl(VirtualSleep)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
            .retry_partition(RetryPartition::custom("simulation").build());
        Client::from_conf(config.build())
    }

    fn send(&self, request: &HttpRequest) -> impl Future<Output = Result<HttpResponse, ConnectorError>> + use<> {
        let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let (_, operation) = target.expect("the operation");
        let operation: Arc<str> = operation.into();
        let body: Arc<[u8]> = request.body().bytes().expect("a body in memory").into();
        let number = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            *requests += 1;
            *requests
        };
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (fault, [there, back], seed) = executor::chance(|rng| {
            let late = Duration::from_millis(rng.random_range(2_500..4_000));
            let fault = plan.of(rng, &operation);
            let mut way = || Duration::from_secs_f64(rng.random_range(0.0..=plan.latency) / 1e3);
            let (there, back) = (way(), way());
            let there = if fault == Some(Fault::Late) { there + late } else { there };
            (fault, [there, back], rng.random())
        });
        executor::note(What::Request { number, operation: Arc::clone(&operation), body: Arc::clone(&body), fault });
        // The service carries it out, whatever becomes of the caller.
        let served = executor::spawn(Machine::new(Name::Service, seed, Duration::ZERO), async move {
            executor::sleep(there).await;
            let answer = serve(number, &operation, &body, fault);
            executor::sleep(back).await;
            if &*operation == "TransactWriteItems" {
                TABLES.with_borrow_mut(Tables::settle);
            }
            answer
        });
        async move {
            let Some(Answer { status, body }) = served.join().await else {
                return Err(ConnectorError::io("the connection was cut".into()));
            };
            let status = StatusCode::try_from(status).expect("a status");
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        }
    }
}

/// Carries out a request; `None` if there is no answer.
fn serve(number: u64, operation: &Arc<str>, body: &Arc<[u8]>, fault: Option<Fault>) -> Option<Answer> {
    let refusal =
        |kind: &str| Answer { status: 400, body: json!({ "__type": kind, "message": "Simulated" }).to_string() };
    let refused = match fault {
        Some(Fault::Lost) => return None,
        Some(Fault::Throttled) => {
            Some(refusal("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"))
        }
        Some(Fault::Conflict) if operation.starts_with("Transact") => {
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let reasons = json!([{ "Code": "TransactionConflict", "Message": "Simulated" }]);
            let body = json!({ "__type": kind, "Message": "Simulated", "CancellationReasons": reasons });
            Some(Answer { status: 400, body: body.to_string() })
        }
        Some(Fault::Conflict) => Some(refusal("com.amazonaws.dynamodb.v20120810#TransactionConflictException")),
        _ => None,
    };
    let view = match fault {
        Some(Fault::Stale(lag)) => View::Behind(lag),
        Some(Fault::Torn(bits)) => View::Torn(bits),
        _ => View::Newest,
    };
    let answer = refused.unwrap_or_else(|| TABLES.with_borrow_mut(|tables| tables.execute(operation, body, view)));
    let (operation, body) = (Arc::clone(operation), Arc::clone(body));
    executor::note(What::Executed { number, operation, body, answer: answer.clone() });
    match fault {
        Some(Fault::Unanswered) => None,
        Some(Fault::Failed) => {
            let body = json!({ "__type": "com.amazon.coral.service#InternalServerError", "message": "Simulated" });
            Some(Answer { status: 500, body: body.to_string() })
        }
        _ => Some(answer),
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.send(&request))
    }
}

impl HttpClient for Network {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Lets the SDK wait in virtual time.
#[derive(Clone, Copy, Debug)]
struct VirtualSleep;

impl AsyncSleep for VirtualSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(executor::sleep(duration))
    }
}
