//! Tokens that are used as long as they are valid, as those of a real issuer are.

use std::time::{Duration, SystemTime};

use client::{LocalIssuer, TokenFuture, TokenSource, unverified_claims};
use tokio::sync::Mutex;

/// Remaining lifetime below which a token is renewed. A connection is renewed one minute before the end of its token, and needs a
/// token that lives longer.
const RENEW_BEFORE: Duration = Duration::from_mins(2);

/// The tokens of one user.
pub(crate) struct RenewedTokens {
    issuer: LocalIssuer,
    current: Mutex<Option<String>>,
}

impl RenewedTokens {
    pub(crate) fn new(issuer: LocalIssuer) -> Self {
        Self { issuer, current: Mutex::default() }
    }
}

impl TokenSource for RenewedTokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if let Some(token) = current.as_ref().filter(|token| lives_on(token)) {
                return Ok(token.clone());
            }
            let token = self.issuer.token().await?;
            *current = Some(token.clone());
            Ok(token)
        })
    }
}

fn lives_on(token: &str) -> bool {
    let claims = unverified_claims(token).expect("the local issuer's tokens are JWTs");
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(claims["exp"].as_u64().expect("an expiry"));
    expiry > SystemTime::now() + RENEW_BEFORE
}
