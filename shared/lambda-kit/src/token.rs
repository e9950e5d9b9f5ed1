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
/// its length is bounded by that of the header: only a digest of it is kept. A token that was given to a program has no user.
pub fn user(claims: &Claims, server_scope: &str) -> Option<UserId> {
    if is_of_program(claims) || has_scope(claims, server_scope) {
        return None;
    }
    let subject = text(claims, "sub").filter(|subject| !subject.is_empty())?;
    Some(UserId::from_token(text(claims, "iss")?, subject))
}

/// Returns true if a token has a scope: in `scope` or in `scp`, each a text with spaces between scopes, or a list.
pub fn has_scope(claims: &Claims, scope: &str) -> bool {
    ["scope", "scp"].into_iter().any(|name| match claims.get(name) {
        Some(Value::String(scopes)) => scopes.split_whitespace().any(|other| other == scope),
        Some(Value::Array(scopes)) => scopes.iter().any(|other| other.as_str() == Some(scope)),
        _ => false,
    })
}

/// Returns the client of the issuer that a token was given to, in the claim where issuers have it, with the claim's name.
pub fn client(claims: &Claims) -> Option<(&'static str, &str)> {
    let named = ["client_id", "azp", "sub"].into_iter().filter_map(|name| Some((name, text(claims, name)?)));
    named.into_iter().find(|(_, client)| !client.is_empty())
}

/// Returns true for a token by client credentials: its subject is the client itself (RFC 9068; `cid` is Okta's), or the issuer says so
/// (`gty` is Auth0's, `idtyp` Entra's).
fn is_of_program(claims: &Claims) -> bool {
    let subject = text(claims, "sub");
    let is_subject = |name: &str| subject.is_some() && text(claims, name) == subject;
    ["client_id", "azp", "cid"].into_iter().any(is_subject)
        || text(claims, "gty") == Some("client-credentials")
        || text(claims, "idtyp") == Some("app")
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCOPE: &str = "a/server";

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
        let user = |claims: &Claims| user(claims, SCOPE);
        let of = |sub: Value| user(json!({"iss": "https://issuer.example", "sub": sub}).as_object().unwrap());
        assert_eq!(of(json!("alice")), Some(UserId::from_token("https://issuer.example", "alice")));
        for sub in [json!(""), json!(null), json!(7), json!(true), json!(["alice"]), json!({"a": 1})] {
            assert_eq!(of(sub.clone()), None, "{sub}");
        }
        assert_eq!(user(json!({"iss": "https://issuer.example"}).as_object().unwrap()), None);
        assert_eq!(user(json!({"sub": "alice"}).as_object().unwrap()), None);
    }

    #[test]
    fn token_of_a_program_has_no_user() {
        for (claims, is_of_user) in [
            (json!({}), true),
            (json!({"client_id": "web", "azp": "web", "scope": "openid a/serve a/server2", "gty": "password"}), true),
            (json!({"scope": SCOPE}), false),
            (json!({"scope": format!("openid {SCOPE}")}), false),
            (json!({"scp": ["openid", SCOPE]}), false),
            (json!({"scp": SCOPE}), false),
            (json!({"client_id": "alice"}), false),
            (json!({"azp": "alice"}), false),
            (json!({"cid": "alice"}), false),
            (json!({"gty": "client-credentials"}), false),
            (json!({"idtyp": "app"}), false),
            (json!({"scope": "", "scp": [SCOPE]}), false),
        ] {
            let mut all = claims.as_object().unwrap().clone();
            all.extend(json!({"iss": "https://issuer.example", "sub": "alice"}).as_object().unwrap().clone());
            assert_eq!(user(&all, SCOPE).is_some(), is_of_user, "{claims}");
        }
    }

    #[test]
    fn client_is_where_issuers_have_it() {
        for (claims, expected) in [
            (json!({"client_id": "a", "azp": "b", "sub": "c"}), Some(("client_id", "a"))),
            (json!({"client_id": 7, "azp": "b", "sub": "c"}), Some(("azp", "b"))),
            (json!({"client_id": "", "sub": "c"}), Some(("sub", "c"))),
            (json!({}), None),
        ] {
            assert_eq!(client(claims.as_object().unwrap()), expected, "{claims}");
        }
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
