//! What both doors read from an access token whose signature has been verified.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::UserId;
use serde_json::{Map, Value};

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// Returns the token of an `Authorization` header: with `Bearer` before it, or alone, as API Gateway takes it.
pub fn of_authorization(header: &str) -> Option<&str> {
    let token = match header.trim().split_once(' ') {
        None => header.trim(),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) => return None,
    };
    (!token.is_empty()).then_some(token)
}

/// Reads the claims of a token without verifying it.
pub fn unverified_claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Returns the user of a verified token: `iss` and `sub` are strings, and `sub` is not empty. Its characters do not count, and
/// its length is bounded by that of the header: only a digest of it is kept.
pub fn user(claims: &Claims) -> Option<UserId> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = text("sub").filter(|subject| !subject.is_empty())?;
    Some(UserId::from_token(text("iss")?, subject))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn token_is_bearer_or_alone() {
        for header in ["Bearer a.b.c", "bearer  a.b.c ", "a.b.c"] {
            assert_eq!(of_authorization(header), Some("a.b.c"), "{header:?}");
        }
        for header in ["", " ", "Basic a.b.c", "Bearer  "] {
            assert_ne!(of_authorization(header), Some("a.b.c"), "{header:?}");
        }
    }

    #[test]
    fn subject_is_a_string() {
        let of = |sub: Value| user(json!({"iss": "https://issuer.example", "sub": sub}).as_object().unwrap());
        assert_eq!(of(json!("alice")), Some(UserId::from_token("https://issuer.example", "alice")));
        for sub in [json!(""), json!(null), json!(7), json!(true), json!(["alice"]), json!({"a": 1})] {
            assert_eq!(of(sub.clone()), None, "{sub}");
        }
        assert_eq!(user(json!({"iss": "https://issuer.example"}).as_object().unwrap()), None);
        assert_eq!(user(json!({"sub": "alice"}).as_object().unwrap()), None);
    }

    #[test]
    fn claims_are_those_of_the_second_part() {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"a"}"#);
        assert_eq!(unverified_claims(&format!("h.{payload}.s")).unwrap()["sub"], "a");
        for token in ["", "a", "a.b.c", "..", "a.W10.c"] {
            assert_eq!(unverified_claims(token), None, "{token}");
        }
    }
}
