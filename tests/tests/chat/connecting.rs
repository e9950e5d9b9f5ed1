//! Handshakes that are accepted, and handshakes that are refused.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::Timestamp;
use end_to_end::socket::handshake;
use end_to_end::test_user::{answer, client, token};
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

/// Returns the token with the subject of another user and the original signature.
fn forged(token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    claims["sub"] = json!("another user");
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    parts.join(".")
}

/// The token's claims without a signature.
fn unsigned(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    format!("{}.{claims}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#))
}

async fn bad_tokens() -> Vec<(&'static str, String)> {
    let cloud = Cloud::shared();
    let good = token(cloud, &json!({"username": "mallory"})).await;
    let expired = token(cloud, &json!({"username": "mallory", "expires_in": -60})).await;
    let audience = json!({"username": "mallory", "claims": {"aud": "another app", "client_id": "another app"}});
    let issuer = json!({"username": "mallory", "claims": {"iss": "https://issuer.example"}});
    vec![
        ("forged", forged(&good)),
        ("unsigned", unsigned(&good)),
        ("expired", expired),
        ("wrong audience", token(cloud, &audience).await),
        ("wrong issuer", token(cloud, &issuer).await),
        ("no token", "nonsense".to_owned()),
    ]
}

#[tokio::test]
async fn only_a_valid_token_gets_a_connection() {
    let cloud = Cloud::shared();
    assert_eq!(Socket::open(handshake(cloud)).await.err(), Some(403), "without a token");
    for (defect, token) in bad_tokens().await {
        let mut request = handshake(cloud);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        assert_eq!(Socket::open(request).await.err(), Some(403), "{defect}");
    }
    // A refusal is an answer of the authorizer and no failure.
    let log = cloud.log();
    let of_authorizer: Vec<&str> = log.lines().filter(|line| line.contains("WsAuthorizer")).collect();
    assert!(of_authorizer.iter().any(|line| line.contains("a handshake was refused")), "{of_authorizer:?}");
    assert!(!of_authorizer.iter().any(|line| line.contains("ERROR")), "{of_authorizer:?}");
}

#[tokio::test]
async fn only_a_valid_token_is_served_over_http() {
    let me = || client().get(format!("{}/v1/users/me", Cloud::shared().endpoints.http));
    let unauthorized = (401, json!({"message": "Unauthorized"}));
    assert_eq!(answer(me()).await, unauthorized, "without a token");
    for (defect, token) in bad_tokens().await {
        assert_eq!(answer(me().bearer_auth(token)).await, unauthorized, "{defect}");
    }
}

#[tokio::test]
async fn both_doors_take_the_same_tokens() {
    let cloud = Cloud::shared();
    let now = Timestamp::now().epoch_seconds();
    let (soon, later) = (now + 600, now + 6000);
    for (expected, change) in [
        (true, json!({})),
        (true, json!({"algorithm": "RS384"})),
        (true, json!({"algorithm": "RS512"})),
        (false, json!({"algorithm": "PS256"})),
        (true, json!({"claims": {"exp": f64::from(u32::try_from(soon).unwrap()) + 0.5}})),
        (true, json!({"claims": {"exp": 9_007_199_254_740_993_u64}})),
        (true, json!({"claims": {"exp": 1e300}})),
        (false, json!({"claims": {"exp": soon.to_string()}})),
        (false, json!({"claims": {"exp": null}})),
        (false, json!({"claims": {"exp": now}})),
        (true, json!({"claims": {"iat": null}})),
        (false, json!({"claims": {"iat": later}})),
        (false, json!({"claims": {"iat": "now"}})),
        (false, json!({"claims": {"nbf": later}})),
        (true, json!({"claims": {"nbf": 1}})),
        (true, json!({"claims": {"aud": null}})),
        (false, json!({"claims": {"aud": null, "client_id": null}})),
        (false, json!({"claims": {"iss": null}})),
        (true, json!({"claims": {"sub": " \u{202e}\0é"}})),
        (false, json!({"claims": {"sub": null}})),
        (false, json!({"claims": {"sub": ""}})),
        (false, json!({"claims": {"sub": 7}})),
        (false, json!({"claims": {"sub": true}})),
        (false, json!({"claims": {"sub": ["alice"]}})),
        (false, json!({"claims": {"sub": {"name": "alice"}}})),
    ] {
        let mut request = json!({"username": format!("alice-{}", Uuid::new_v4())});
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let token = token(cloud, &request).await;
        let me = client().get(format!("{}/v1/conversations", cloud.endpoints.http)).bearer_auth(&token);
        let (status, _) = answer(me).await;
        assert_eq!(status, if expected { 200 } else { 401 }, "HTTP: {change}");
        let mut request = handshake(cloud);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let refused = Socket::open(request).await.err();
        assert_eq!(refused, (!expected).then_some(403), "WebSocket: {change}");
    }
}

#[tokio::test]
async fn connection_is_closed_when_its_token_expires() {
    let cloud = Cloud::shared();
    let token = token(cloud, &json!({"username": "cinderella", "expires_in": 5})).await;
    let mut socket = Socket::connect(&cloud.endpoints, &token).await;
    let error = loop {
        let answer = socket.ask(json!({"action": "ping"})).await;
        if answer["type"] == "error" {
            break answer["error"].clone();
        }
        assert_eq!(answer["type"], "pong");
    };
    assert_eq!(error["code"], "token_expired");
    socket.wait_until_closed().await;
}

#[tokio::test]
async fn token_is_accepted_in_header_subprotocol_or_query() {
    let cloud = Cloud::shared();
    let alice = TestUser::new("alice").await;
    alice.connect().await.pushed().await;

    let mut request = handshake(cloud);
    request.headers_mut().insert("sec-websocket-protocol", format!("bearer, {}", alice.token).parse().unwrap());
    Socket::open(request).await.unwrap().pushed().await;

    let mut request = handshake(cloud);
    *request.uri_mut() = format!("{}?token={}", cloud.endpoints.websocket, alice.token).parse().unwrap();
    Socket::open(request).await.unwrap().pushed().await;
}
