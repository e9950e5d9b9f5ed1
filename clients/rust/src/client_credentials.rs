//! Tokens by client credentials, for backends.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::sync::Mutex;

use crate::api::{answer, http_client};
use crate::token::remaining_lifetime;
use crate::{ApiError, TokenFuture, TokenSource};

/// Remaining lifetime at which a token is replaced: longer than any request takes.
const RENEWED_BEFORE: Duration = Duration::from_mins(1);

/// A source of server tokens: it keeps one until shortly before its end, since issuers charge for each.
pub struct ClientCredentials {
    url: String,
    client_id: String,
    client_secret: String,
    http: reqwest::Client,
    token: Mutex<Option<String>>,
}

impl ClientCredentials {
    /// Creates a source for a client of the issuer with this token endpoint.
    pub fn new(
        url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Result<Self, ApiError> {
        let http = http_client()?;
        let (url, client_id, client_secret) = (url.into(), client_id.into(), client_secret.into());
        Ok(Self { url, client_id, client_secret, http, token: Mutex::default() })
    }

    /// Creates a source for the client of the local cloud whose `endpoints.json` this is.
    pub fn local(endpoints: impl AsRef<Path>) -> Result<Self, ApiError> {
        let text = std::fs::read(endpoints).map_err(|error| ApiError::Token(error.into()))?;
        let local: Local = serde_json::from_slice(&text).map_err(|error| ApiError::Token(error.into()))?;
        let program = local.programs.into_iter().next().ok_or_else(|| ApiError::Token("there is no client".into()))?;
        Self::new(local.oauth_token, program.client_id, program.client_secret)
    }

    async fn fresh(&self) -> Result<String, ApiError> {
        let request = self.http.post(&self.url).basic_auth(&self.client_id, Some(&self.client_secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body("grant_type=client_credentials").send().await?;
        let issued: Issued = answer(response).await?;
        Ok(issued.access_token)
    }
}

impl TokenSource for ClientCredentials {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            // Held while a token is on its way: others wait for the same one.
            let mut kept = self.token.lock().await;
            if let Some(token) = kept.as_ref().filter(|token| is_good(token, SystemTime::now())) {
                return Ok(token.clone());
            }
            let token = self.fresh().await?;
            *kept = Some(token.clone());
            Ok(token)
        })
    }
}

/// Returns true for a token that lasts for a while.
fn is_good(token: &str, now: SystemTime) -> bool {
    remaining_lifetime(token, now).is_some_and(|left| left > RENEWED_BEFORE)
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither secret nor token may reach logs.
        f.debug_struct("ClientCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
}

/// What `endpoints.json` says of programs.
#[derive(Deserialize)]
struct Local {
    oauth_token: String,
    programs: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    client_id: String,
    client_secret: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::token::tests::jwt;

    #[test]
    fn token_is_replaced_a_minute_before_its_end() {
        let token = jwt(&json!({"exp": 1000}));
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(is_good(&token, at(939)));
        assert!(!is_good(&token, at(940)) && !is_good(&token, at(2000)) && !is_good("opaque", at(0)));
    }

    #[test]
    fn secret_stays_out_of_logs() {
        let source = ClientCredentials::new("http://127.0.0.1:1", "app", "hidden").unwrap();
        assert!(!format!("{source:?}").contains("hidden"));
    }
}
