//! JWT authorizers: takes the token out of a request, and puts its claims into the event.

use axum::http::request::Parts;
use local_template::model::JwtAuthorizer;
use serde_json::{Map, Value, json};

use super::reply::Refusal;
use crate::oidc::Issuer;

/// The event's `requestContext.authorizer` for a request whose token is valid and has one of the route's scopes, if the
/// route has any.
pub(super) fn authorize(
    issuer: &Issuer,
    authorizer: &JwtAuthorizer,
    wanted: &[String],
    head: &Parts,
) -> Result<Value, Refusal> {
    let token = token(&authorizer.identity_source, head).ok_or(Refusal::Unauthorized(None))?;
    let claims = issuer.verify(&token, authorizer).map_err(|error| Refusal::Unauthorized(Some(error)))?;
    let scopes = scopes(&claims);
    let has = |wanted: &String| scopes.as_ref().is_some_and(|scopes| scopes.contains(wanted));
    if !wanted.is_empty() && !wanted.iter().any(has) {
        return Err(Refusal::InsufficientScope(wanted.to_vec()));
    }
    Ok(json!({ "jwt": { "claims": stringify(&claims), "scopes": scopes } }))
}

/// The place of the token in a request.
enum IdentitySource<'a> {
    Header(&'a str),
    QueryString(&'a str),
}

impl<'a> IdentitySource<'a> {
    fn parse(expression: &'a str) -> Option<Self> {
        let (kind, name) = expression.strip_prefix("$request.")?.split_once('.')?;
        match kind {
            "header" => Some(Self::Header(name)),
            "querystring" => Some(Self::QueryString(name)),
            _ => None,
        }
    }
}

/// Refuses an identity source that no request could have a token at.
pub(super) fn check_identity_source(authorizer: &JwtAuthorizer) -> Result<(), String> {
    match IdentitySource::parse(&authorizer.identity_source) {
        Some(_) => Ok(()),
        None => Err(format!(
            "the identity source `{}` is neither $request.header.name nor $request.querystring.name",
            authorizer.identity_source
        )),
    }
}

/// The token at the identity source, with or without `Bearer` before it.
fn token(identity_source: &str, head: &Parts) -> Option<String> {
    let value = match IdentitySource::parse(identity_source)? {
        IdentitySource::Header(name) => head.headers.get(name)?.to_str().ok()?.to_owned(),
        IdentitySource::QueryString(name) => {
            let mut query = form_urlencoded::parse(head.uri.query()?.as_bytes());
            query.find(|(key, _)| key == name)?.1.into_owned()
        }
    };
    let value = value.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => value,
    };
    (!token.is_empty()).then(|| token.to_owned())
}

/// The scopes of the token's `scope` or `scp` claim, `null` for a token without.
fn scopes(claims: &Map<String, Value>) -> Option<Vec<String>> {
    match claims.get("scope").or_else(|| claims.get("scp"))? {
        Value::String(scopes) => Some(scopes.split_whitespace().map(str::to_owned).collect()),
        Value::Array(scopes) => Some(scopes.iter().map(print).collect()),
        _ => None,
    }
}

/// Every claim as a string, whatever its type.
fn stringify(claims: &Map<String, Value>) -> Map<String, Value> {
    claims.iter().map(|(name, value)| (name.clone(), Value::String(print(value)))).collect()
}

/// A claim as API Gateway prints it, which was observed to be Go's `%v`: `[a b]`, `map[key:value]`.
fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}:{}", print(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn head(authorization: &str) -> Parts {
        Request::get("/?token=from%20query").header("Authorization", authorization).body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_token_may_have_a_bearer_prefix() {
        let source = "$request.header.Authorization";
        for (header, expected) in [
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer  a.b.c", Some("a.b.c")),
            ("a.b.c", Some("a.b.c")),
            ("Bearer ", Some("Bearer")),
            ("", None),
        ] {
            assert_eq!(token(source, &head(header)).as_deref(), expected, "{header:?}");
        }
        assert_eq!(token("$request.header.X-Token", &head("a")), None);
        assert_eq!(token("$request.querystring.token", &head("a")).as_deref(), Some("from query"));
    }

    #[test]
    fn claims_become_strings() {
        let claims = json!({
            "exp": 1_785_675_600, "admin": true, "groups": ["a", "b"], "address": { "city": "x", "zip": 1 }, "name": "n"
        });
        let expected = json!({
            "exp": "1785675600", "admin": "true", "groups": "[a b]", "address": "map[city:x zip:1]", "name": "n"
        });
        assert_eq!(Value::Object(stringify(claims.as_object().unwrap())), expected);
    }

    #[test]
    fn scopes_are_null_without_a_scope_claim() {
        let claims = |value: Value| value.as_object().unwrap().clone();
        assert_eq!(scopes(&claims(json!({}))), None);
        assert_eq!(scopes(&claims(json!({ "scope": "a b" }))), Some(vec!["a".into(), "b".into()]));
        assert_eq!(scopes(&claims(json!({ "scp": ["c"] }))), Some(vec!["c".into()]));
    }
}
