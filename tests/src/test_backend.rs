//! A program of the operator, over HTTP.

use std::sync::Arc;

use reqwest::{Client, Method};
use serde_json::Value;
use uuid::Uuid;

use crate::cloud::Endpoints;
use crate::test_user::{Answer, answer, client, until_not_busy};
use crate::{Cloud, TestUser};

/// A backend with a server token.
#[derive(Clone, Debug)]
pub struct TestBackend {
    pub token: String,
    /// The client of the user pool that the token was given to.
    pub client_id: String,
    /// Value of the header `Palaver-As`, if it is sent.
    acts_as: Option<String>,
    endpoints: Arc<Endpoints>,
    client: Client,
}

impl TestBackend {
    /// Gets a token for the client of the test binary's shared cloud.
    pub async fn new() -> Self {
        Self::of(Cloud::shared()).await
    }

    /// Gets a token for the client of the cloud's template.
    ///
    /// # Panics
    ///
    /// If the issuer refuses.
    pub async fn of(cloud: &Cloud) -> Self {
        let program = cloud.endpoints.programs.first().expect("the template has a client for backends");
        let request = client().post(&cloud.endpoints.oauth_token);
        let request = request.basic_auth(&program.client_id, Some(&program.client_secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (status, body) = answer(request.body("grant_type=client_credentials")).await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().expect("a token").to_owned();
        let endpoints = Arc::clone(&cloud.endpoints);
        Self { token, client_id: program.client_id.clone(), acts_as: None, endpoints, client: client() }
    }

    /// Returns the same backend, acting as a user.
    #[must_use]
    pub fn acting_as(&self, user: &TestUser) -> Self {
        self.naming(&user.user_id)
    }

    /// Returns the same backend with this text as `Palaver-As`.
    #[must_use]
    pub fn naming(&self, text: &str) -> Self {
        Self { acts_as: Some(text.to_owned()), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    /// `POST` with a JSON body. Repeats are idempotent.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// Makes a request, and repeats it while the answer is `busy`, as clients do.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let key = Uuid::new_v4().to_string();
        until_not_busy(|| self.ask_once(method.clone(), path, body, &key)).await
    }

    /// Makes a request with this `Idempotency-Key`.
    pub async fn ask_once(&self, method: Method, path: &str, body: Option<&Value>, key: &str) -> Answer {
        let url = format!("{}{path}", self.endpoints.http);
        let mut request = self.client.request(method, url).bearer_auth(&self.token).header("idempotency-key", key);
        if let Some(user) = &self.acts_as {
            request = request.header("palaver-as", user);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }
}
