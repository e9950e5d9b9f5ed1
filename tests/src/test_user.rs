//! A user of the chat, over HTTP.

use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cloud::Endpoints;
use crate::{Cloud, Socket};

/// A user with a token and a profile.
#[derive(Clone, Debug)]
pub struct TestUser {
    pub user_id: String,
    pub token: String,
    endpoints: Arc<Endpoints>,
    client: Client,
}

/// A response: status and JSON.
pub type Answer = (u16, Value);

/// Returns the status and code of a refusal.
pub fn refusal((status, body): Answer) -> (u16, String) {
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// Reads the whole history that a user sees of a conversation, oldest message first.
///
/// # Panics
///
/// If a page is refused.
pub async fn history(user: &TestUser, conversation: &str) -> Vec<Value> {
    let (mut messages, mut after) = (Vec::new(), json!(0));
    loop {
        let path = format!("/v1/conversations/{conversation}/messages?after_seq={after}&limit=100");
        let (status, page) = user.get(&path).await;
        assert_eq!(status, 200, "{page}");
        messages.extend(page["messages"].as_array().expect("a page has messages").clone());
        if page["next"].is_null() {
            return messages;
        }
        after = page["next"].clone();
    }
}

impl TestUser {
    /// Creates a user of the test binary's shared cloud. The name is made unique, so that tests do not affect each other.
    pub async fn new(name: &str) -> Self {
        Self::of(Cloud::shared(), name).await
    }

    /// Creates a user of this cloud, with a name made unique.
    pub async fn of(cloud: &Cloud, name: &str) -> Self {
        let name = format!("{name}-{}", Uuid::new_v4());
        let token = token(cloud, &json!({"username": name})).await;
        Self::with_token(cloud, &name, token).await
    }

    /// Creates a user with this token, and a profile of this name.
    ///
    /// # Panics
    ///
    /// Where the profile is refused.
    pub async fn with_token(cloud: &Cloud, name: &str, token: String) -> Self {
        let endpoints = Arc::clone(&cloud.endpoints);
        let mut user = Self { user_id: String::new(), token, endpoints, client: client() };
        let profile = json!({"display_name": name});
        let (status, profile) = until_not_busy(|| user.put("/v1/users/me", &profile)).await;
        assert_eq!(status, 200, "{profile}");
        profile["user_id"].as_str().expect("a profile has an id").clone_into(&mut user.user_id);
        user
    }

    /// Returns the same user with the same token, for a cloud that was restarted. Its addresses may be those of before, so the
    /// connections of before are not used again.
    #[must_use]
    pub fn at(&self, cloud: &Cloud) -> Self {
        Self { endpoints: Arc::clone(&cloud.endpoints), client: client(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    /// `PUT` with bytes of a media type.
    pub async fn put_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        answer(self.request(Method::PUT, path).header("content-type", content_type).body(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// `POST` with a body that need not be JSON.
    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        answer(self.request(Method::POST, path).header("content-type", "application/json").body(body.to_owned())).await
    }

    /// `POST` with a JSON body and an `Idempotency-Key`.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    /// Returns the id of the private conversation with another user.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn private_conversation_with(&self, other: &Self) -> String {
        self.create_conversation(&json!({"type": "private", "member_ids": [other.user_id]})).await
    }

    /// Creates a conversation as the body says; returns its id.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn create_conversation(&self, body: &Value) -> String {
        let key = Uuid::new_v4().to_string();
        let (status, created) = until_not_busy(|| self.post_with_key("/v1/conversations", &key, body)).await;
        assert!(status == 200 || status == 201, "{status} {created}");
        created["conversation_id"].as_str().expect("a conversation has an id").to_owned()
    }

    /// Blocks another user, or ends that, whether or not there is a private conversation.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn block(&self, other: &Self, blocked: bool) {
        let path = format!("/v1/blocks/{}", other.user_id);
        let answer = if blocked { self.put(&path, &json!({})).await } else { self.delete(&path).await };
        assert_eq!(answer.0, 204, "{answer:?}");
    }

    pub async fn connect(&self) -> Socket {
        Socket::connect(&self.endpoints, &self.token).await
    }

    /// Sends a `GET` with an `Accept` header, without following redirects. Returns the status, the location and the body.
    ///
    /// # Panics
    ///
    /// Where there is no answer, or one that is not text.
    pub async fn get_without_redirects(&self, path: &str, accept: &str) -> (u16, Option<String>, String) {
        let client = Client::builder().redirect(Policy::none()).build().expect("an HTTP client");
        let request = client.get(format!("{}{path}", self.endpoints.http)).bearer_auth(&self.token);
        let response = request.header("accept", accept).send().await.expect("an answer");
        let location = response.headers().get("location").and_then(|location| location.to_str().ok());
        let (status, location) = (response.status().as_u16(), location.map(str::to_owned));
        (status, location, response.text().await.expect("a whole body"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.endpoints.http)).bearer_auth(&self.token)
    }
}

/// Repeats a request that is answered with `busy`, as clients do: a test's preparations share two cores with those of sixty others.
/// The request has to be idempotent.
pub async fn until_not_busy<F: Future<Output = Answer>>(request: impl Fn() -> F) -> Answer {
    const TRIES: u32 = 5;
    for _ in 1..TRIES {
        let answer = request().await;
        if answer.0 != 503 {
            return answer;
        }
    }
    request().await
}

/// A token from the cloud's issuer.
///
/// # Panics
///
/// Where the issuer refuses.
pub async fn token(cloud: &Cloud, request: &Value) -> String {
    let (status, body) = answer(client().post(&cloud.endpoints.oidc_token).json(request)).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

/// Sends a request of any user.
///
/// # Panics
///
/// If there is no answer, or one that is not JSON.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a whole body");
    // 204 has none.
    let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a JSON body") };
    (status, json)
}

/// An HTTP client.
///
/// # Panics
///
/// Where there can be none.
pub fn client() -> Client {
    // Fails where another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().build().expect("an HTTP client")
}
