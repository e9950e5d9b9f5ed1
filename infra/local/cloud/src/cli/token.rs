//! `cargo local token alice`: an access token of the running cloud, for a shell.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};

/// Reasons for which there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("no local cloud is running here: there is no {}; start one with `cargo local`, in another terminal", .0.display())]
    NotRunning(PathBuf),
    #[error("cannot read {}: {source}", file.display())]
    Endpoints { file: PathBuf, source: serde_json::Error },
    #[error("the issuer of the local cloud does not answer at {url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("no token: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Endpoints {
    oidc_token: String,
}

/// Returns a token for a user name, from the issuer that this file names.
pub(super) async fn issue(endpoints: &Path, username: &str, expires_in: Option<i64>) -> Result<String, TokenError> {
    let text = std::fs::read(endpoints).map_err(|_| TokenError::NotRunning(endpoints.to_owned()))?;
    let Endpoints { oidc_token: url } =
        serde_json::from_slice(&text).map_err(|source| TokenError::Endpoints { file: endpoints.to_owned(), source })?;
    let mut request = json!({ "username": username });
    if let Some(seconds) = expires_in {
        request["expires_in"] = seconds.into();
    }
    let answer = post(&url, &request).await.map_err(|reason| TokenError::Unreachable { url, reason })?;
    match answer["access_token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(TokenError::Refused(answer["error_description"].as_str().unwrap_or("unknown answer").to_owned())),
    }
}

async fn post(url: &str, body: &Value) -> Result<Value, String> {
    let request = axum::http::Request::post(url).header("content-type", "application/json");
    let request = request.body(Full::<Bytes>::from(body.to_string())).map_err(|error| error.to_string())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.map_err(|error| error.to_string())?;
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}
