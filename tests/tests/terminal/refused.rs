//! Starts that log nobody in, and tokens that are not accepted.

use client::domain::UserId;
use client::{Api, Client, Endpoints, Event, FixedToken, Pace, Refusal, TokenFuture, TokenSource};
use end_to_end::{Cloud, TestUser, test_user};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::process::{WAIT_TIMEOUT, command, unique};

async fn token(request: &Value) -> String {
    test_user::token(Cloud::shared(), request).await
}

fn start(tokens: Arc<dyn TokenSource>) -> (Client, UnboundedReceiver<Event>) {
    let endpoints = Endpoints::read(Cloud::shared().endpoints_file()).unwrap();
    let api = Arc::new(Api::with_tokens(endpoints, tokens).unwrap());
    let reconnect = (Duration::ZERO, Duration::from_millis(100));
    Client::start(api, UserId(uuid::Uuid::nil()), Pace { reconnect, ..Pace::default() })
}

async fn next(events: &mut UnboundedReceiver<Event>) -> Option<Event> {
    timeout(WAIT_TIMEOUT, events.recv()).await.expect("an event")
}

#[tokio::test]
async fn help_and_mistakes_log_nobody_in() {
    for (arguments, code) in
        [(&["--help"][..], 0), (&["--version"], 0), (&["--verbose"], 2), (&["a", "b"], 2), (&[""], 2), (&[], 2)]
    {
        let output = command().args(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    }
    // The local cloud's user ids come from names: the user of that name does not exist.
    let user = TestUser::new("asks").await;
    for name in ["--help", "--version", "--verbose"] {
        let issuer = client::unverified_claims(&user.token).unwrap()["iss"].as_str().unwrap().to_owned();
        let id = UserId::from_token(&issuer, name);
        assert_eq!(user.get(&format!("/v1/users/{id}")).await.0, 404, "{name}");
    }
}

#[tokio::test]
async fn a_chat_with_a_token_that_ends_says_why() {
    let name = unique("alice");
    let expired = token(&json!({"username": name, "expires_in": -60})).await;
    for (token, reason) in [(expired.as_str(), "has expired"), ("nonsense", "does not accept the access token")] {
        let output = command().args([&name, "--token", token]).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(error.starts_with("error: ") && error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_client_stops_with_the_reason() {
    let expired = token(&json!({"username": unique("alice"), "expires_in": -60})).await;
    let deleted = TestUser::new("deleted").await;
    assert_eq!(deleted.delete("/v1/users/me").await.0, 204);
    for (token, expected) in [
        (expired, Refusal::TokenExpired),
        ("nonsense".to_owned(), Refusal::TokenRefused),
        (deleted.token.clone(), Refusal::UserDeleted),
    ] {
        let (client, mut events) = start(Arc::new(FixedToken::new(token)));
        let event = next(&mut events).await;
        assert!(matches!(event, Some(Event::Refused(refusal)) if refusal == expected), "{expected:?}: {event:?}");
        assert!(next(&mut events).await.is_none(), "it is the last event");
        let error = client.send(client::domain::ConversationId::generate(), "late").await.unwrap_err();
        assert_eq!(error.to_string(), "the client has stopped");
    }
}

/// A source whose first token has expired.
struct Late {
    username: String,
    calls: AtomicU32,
}

impl TokenSource for Late {
    fn token(&self) -> TokenFuture<'_> {
        let expires_in = if self.calls.fetch_add(1, Ordering::SeqCst) == 0 { -60 } else { 3600 };
        Box::pin(async move { Ok(token(&json!({"username": self.username, "expires_in": expires_in})).await) })
    }
}

#[tokio::test]
async fn a_fresh_token_is_asked_for_before_the_client_stops() {
    let user = TestUser::new("late").await;
    let username = client::unverified_claims(&user.token).unwrap()["sub"].as_str().unwrap().to_owned();
    let (_client, mut events) = start(Arc::new(Late { username, calls: AtomicU32::new(0) }));
    assert!(matches!(next(&mut events).await, Some(Event::Connected)));
}
