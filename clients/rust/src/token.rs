//! Access tokens: their sources, and the claims that a client reads from them.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ApiError;
use crate::api::{answer, http_client};

/// The future of [`TokenSource::token`].
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<String, ApiError>> + Send + 'a>>;

/// A source of one user's access tokens.
///
/// ```
/// use client::{ApiError, TokenFuture, TokenSource};
///
/// /// Reads the token from an environment variable.
/// struct FromEnvironment(&'static str);
///
/// impl TokenSource for FromEnvironment {
///     fn token(&self) -> TokenFuture<'_> {
///         Box::pin(async { std::env::var(self.0).map_err(|error| ApiError::Token(error.into())) })
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync {
    /// Returns a JWT that the deployment accepts. It is called before every request and every connection, so a source whose
    /// tokens are expensive returns the same one until shortly before its `exp`: at the latest two minutes before, because a
    /// connection is renewed one minute before.
    fn token(&self) -> TokenFuture<'_>;
}

/// The issuer of the local cloud, which issues a token for any name without a password.
#[derive(Clone, Debug)]
pub struct LocalIssuer {
    url: String,
    username: String,
    http: reqwest::Client,
}

impl LocalIssuer {
    /// Creates a source for a user of the issuer at `url`, which is [`Endpoints::oidc_token`](crate::Endpoints::oidc_token).
    pub fn new(url: impl Into<String>, username: impl Into<String>) -> Result<Self, ApiError> {
        Ok(Self::sharing(http_client()?, url.into(), username.into()))
    }

    pub(crate) fn sharing(http: reqwest::Client, url: String, username: String) -> Self {
        Self { url, username, http }
    }
}

impl TokenSource for LocalIssuer {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let request = json!({"username": self.username});
            let issued: Issued = answer(self.http.post(&self.url).json(&request).send().await?).await?;
            Ok(issued.access_token)
        })
    }
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
}

/// One token, for as long as it is valid: for scripts, and for tests.
#[derive(Clone)]
pub struct FixedToken(String);

impl FixedToken {
    /// Creates a source that always returns `token`.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for FixedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token must not reach logs.
        f.write_str("FixedToken(…)")
    }
}

impl TokenSource for FixedToken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Returns the claims of a JWT without verifying it; `None` if it is not a JWT. The server verifies tokens; a client reads the
/// claims only to schedule renewals.
pub fn unverified_claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Returns the remaining lifetime of a token at `now`, from its `exp`. `None` if it has no `exp`, or expired before.
pub(crate) fn remaining_lifetime(token: &str, now: SystemTime) -> Option<Duration> {
    // A NumericDate may have a fraction.
    let expiry = Duration::try_from_secs_f64(unverified_claims(token)?["exp"].as_f64()?).ok()?;
    let remaining = expiry.checked_sub(now.duration_since(SystemTime::UNIX_EPOCH).ok()?)?;
    (!remaining.is_zero()).then_some(remaining)
}

/// Returns true if the `exp` of a token is not after `now`. A token without one has no known end.
pub(crate) fn is_expired(token: &str, now: SystemTime) -> bool {
    let has_exp = unverified_claims(token).is_some_and(|claims| claims["exp"].is_number());
    has_exp && remaining_lifetime(token, now).is_none()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Builds a JWT with these claims and no valid signature.
    pub(crate) fn jwt(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn remaining_lifetime_is_read_from_exp() {
        let token = jwt(&json!({"exp": 1000}));
        assert_eq!(remaining_lifetime(&token, at(910)), Some(Duration::from_secs(90)));
        assert_eq!(remaining_lifetime(&token, at(1000)), None);
        assert_eq!(remaining_lifetime(&token, at(1001)), None);
        assert!(is_expired(&token, at(1000)) && !is_expired(&token, at(910)) && !is_expired("opaque", at(910)));
        let fraction = jwt(&json!({"exp": 1000.5}));
        assert_eq!(remaining_lifetime(&fraction, at(1000)), Some(Duration::from_millis(500)));
    }

    #[test]
    fn tokens_without_a_usable_exp_have_no_known_lifetime() {
        for claims in
            [json!({}), json!({"exp": null}), json!({"exp": "1000"}), json!({"exp": -1}), json!({"exp": 1e300})]
        {
            assert_eq!(remaining_lifetime(&jwt(&claims), at(0)), None, "{claims}");
        }
        for opaque in ["", "opaque", "a.b.c", "a.%%%.c"] {
            assert_eq!(remaining_lifetime(opaque, at(0)), None, "{opaque}");
        }
    }

    #[tokio::test]
    async fn fixed_token_returns_its_token_and_hides_it_from_logs() {
        let source = FixedToken::new("secret");
        assert_eq!(source.token().await.unwrap(), "secret");
        assert!(!format!("{source:?}").contains("secret"));
    }
}
