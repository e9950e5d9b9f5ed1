//! HTTP APIs over real sockets, with closures for functions.

mod cors;
mod events;
mod lambda_authorizer;
mod throttling;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use local_gateway::http_api;
use local_gateway::oidc::{Issuer, TokenRequest};
use local_gateway::throttle::Account;
use local_lambda::{Handler, InvokeError, Lambda, Outcome};
use local_template::model::{HttpApi, HttpAuthorizer, HttpRoute, JwtAuthorizer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{ISSUER, issuer};

/// An API that runs until this is dropped.
struct Gateway {
    address: SocketAddr,
    issuer: Issuer,
    shutdown: CancellationToken,
    server: Option<JoinHandle<std::io::Result<()>>>,
    client: reqwest::Client,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Gateway {
    async fn start() -> Self {
        Self::of(api()).await
    }

    async fn of(api: HttpApi) -> Self {
        Self::within(api, Account::default()).await
    }

    /// An API of an account with its own quotas.
    async fn within(api: HttpApi, account: Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = issuer();
        let shutdown = CancellationToken::new();
        let (account, stats) = (Arc::new(account), Arc::default());
        let server = http_api::serve_with(listener, api, functions(), issuer.clone(), account, stats, shutdown.clone());
        let server = tokio::spawn(server);
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { address, issuer, shutdown, server: Some(server), client: reqwest::Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    fn token(&self) -> String {
        self.issuer.issue(&TokenRequest::for_user("alice")).unwrap().access_token
    }
}

fn api() -> HttpApi {
    let jwt = |scopes: &[&str]| {
        let authorizer = JwtAuthorizer {
            issuer: ISSUER.into(),
            audience: vec!["web".into()],
            identity_source: "$request.header.Authorization".into(),
        };
        HttpAuthorizer::Jwt { authorizer, scopes: scopes.iter().map(|scope| (*scope).into()).collect() }
    };
    let route = |method: &str, path: &str, function: &str, authorizer: Option<HttpAuthorizer>| HttpRoute {
        method: method.into(),
        path: path.into(),
        function: function.into(),
        authorizer,
    };
    HttpApi {
        logical_id: "Api".into(),
        api_id: "abc123".into(),
        routes: vec![
            route("ANY", "/echo/{proxy+}", "Echo", None),
            route("GET", "/users/{id}", "Echo", Some(jwt(&[]))),
            route("GET", "/plain", "Plain", None),
            route("GET", "/fails", "Fails", None),
            route("GET", "/throttled", "Throttled", None),
            route("GET", "/malformed", "Malformed", None),
            route("GET", "/scoped", "Plain", Some(jwt(&["write", "admin"]))),
        ],
        cors: None,
        route_limits: BTreeMap::new(),
    }
}

fn functions() -> Lambda {
    let function = |answer: fn(Bytes) -> Result<Outcome, InvokeError>| -> Handler {
        Arc::new(move |payload| Box::pin(std::future::ready(answer(payload))))
    };
    Lambda::from_handlers(BTreeMap::from([
        // The event comes back as the body: it has no `statusCode`.
        ("Echo".into(), function(|event| Ok(Outcome::Success(event)))),
        (
            "Plain".into(),
            function(|_| {
                let headers = json!({ "X-A": "b", "Access-Control-Allow-Origin": "*" });
                let response = json!({ "statusCode": 201, "cookies": ["a=1"], "headers": headers, "body": "made" });
                Ok(Outcome::Success(response.to_string().into()))
            }),
        ),
        ("Fails".into(), function(|_| Ok(Outcome::FunctionError(Bytes::from_static(b"{}"))))),
        ("Throttled".into(), function(|_| Err(InvokeError::Throttled))),
        ("Malformed".into(), function(|_| Ok(Outcome::Success(Bytes::from_static(b"not json"))))),
    ]))
}

#[tokio::test]
async fn a_function_gets_the_whole_request() {
    let gateway = Gateway::start().await;
    let event: Value = gateway
        .client
        .post(gateway.url("/echo/a%20b/c?x=1&x=2&y=a+b%21&z"))
        .header("Cookie", "one=1; two=2")
        .header("X-Twice", "a")
        .header("x-twice", "b")
        .header("User-Agent", "test/1")
        .json(&json!({ "a": 1 }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();

    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /echo/{proxy+}");
    assert_eq!(event["rawPath"], "/echo/a b/c");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=a+b%21&z");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "a b!", "z": "" }));
    assert_eq!(event["pathParameters"], json!({ "proxy": "a b/c" }));
    assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
    assert_eq!(event["headers"]["x-twice"], "a,b");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    assert_eq!(event["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(event["headers"]["x-forwarded-port"], gateway.address.port().to_string());
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["path"], "/echo/a b/c");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "test/1");
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["apiId"], "abc123");
    assert_eq!(context["accountId"], "000000000000");
    assert_eq!(context["domainName"], gateway.address.to_string());
    assert_eq!(context["authorizer"], Value::Null);
}

#[tokio::test]
async fn the_event_is_what_rust_functions_parse() {
    let gateway = Gateway::start().await;
    let response =
        gateway.client.get(gateway.url("/users/7?q=1")).header("Cookie", "a=b").bearer_auth(gateway.token()).send();
    let response = response.await.unwrap();
    let request_id = response.headers()["apigw-requestid"].to_str().unwrap().to_owned();
    let event = response.bytes().await.unwrap();

    let parsed: ApiGatewayV2httpRequest = serde_json::from_slice(&event).unwrap();
    assert_eq!(parsed.request_context.request_id, Some(request_id));
    assert_eq!(parsed.route_key.as_deref(), Some("GET /users/{id}"));
    assert_eq!(parsed.path_parameters["id"], "7");
    let jwt = parsed.request_context.authorizer.unwrap().jwt.unwrap();
    assert_eq!(jwt.claims["sub"], "alice");
    assert_eq!(jwt.claims["aud"], "web");
    assert!(jwt.claims["exp"].parse::<u64>().is_ok());
}

#[tokio::test]
async fn absent_parts_of_a_request_are_absent_in_its_event() {
    let gateway = Gateway::start().await;
    let event: Value = gateway.get("/echo/x").await.json().await.unwrap();
    for absent in ["cookies", "queryStringParameters", "body", "stageVariables"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert_eq!(event["rawQueryString"], "");
    assert_eq!(event["headers"]["content-length"], "0");
}

#[tokio::test]
async fn bodies_that_are_not_text_are_base64() {
    let gateway = Gateway::start().await;
    for (content_type, body, expected, encoded) in [
        ("text/plain", &b"hi"[..], "hi", false),
        ("application/problem+json", b"{}", "{}", false),
        ("application/octet-stream", b"hi", "aGk=", true),
        ("application/x-www-form-urlencoded", b"a=b", "YT1i", true),
        ("text/plain", b"\xff", "/w==", true),
    ] {
        let request = gateway.client.post(gateway.url("/echo/x")).header("Content-Type", content_type);
        let event: Value = request.body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(expected), &json!(encoded)), "{content_type}");
    }
}

#[tokio::test]
async fn responses_reach_the_client() {
    let gateway = Gateway::start().await;
    let response = gateway.get("/plain").await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["set-cookie"], "a=1");
    assert_eq!(response.headers()["x-a"], "b");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(response.headers()["apigw-requestid"].to_str().unwrap().ends_with('='));
    assert_eq!(response.text().await.unwrap(), "made");
}

#[tokio::test]
async fn the_gateways_own_responses_are_those_of_aws() {
    let gateway = Gateway::start().await;
    for (path, status, message) in [
        ("/nothing", 404, "Not Found"),
        ("/users/7", 401, "Unauthorized"),
        ("/fails", 500, "Internal Server Error"),
        ("/throttled", 500, "Internal Server Error"),
        ("/malformed", 500, "Internal Server Error"),
    ] {
        let response = gateway.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.headers().contains_key("apigw-requestid"));
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.text().await.unwrap(), json!({ "message": message }).to_string());
    }
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    let response = gateway.client.post(gateway.url("/echo/x")).body(large).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.text().await.unwrap(), r#"{"message":"Request Entity Too Large"}"#);
}

#[tokio::test]
async fn a_challenge_says_what_is_wrong_with_the_token() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.get("/users/7").await.headers()["www-authenticate"], "Bearer");

    let request = TokenRequest { client_id: Some("app".into()), ..TokenRequest::for_user("alice") };
    let wrong_audience = gateway.issuer.issue(&request).unwrap().access_token;
    let response = gateway.client.get(gateway.url("/users/7")).bearer_auth(wrong_audience).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience""#
    );

    let without_prefix = gateway.client.get(gateway.url("/users/7")).header("Authorization", gateway.token());
    assert_eq!(without_prefix.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_identity_source_that_cannot_be_read_is_refused_at_the_start() {
    let mut api = api();
    let authorizer = api.routes.iter_mut().find_map(|route| match route.authorizer.as_mut()? {
        HttpAuthorizer::Jwt { authorizer, .. } => Some(authorizer),
        HttpAuthorizer::Lambda(_) => None,
    });
    authorizer.unwrap().identity_source = "Authorization".into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = Issuer::load_or_create(None, Vec::new()).unwrap();
    let served = http_api::serve(listener, api, functions(), issuer, CancellationToken::new());
    let error = served.await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`Authorization`"), "{error}");
}

#[tokio::test]
async fn the_server_stops_on_shutdown() {
    let mut gateway = Gateway::start().await;
    assert_eq!(gateway.get("/plain").await.status(), 201);
    gateway.shutdown.cancel();
    gateway.server.take().unwrap().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_token_needs_one_of_the_routes_scopes() {
    let gateway = Gateway::start().await;
    let token = |scope: &str| {
        let claims = json!({ "scope": scope }).as_object().unwrap().clone();
        let request = TokenRequest { claims, ..TokenRequest::for_user("alice") };
        gateway.issuer.issue(&request).unwrap().access_token
    };
    for (scope, status) in [("read admin", 201), ("write", 201), ("read", 403), ("", 403)] {
        let request = gateway.client.get(gateway.url("/scoped")).bearer_auth(token(scope));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{scope:?}");
        if status == 403 {
            let challenge = response.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.starts_with(r#"Bearer scope="write admin" error="insufficient_scope""#), "{challenge}");
            assert_eq!(response.text().await.unwrap(), r#"{"message":"Forbidden"}"#);
        }
    }
}
