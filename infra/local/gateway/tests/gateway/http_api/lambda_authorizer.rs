//! Lambda authorizers of HTTP APIs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use local_gateway::http_api;
use local_gateway::oidc::Issuer;
use local_lambda::{Handler, Lambda, Outcome};
use local_template::model::{AuthorizerFormat, HttpApi, HttpAuthorizer, HttpRoute, LambdaAuthorizer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const ARN: &str = "arn:aws:execute-api:us-east-1:000000000000:abc123/$default";

/// An API whose routes `GET /a/{id}` and `GET /b` have the same authorizer. It runs until this is dropped.
pub(crate) struct Gateway {
    url: String,
    client: reqwest::Client,
    event: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
    _shutdown: DropGuard,
}

impl Gateway {
    pub(crate) async fn start(authorizer: LambdaAuthorizer, answer: Outcome) -> Self {
        let route = |path: &str| HttpRoute {
            method: "GET".into(),
            path: path.into(),
            function: "Echo".into(),
            authorizer: Some(HttpAuthorizer::Lambda(authorizer.clone())),
        };
        let routes = vec![route("/a/{id}"), route("/b")];
        let api = HttpApi {
            logical_id: "Api".into(),
            api_id: "abc123".into(),
            routes,
            cors: None,
            route_limits: BTreeMap::new(),
        };
        let (event, asked) = (Arc::<Mutex<Value>>::default(), Arc::<AtomicUsize>::default());
        // The event comes back as the body: it has no `statusCode`.
        let echo: Handler = Arc::new(|event| Box::pin(std::future::ready(Ok(Outcome::Success(event)))));
        let decide: Handler = {
            let (event, asked) = (Arc::clone(&event), Arc::clone(&asked));
            Arc::new(move |payload| {
                *event.lock().unwrap() = serde_json::from_slice(&payload).unwrap();
                asked.fetch_add(1, Ordering::Relaxed);
                Box::pin(std::future::ready(Ok(answer.clone())))
            })
        };
        let lambda = Lambda::from_handlers(BTreeMap::from([("Echo".into(), echo), ("Guard".into(), decide)]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let issuer = Issuer::load_or_create(None, Vec::new()).unwrap();
        tokio::spawn(http_api::serve(listener, api, lambda, issuer, shutdown.clone()));
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { url, client: reqwest::Client::new(), event, asked, _shutdown: shutdown.drop_guard() }
    }

    /// Status and body of a request with this key.
    async fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).header("X-Key", key).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The event that the function of a route got.
    pub(crate) async fn get_with_cookies(&self, path: &str) -> Value {
        let request =
            self.client.get(format!("{}{path}", self.url)).header("X-Key", "secret").header("Cookie", "a=b; c=d");
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The event that the authorizer got last.
    pub(crate) fn asked_with(&self) -> Value {
        self.event.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

pub(crate) fn authorizer(format: AuthorizerFormat) -> LambdaAuthorizer {
    LambdaAuthorizer {
        name: "Guard".into(),
        function: "Guard".into(),
        format,
        identity_sources: vec!["$request.header.X-Key".into()],
        result_ttl: Duration::ZERO,
    }
}

pub(crate) fn simple(allowed: bool) -> Outcome {
    Outcome::Success(json!({ "isAuthorized": allowed, "context": { "user": "u", "level": 3 } }).to_string().into())
}

pub(crate) fn policy(effect: &str, resource: &str) -> Outcome {
    let statement = json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    Outcome::Success(
        json!({ "principalId": "u", "policyDocument": document, "context": { "user": "u" } }).to_string().into(),
    )
}

#[tokio::test]
async fn a_simple_response_lets_pass_with_its_context() {
    let gateway = Gateway::start(authorizer(AuthorizerFormat::TwoSimple), simple(true)).await;
    let (status, event) = gateway.get("/a/7?x=1", "secret").await;
    assert_eq!(status, 200);
    assert_eq!(event["requestContext"]["authorizer"], json!({ "lambda": { "user": "u", "level": 3 } }));
    let asked = gateway.asked_with();
    assert_eq!((&asked["version"], &asked["type"]), (&json!("2.0"), &json!("REQUEST")));
    assert_eq!(asked["routeArn"], format!("{ARN}/GET/a/7"));
    assert_eq!(asked["identitySource"], json!(["secret"]));
    assert_eq!((&asked["routeKey"], &asked["pathParameters"]["id"]), (&json!("GET /a/{id}"), &json!("7")));
    assert_eq!(asked["queryStringParameters"], json!({ "x": "1" }));
    assert!(asked.get("body").is_none());
}

#[tokio::test]
async fn format_1_is_what_rest_apis_send() {
    let gateway = Gateway::start(authorizer(AuthorizerFormat::One), policy("Allow", &format!("{ARN}/GET/a/*"))).await;
    assert_eq!(gateway.get("/a/7", "secret").await.1["requestContext"]["authorizer"]["lambda"]["user"], "u");
    let asked = gateway.asked_with();
    assert_eq!((&asked["version"], &asked["methodArn"]), (&json!("1.0"), &json!(format!("{ARN}/GET/a/7"))));
    assert_eq!((&asked["identitySource"], &asked["authorizationToken"]), (&json!("secret"), &json!("secret")));
    assert_eq!((&asked["resource"], &asked["path"]), (&json!("/a/{id}"), &json!("/a/7")));
    assert_eq!(asked["requestContext"]["resourcePath"], "/a/{id}");
    // The policy speaks of the other route only.
    assert_eq!(gateway.get("/b", "secret").await, (403, json!({ "message": "Forbidden" })));
}

#[tokio::test]
async fn refusals_are_distinguished() {
    let two = AuthorizerFormat::Two;
    for (format, answer, status) in [
        (AuthorizerFormat::TwoSimple, simple(false), 403),
        (two, policy("Deny", "*"), 403),
        (two, simple(true), 500),
        (AuthorizerFormat::TwoSimple, policy("Allow", "*"), 500),
        (two, Outcome::FunctionError(Bytes::from_static(b"{}")), 500),
    ] {
        let gateway = Gateway::start(authorizer(format), answer).await;
        assert_eq!(gateway.get("/b", "secret").await.0, status);
        assert_eq!(gateway.asked(), 1);
    }
    let gateway = Gateway::start(authorizer(two), policy("Allow", "*")).await;
    assert_eq!(gateway.get("/b", "").await, (401, json!({ "message": "Unauthorized" })));
    assert_eq!(gateway.asked(), 0);
}

#[tokio::test]
async fn results_are_kept_for_an_identity() {
    let kept = LambdaAuthorizer { result_ttl: Duration::from_mins(5), ..authorizer(AuthorizerFormat::Two) };
    let gateway = Gateway::start(kept.clone(), policy("Allow", &format!("{ARN}/GET/b"))).await;
    for (path, key, status, asked) in [
        ("/b", "one", 200, 1),
        ("/b", "one", 200, 1),
        // The policy that is kept is evaluated for this route.
        ("/a/7", "one", 403, 1),
        ("/b", "two", 200, 2),
    ] {
        assert_eq!((gateway.get(path, key).await.0, gateway.asked()), (status, asked), "{path} {key}");
    }
    let mut per_route = kept;
    per_route.identity_sources.push("$context.routeKey".into());
    let gateway = Gateway::start(per_route, policy("Allow", "*")).await;
    for (path, asked) in [("/b", 1), ("/b", 1), ("/a/7", 2), ("/a/8", 2)] {
        assert_eq!((gateway.get(path, "one").await.0, gateway.asked()), (200, asked), "{path}");
    }
    let gateway = Gateway::start(authorizer(AuthorizerFormat::TwoSimple), simple(true)).await;
    for asked in [1, 2] {
        assert_eq!((gateway.get("/b", "one").await.0, gateway.asked()), (200, asked));
    }
}
