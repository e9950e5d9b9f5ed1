//! A bucket in memory, as far away as the tables are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use domain::Timestamp;
use rand::RngExt;
use store::chunk_objects::ChunkObjects;

use crate::executor::{self, Machine, Name};
use crate::history::What;

/// Where the bucket is.
const URL: &str = "http://bucket";

/// Probabilities of faults, and the longest time of a request one way in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BucketFaults {
    /// The request, or only its answer, is lost.
    pub(crate) lost: f64,
    /// It is carried out, and the service says that it failed.
    pub(crate) failed: f64,
    /// It arrives when its caller has given it up.
    pub(crate) late: f64,
    pub(crate) latency: f64,
}

/// An object, and the time at which it was written.
type Object = (Vec<u8>, Timestamp);

/// Objects by key, and the faults of requests for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Object>>>,
    faults: Arc<Mutex<BucketFaults>>,
}

/// What a request asks for.
struct Call {
    method: String,
    path: String,
    body: Vec<u8>,
}

impl Bucket {
    /// Returns a door to the bucket.
    pub(crate) fn objects(&self) -> ChunkObjects {
        let credentials = Credentials::new("local", "local", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let objects = ChunkObjects::at(&config, SharedHttpConnector::new(self.clone()), URL);
        objects.expect("a region and credentials")
    }

    /// Sets the faults of requests from here on.
    pub(crate) fn set(&self, faults: BucketFaults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Returns the keys of all objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn serve(&self, Call { method, path, body }: Call) -> (u16, Vec<u8>) {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let key = path.trim_start_matches('/');
        if let Some(query) = key.strip_prefix('?') {
            let prefix = query.split_once("prefix=").expect("a list has a prefix").1.replace("%2D", "-");
            let prefix = prefix.replace("%2F", "/");
            let found = objects.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(key, (_, written))| {
                let written = serde_json::to_value(written).expect("a time is JSON");
                let modified = written.as_str().expect("a time is text");
                format!("<Contents><Key>{key}</Key><LastModified>{modified}</LastModified></Contents>")
            });
            return (200, found.collect::<String>().into_bytes());
        }
        match method.as_str() {
            "GET" => objects.get(key).map_or((404, Vec::new()), |(object, _)| (200, object.clone())),
            "PUT" => {
                objects.insert(key.to_owned(), (body, Timestamp::now()));
                (200, Vec::new())
            }
            "DELETE" => {
                objects.remove(key);
                (204, Vec::new())
            }
            other => panic!("the bucket does not know {other}"),
        }
    }

    fn send(&self, request: &HttpRequest) -> impl Future<Output = Result<HttpResponse, ConnectorError>> + use<> {
        let path = request.uri().strip_prefix(URL).expect("a request to the bucket").to_owned();
        let body = request.body().bytes().expect("a body in memory").to_vec();
        let call = Call { method: request.method().to_owned(), path, body };
        executor::note(What::Answered(format!("{} {}", call.method, call.path)));
        let faults = *self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let (lost, unanswered, failed, [there, back], seed) = executor::chance(|rng| {
            let mut way = || Duration::from_secs_f64(rng.random_range(0.0..=faults.latency) / 1e3);
            let ways = [way(), way()];
            let late = rng.random_bool(faults.late).then(|| Duration::from_millis(rng.random_range(2_500..4_000)));
            let lost = rng.random_bool(faults.lost);
            let [there, back] = ways;
            let ways = [there + late.unwrap_or_default(), back];
            (lost && rng.random(), lost, rng.random_bool(faults.failed), ways, rng.random())
        });
        let bucket = self.clone();
        // The service carries it out, whatever becomes of the caller.
        let served = executor::spawn(Machine::new(Name::Service, seed, Duration::ZERO), async move {
            executor::sleep(there).await;
            let answer = (!lost).then(|| bucket.serve(call));
            executor::sleep(back).await;
            answer.filter(|_| !unanswered)
        });
        async move {
            let Some((status, body)) = served.join().await else {
                return Err(ConnectorError::io("the connection was cut".into()));
            };
            let status = StatusCode::try_from(if failed { 500 } else { status }).expect("a status");
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        }
    }
}

impl HttpConnector for Bucket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.send(&request))
    }
}
