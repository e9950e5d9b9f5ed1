//! Verification of access tokens, by the rules of the HTTP API's own authorizer: both doors take the same tokens.

use domain::{Timestamp, UserId};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use lambda_kit::token::{self, Claims};
use serde_json::Value;

use crate::{KeyError, Keys};

/// A token whose signature, issuer, audience and times were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub user_id: UserId,
    /// End of the token, in whole epoch seconds.
    pub exp: i64,
}

/// Reasons for which a token is refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not valid; the reason is for the log.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// The keys cannot be read, so the token cannot be verified.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// The claims that a user's token has to have.
#[derive(Clone, Debug)]
pub struct Expected {
    pub issuer: String,
    pub audience: String,
    /// The scope of server tokens, which open no connection.
    pub server_scope: String,
}

/// Verifies tokens of users of one issuer for one audience.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    expected: Expected,
    validation: Validation,
}

impl Verifier {
    /// For tokens with these claims that `keys` signed with RSA.
    pub fn new(keys: Keys, expected: Expected) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.algorithms = vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];
        // The claims are checked below.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self { keys, expected, validation }
    }

    /// Returns the user and the end of a token whose signature and claims are right.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid("not a JWT"))?;
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(TokenError::Invalid("algorithm"));
        }
        let key_id = header.kid.ok_or(TokenError::Invalid("no key id"))?;
        let key = self.keys.get(&key_id).await?.ok_or(TokenError::Invalid("unknown key"))?;
        let token = decode::<Claims>(token, &key, &self.validation).map_err(|_| TokenError::Invalid("signature"))?;
        check(&token.claims, &self.expected, now).map_err(TokenError::Invalid)
    }
}

/// Checks the claims as API Gateway does
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>), and the subject as every
/// function behind the HTTP API does. There is no leeway for clocks.
fn check(claims: &Claims, expected: &Expected, now: Timestamp) -> Result<Verified, &'static str> {
    let Expected { issuer, audience, server_scope } = expected;
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err("issuer");
    }
    if !is_for(claims, audience) {
        return Err("audience");
    }
    #[allow(clippy::cast_precision_loss, reason = "milliseconds until the year 9999 fit f64")]
    let now = now.epoch_millis() as f64 / 1000.0;
    let exp = claims.get("exp").and_then(Value::as_f64).filter(|exp| *exp > now).ok_or("expired")?;
    for name in ["nbf", "iat"] {
        // A date may be absent, and is a number otherwise.
        if claims.get(name).is_some_and(|date| date.as_f64().is_none_or(|date| date > now)) {
            return Err("not valid yet");
        }
    }
    let user_id = token::user(claims, server_scope).ok_or("subject")?;
    Ok(Verified { user_id, exp: whole_seconds(exp) })
}

/// Cognito's access tokens name their client in `client_id` and have no `aud`; either counts.
fn is_for(claims: &Claims, audience: &str) -> bool {
    let is_ours = |value: &Value| value.as_str() == Some(audience);
    match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => claims.get("client_id").is_some_and(is_ours),
    }
}

/// The end of a token in whole seconds: never later than the token's own, and at most the end of all times.
fn whole_seconds(exp: f64) -> i64 {
    let last = Timestamp::MAX.epoch_seconds();
    #[allow(clippy::cast_precision_loss, reason = "seconds until the year 9999 fit f64")]
    let last_second = last as f64;
    #[allow(clippy::cast_possible_truncation, reason = "the end lies between now and the year 9999")]
    let seconds = exp.floor().min(last_second) as i64;
    seconds
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_epoch_millis(2_000_000_000_500);

    fn verdict(change: &Value) -> Result<i64, &'static str> {
        let mut claims = json!({"iss": "i", "aud": "a", "sub": "alice", "exp": 2_000_000_600, "iat": 2_000_000_000});
        for (name, value) in change.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let [issuer, audience, server_scope] = ["i", "a", "a/server"].map(str::to_owned);
        check(claims.as_object().unwrap(), &Expected { issuer, audience, server_scope }, NOW)
            .map(|verified| verified.exp)
    }

    #[test]
    fn claims_are_checked_as_at_the_other_door() {
        for (change, expected) in [
            (json!({}), Ok(2_000_000_600)),
            (json!({"exp": 2_000_000_600.75}), Ok(2_000_000_600)),
            (json!({"exp": 2_000_000_000.75}), Ok(2_000_000_000)),
            (json!({"exp": 1e300}), Ok(253_402_300_799)),
            (json!({"exp": u64::MAX}), Ok(253_402_300_799)),
            (json!({"exp": 2_000_000_000}), Err("expired")),
            (json!({"exp": -1}), Err("expired")),
            (json!({"exp": "2000000600"}), Err("expired")),
            (json!({"exp": "absent"}), Err("expired")),
            (json!({"iat": "absent"}), Ok(2_000_000_600)),
            (json!({"iat": 2_000_000_001}), Err("not valid yet")),
            (json!({"iat": "soon"}), Err("not valid yet")),
            (json!({"iat": null}), Err("not valid yet")),
            (json!({"nbf": 2_000_000_000.4}), Ok(2_000_000_600)),
            (json!({"nbf": 2_000_000_600}), Err("not valid yet")),
            (json!({"iss": "j"}), Err("issuer")),
            (json!({"iss": ["i"]}), Err("issuer")),
            (json!({"aud": ["b", "a"]}), Ok(2_000_000_600)),
            (json!({"aud": "b", "client_id": "a"}), Err("audience")),
            (json!({"aud": "absent", "client_id": "a"}), Ok(2_000_000_600)),
            (json!({"aud": "absent"}), Err("audience")),
            (json!({"sub": ""}), Err("subject")),
            (json!({"sub": null}), Err("subject")),
            (json!({"sub": 7}), Err("subject")),
            (json!({"sub": "absent"}), Err("subject")),
            (json!({"scope": "openid"}), Ok(2_000_000_600)),
            (json!({"scope": "openid a/server"}), Err("subject")),
            (json!({"client_id": "alice"}), Err("subject")),
        ] {
            assert_eq!(verdict(&change), expected, "{change}");
        }
    }
}
