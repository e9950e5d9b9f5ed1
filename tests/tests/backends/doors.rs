//! Routes of backends and routes of users: each takes the tokens of its own callers alone.

use std::collections::BTreeSet;

use end_to_end::cloud::root;
use end_to_end::socket::handshake;
use end_to_end::test_user::{answer, client, token};
use end_to_end::{Cloud, Socket, TestBackend, TestUser};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::setup::refusal;

/// The scope of server tokens, by the template's default.
const SCOPE: &str = "palaver/server";

/// Methods and paths of the template with an authorizer, ids filled in. True for those of backends.
fn routes() -> Vec<(Method, String, bool)> {
    let template = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let lines: Vec<&str> = template.lines().map(str::trim).collect();
    let value = |text: &str, key: &str| {
        let (_, rest) = text.split_once(key)?;
        Some(rest.split([',', '}']).next().unwrap_or_default().trim().to_owned())
    };
    let mut routes = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        // In one line, or in lines below each other.
        let Some((_, path)) = line.split_once("Path: ").filter(|(_, path)| path.contains("/v1/")) else { continue };
        let path = path.trim_end_matches('}').trim_matches('"').to_owned();
        let method = value(line, "Method: ").or_else(|| value(lines[at - 1], "Method: ")).expect("a method");
        let for_backends = path.starts_with("/v1/server/");
        let id = Uuid::new_v4().to_string();
        let path = path.replace("{seq}", "1").replace("{emoji}", "%F0%9F%91%8D");
        let path = path.split('/').map(|part| if part.starts_with('{') { id.as_str() } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        routes.push((method.parse().expect("a method"), path, for_backends));
    }
    let kinds: BTreeSet<bool> = routes.iter().map(|(.., for_backends)| *for_backends).collect();
    assert!(routes.len() > 50 && kinds.len() == 2, "the layout of the template has changed: {routes:?}");
    routes
}

async fn ask(method: &Method, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = client().request(method.clone(), format!("{}{path}", Cloud::shared().endpoints.http));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    answer(request).await
}

/// Tokens that are none of a user, although they have the audience of users: as issuers give them that know one audience.
async fn tokens_of_programs() -> Vec<String> {
    let cloud = Cloud::shared();
    let of_user = token(cloud, &json!({"username": "program"})).await;
    let audience = client_of(&of_user);
    let mut tokens = Vec::new();
    for request in [
        json!({"username": "program", "claims": {"scope": SCOPE}}),
        json!({"username": "program", "claims": {"scope": format!("openid {SCOPE}")}}),
        json!({"username": "program", "claims": {"scp": [SCOPE]}}),
        json!({"username": audience, "claims": {"aud": null}}),
        json!({"username": "program", "claims": {"gty": "client-credentials"}}),
    ] {
        tokens.push(token(cloud, &request).await);
    }
    tokens
}

fn client_of(token: &str) -> String {
    let claims = lambda_kit::token::unverified_claims(token).expect("a JWT");
    claims["client_id"].as_str().expect("a client").to_owned()
}

#[tokio::test]
async fn routes_of_backends_take_server_tokens_alone() {
    let (alice, backend) = tokio::join!(TestUser::new("alice"), TestBackend::new());
    for (method, path, _) in routes().into_iter().filter(|(.., for_backends)| *for_backends) {
        let route = format!("{method} {path}");
        assert_eq!(ask(&method, &path, None).await.0, 401, "{route} without a token");
        assert_eq!(ask(&method, &path, Some(&alice.token)).await.0, 401, "{route} with a user's token");
        let (status, body) = backend.acting_as(&alice).ask(method, &path, None).await;
        let code = body["code"].as_str().unwrap_or_default();
        // It is refused for its empty body or for ids that do not exist, also once the account is deleted, or has an answer.
        assert!(status < 500 && status != 401 && code != "not_found", "{route}: {status} {body}");
    }
}

#[tokio::test]
async fn routes_of_users_take_no_server_token() {
    let backend = TestBackend::new().await;
    let programs = tokens_of_programs().await;
    for (method, path, _) in routes().into_iter().filter(|(.., for_backends)| !for_backends) {
        let route = format!("{method} {path}");
        assert_eq!(ask(&method, &path, Some(&backend.token)).await.0, 401, "{route} with a server token");
        for token in &programs {
            let refused = refusal(ask(&method, &path, Some(token)).await);
            assert_eq!(refused, (401, "unauthorized".to_owned()), "{route} with {token}");
        }
    }
}

#[tokio::test]
async fn server_tokens_open_no_connection() {
    let cloud = Cloud::shared();
    let mut tokens = tokens_of_programs().await;
    tokens.push(TestBackend::new().await.token);
    for token in tokens {
        let mut request = handshake(cloud);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        assert_eq!(Socket::open(request).await.err(), Some(403), "{token}");
    }
}

#[tokio::test]
async fn scope_and_audience_are_both_required() {
    let cloud = Cloud::shared();
    let backend = TestBackend::new().await;
    let path = "/v1/server/users";
    let of_other_audience = token(cloud, &json!({"username": "program", "claims": {"scope": SCOPE}})).await;
    assert_eq!(ask(&Method::GET, path, Some(&of_other_audience)).await.0, 401);
    let without_scope = json!({"username": "program", "client_id": backend.client_id, "claims": {"scope": "openid"}});
    assert_eq!(ask(&Method::GET, path, Some(&token(cloud, &without_scope).await)).await.0, 403);
    let expired =
        json!({"username": "program", "client_id": backend.client_id, "expires_in": -60, "claims": {"scope": SCOPE}});
    assert_eq!(ask(&Method::GET, path, Some(&token(cloud, &expired).await)).await.0, 401);
}
