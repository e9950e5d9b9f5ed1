//! The issuer over real sockets.

use std::net::SocketAddr;

use local_gateway::oidc;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{ISSUER, issuer};

/// An issuer that runs until this is dropped.
struct Served {
    address: SocketAddr,
    shutdown: CancellationToken,
    server: Option<JoinHandle<std::io::Result<()>>>,
    client: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Served {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = issuer();
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(oidc::serve(listener, issuer, shutdown.clone()));
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { address, shutdown, server: Some(server), client: reqwest::Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

#[tokio::test]
async fn the_issuer_gives_tokens_that_its_keys_verify() {
    let issuer = Served::start().await;
    let discovery: Value = issuer
        .client
        .get(issuer.url("/us-east-1_pool/.well-known/openid-configuration"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(discovery["issuer"], ISSUER);
    assert_eq!(discovery["jwks_uri"], format!("{ISSUER}/.well-known/jwks.json"));

    let request = json!({ "username": "bob", "expires_in": 60, "claims": { "role": "admin" } });
    let answer: Value =
        issuer.client.post(issuer.url("/token")).json(&request).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 60);

    let usual = issuer.client.post(issuer.url("/token")).json(&json!({ "username": "bob" })).send().await.unwrap();
    assert_eq!(usual.json::<Value>().await.unwrap()["expires_in"], 1200, "as the client has it");

    let keys = issuer.client.get(issuer.url("/us-east-1_pool/.well-known/jwks.json")).send().await.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = keys.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&["web"]);
    rules.set_issuer(&[ISSUER]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
    assert_eq!(claims["sub"], "bob");
    assert_eq!(claims["username"], "bob");
    assert_eq!(claims["client_id"], "web");
    assert_eq!(claims["role"], "admin");
}

#[tokio::test]
async fn the_issuer_says_what_is_wrong_with_a_request() {
    let issuer = Served::start().await;
    for (request, error) in [
        (json!({}), "invalid_request"),
        (json!({ "username": "" }), "invalid_request"),
        (json!({ "username": "a", "lifetime": 1 }), "invalid_request"),
        (json!({ "username": "a", "pool": "other" }), "invalid_request"),
        (json!({ "username": "a", "client_id": "other" }), "invalid_client"),
    ] {
        let response = issuer.client.post(issuer.url("/token")).json(&request).send().await.unwrap();
        assert_eq!(response.status(), 400);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], error, "{request}");
        assert!(!body["error_description"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_unknown_pool_has_no_keys() {
    let issuer = Served::start().await;
    let url = issuer.url("/us-east-1_other/.well-known/jwks.json");
    assert_eq!(issuer.client.get(url).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn pages_of_loopback_may_ask_for_tokens() {
    let issuer = Served::start().await;
    let preflight = |origin: &str| {
        let preflight = issuer.client.request(reqwest::Method::OPTIONS, issuer.url("/token"));
        preflight.header("origin", origin).send()
    };
    assert_eq!(preflight("https://example.com").await.unwrap().status(), 403);
    let preflight = preflight("http://localhost:5173").await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers()["access-control-allow-headers"], "content-type");
}

#[tokio::test]
async fn the_server_stops_on_shutdown() {
    let mut issuer = Served::start().await;
    issuer.shutdown.cancel();
    issuer.server.take().unwrap().await.unwrap().unwrap();
}
