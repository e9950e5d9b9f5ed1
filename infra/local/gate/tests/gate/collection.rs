//! OpenSearch Serverless: who reaches a collection, and what faults and the meter make of requests.

use std::net::SocketAddr;

use local_aws::call::Owner;
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Credentials, Keys, Policy, Principal, Service};
use local_gate::Gate;
use local_gate::faults::Plan;
use local_lambda::{Lambda, LogSink, Services};
use local_opensearch::OpenSearch;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const ARN: &str = "arn:aws:aoss:us-east-1:000000000000:collection/texts1";

fn policy(action: &str, resource: &str) -> Policy {
    [Statement::new(Effect::Allow, &[action.to_owned()], vec![resource.to_owned()])].into_iter().collect()
}

/// `Writer` and `Reader` may what they are called, `Guest` has a role but no data, `Nobody` has data but no role.
fn principals() -> [Principal; 4] {
    let principal = |function: &str, policy, data_access| {
        let (session, role) = (format!("local-{function}"), format!("local-{function}Role"));
        Principal { function: function.to_owned(), session, role, policy, data_access }
    };
    let all = || policy("aoss:APIAccessAll", ARN);
    let data = |permission: &str| policy(permission, "index/texts/*");
    [
        principal("Writer", all(), data("aoss:*")),
        principal("Reader", all(), data("aoss:ReadDocument")),
        principal("Guest", all(), Policy::default()),
        principal("Nobody", Policy::default(), data("aoss:*")),
    ]
}

struct Collection {
    gate: Gate,
    address: SocketAddr,
    http: reqwest::Client,
    _shutdown: DropGuard,
}

impl Collection {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shutdown = CancellationToken::new();
        let lambda = Lambda::new(Vec::new(), &Services::default(), &LogSink::new(std::io::sink()), shutdown.clone());
        let gate = Gate::with_access(lambda, None, Access::new(Keys::default(), principals(), None, None));
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let back = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, upstream) = (front.local_addr().unwrap(), back.local_addr().unwrap());
        tokio::spawn(OpenSearch::open(None).unwrap().serve(back, shutdown.clone()));
        let owner = Owner::Collection { arn: ARN.to_owned(), name: "texts".to_owned() };
        tokio::spawn(local_gate::serve_opensearch(front, owner, upstream, gate.clone(), shutdown.clone()));
        Self { gate, address, http: reqwest::Client::new(), _shutdown: shutdown.drop_guard() }
    }

    /// A request that is not signed.
    fn request(&self, method: Method, path: &str, body: Option<&str>) -> http::Request<Vec<u8>> {
        let request = http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let body = body.unwrap_or_default();
        let request = if body.is_empty() { request } else { request.header("content-type", "application/json") };
        request.body(body.into()).unwrap()
    }

    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<(u16, Value), reqwest::Error> {
        let response = self.http.execute(request.try_into().unwrap()).await?;
        let status = response.status().as_u16();
        Ok((status, serde_json::from_slice(&response.bytes().await?).unwrap_or_default()))
    }

    /// Sends a request as a function; without one as the developer.
    async fn call(&self, function: &str, method: Method, path: &str, body: Option<&str>) -> (u16, Value) {
        let credentials = match function {
            "" => Credentials::developer(),
            function => self.gate.access().keys().of_instance(function, "instance"),
        };
        let mut request = self.request(method, path, body);
        local_aws::signature::sign(&credentials, "aoss", &mut request);
        self.send(request).await.unwrap()
    }

    async fn with_index() -> Self {
        let collection = Self::start().await;
        let (status, body) = collection.call("Writer", Method::PUT, "/notes", Some(INDEX)).await;
        assert_eq!(status, 200, "{body}");
        collection
    }

    async fn faults(&self, rules: Value) {
        let plan: Plan = serde_json::from_value(json!({ "rules": rules })).unwrap();
        self.gate.install(plan).await.unwrap();
    }
}

const INDEX: &str = r#"{"mappings": {"dynamic": "strict", "properties": {"a": {"type": "keyword"}}}}"#;
const BULK: &str = "{\"index\":{\"_index\":\"notes\",\"_id\":\"1\"}}\n{\"a\":\"x\"}\n";

#[tokio::test]
async fn a_role_needs_its_own_policy_and_one_of_data_access() {
    let collection = Collection::with_index().await;
    let write = |function| collection.call(function, Method::POST, "/_bulk?refresh=true", Some(BULK));
    let (status, body) = write("Writer").await;
    assert_eq!((status, &body["errors"]), (200, &json!(false)), "{body}");
    for function in ["Reader", "Guest", "Nobody"] {
        let (status, body) = write(function).await;
        assert_eq!((status, &body["status"]), (403, &json!(403)), "{function}: {body}");
        assert_eq!(body["error"], json!({ "reason": "403 Forbidden", "type": "Forbidden" }));
    }
    let search = |function| collection.call(function, Method::POST, "/notes/_search", Some("{}"));
    for (function, expected) in [("", 200), ("Writer", 200), ("Reader", 200), ("Guest", 403), ("Nobody", 403)] {
        assert_eq!(search(function).await.0, expected, "{function}");
    }
    let denials = collection.gate.access().denials();
    let found = denials.iter().map(|denial| {
        (denial.function.as_str(), denial.permission.action.as_str(), denial.permission.resource.as_str())
    });
    let expected = [
        ("Guest", "aoss:ReadDocument", "index/texts/notes"),
        ("Guest", "aoss:WriteDocument", "index/texts/notes"),
        ("Nobody", "aoss:APIAccessAll", ARN),
        ("Reader", "aoss:WriteDocument", "index/texts/notes"),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn aliases_belong_to_the_collection() {
    let collection = Collection::with_index().await;
    let add = r#"{"actions": [{"add": {"index": "notes", "alias": "all"}}]}"#;
    assert_eq!(collection.call("Writer", Method::POST, "/_aliases", Some(add)).await.0, 403, "it has indices alone");
    assert_eq!(collection.call("", Method::POST, "/_aliases", Some(add)).await.0, 200);
    assert_eq!(collection.call("", Method::HEAD, "/_alias/all", None).await.0, 200);
}

#[tokio::test]
async fn requests_are_signed_with_the_hash_of_their_body() {
    let collection = Collection::with_index().await;
    let developer = Credentials::developer();
    let signed = |service: &str, change: fn(&mut http::Request<Vec<u8>>)| {
        let mut request = collection.request(Method::POST, "/notes/_count", Some("{}"));
        local_aws::signature::sign(&developer, service, &mut request);
        change(&mut request);
        collection.send(request)
    };
    assert_eq!(signed("aoss", |_| ()).await.unwrap().0, 200);
    assert_eq!(signed("es", |_| ()).await.unwrap().0, 200, "as to a domain");
    assert_eq!(signed("sqs", |_| ()).await.unwrap().0, 403);
    assert_eq!(signed("aoss", |request| *request.body_mut() = b"{ }".to_vec()).await.unwrap().0, 403);
    let unsigned = collection.request(Method::POST, "/notes/_count", Some("{}"));
    assert_eq!(collection.send(unsigned).await.unwrap().0, 403);
    // Signed, but without the hash.
    let mut request = collection.request(Method::POST, "/notes/_count", Some("{}"));
    local_aws::signature::sign(&developer, "es", &mut request);
    let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
    assert!(!authorization.contains("x-amz-content-sha256") && authorization.contains("/es/"));
    assert_eq!(collection.send(request).await.unwrap().0, 200, "a domain does not ask for it");
}

#[tokio::test]
async fn faults_are_in_opensearchs_words() {
    let collection = Collection::with_index().await;
    let search = || collection.call("Writer", Method::POST, "/notes/_search", Some("{}"));
    let rule = |kind: &str| json!([{ "service": "opensearch", "operation": "Search", "resource": "notes", "kind": kind, "next": 1 }]);
    collection.faults(rule("throttle")).await;
    let (status, body) = search().await;
    assert_eq!((status, &body["error"]["type"]), (429, &json!("rejected_execution_exception")), "{body}");
    assert_eq!(search().await.0, 200, "once");
    collection.faults(rule("response_error")).await;
    let (status, body) = search().await;
    assert_eq!((status, &body["status"]), (500, &json!(500)), "{body}");
    collection.faults(rule("request_lost")).await;
    let mut request = collection.request(Method::POST, "/notes/_search", Some("{}"));
    local_aws::signature::sign(&Credentials::developer(), "aoss", &mut request);
    collection.send(request).await.unwrap_err();
    collection.faults(json!([{ "service": "opensearch", "kind": { "delay": 1 } }])).await;
    assert_eq!(search().await.0, 200);
}

#[tokio::test]
async fn requests_are_counted_by_their_kind() {
    let collection = Collection::with_index().await;
    collection.call("", Method::POST, "/_bulk", Some(BULK)).await;
    collection.call("", Method::POST, "/notes/_search", Some("{}")).await;
    collection.call("", Method::POST, "/notes/_search", Some("{\"unknown\": 1}")).await;
    let snapshot = collection.gate.meter().snapshot();
    let outside = &snapshot.callers[&None][&Service::Opensearch];
    let counts = |operation: &str| (outside[operation].requests, outside[operation].errors);
    assert_eq!((counts("Bulk"), counts("Search")), ((1, 0), (2, 1)));
    assert_eq!(snapshot.callers[&Some("Writer".to_owned())][&Service::Opensearch]["CreateIndex"].requests, 1);
    assert_eq!(snapshot.resources[&Service::Opensearch]["notes"].requests, 4);
}
