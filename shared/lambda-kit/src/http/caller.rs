//! The caller of a request: a user, or a backend with a server token.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{ApiError, ErrorCode, UserId};

use crate::token::{self, Claims};

/// The part of a path that routes of backends have before that of the same route of users.
pub(super) const SERVER_PREFIX: &str = " /v1/server/";

/// A program of the operator that makes a request with a server token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The client of the issuer that the token was given to.
    pub client_id: String,
    /// Issuer of the token, and of the tokens of all users.
    pub issuer: String,
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    User(UserId),
    Backend(Backend),
}

impl Caller {
    /// Returns the caller by the token that API Gateway verified. A server token opens the routes of backends alone, and no other
    /// token opens them.
    pub(super) fn of(event: &ApiGatewayV2httpRequest, server_scope: &str) -> Result<Self, ApiError> {
        let claims = Verified::of(event).ok_or_else(|| unauthorized("A valid token is required."))?;
        let for_backends = event.route_key.as_deref().is_some_and(|route| route.contains(SERVER_PREFIX));
        if !for_backends {
            return claims
                .user(server_scope)
                .map(Self::User)
                .ok_or_else(|| unauthorized("A token of a user is required."));
        }
        claims
            .backend(server_scope)
            .map(Self::Backend)
            .ok_or_else(|| unauthorized("A server token is required: one with the scope of backends."))
    }
}

/// The claims of a token that API Gateway verified. The event has them as text, whatever their types are, so the types come from
/// the token itself.
struct Verified<'a> {
    claims: Claims,
    event: &'a ApiGatewayV2httpRequest,
}

impl<'a> Verified<'a> {
    fn of(event: &'a ApiGatewayV2httpRequest) -> Option<Self> {
        let token = token::of_authorization(event.headers.get("authorization")?.to_str().ok()?)?;
        let verified = Self { claims: token::unverified_claims(token)?, event };
        verified.has("iss").then_some(verified)
    }

    /// Returns true if the claim is a text, and the one that API Gateway verified.
    fn has(&self, name: &str) -> bool {
        let context = &self.event.request_context;
        let verified = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
        let claim = self.claims.get(name).and_then(|claim| claim.as_str());
        claim.is_some() && claim == verified.and_then(|jwt| jwt.claims.get(name)).map(String::as_str)
    }

    fn user(&self, server_scope: &str) -> Option<UserId> {
        if self.has("sub") { token::user(&self.claims, server_scope) } else { None }
    }

    fn backend(&self, server_scope: &str) -> Option<Backend> {
        let (claim, client_id) = token::client(&self.claims)?;
        if !self.has(claim) || !token::has_scope(&self.claims, server_scope) {
            return None;
        }
        let issuer = self.claims.get("iss")?.as_str()?.to_owned();
        Some(Backend { client_id: client_id.to_owned(), issuer })
    }
}

fn unauthorized(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const SCOPE: &str = "a/server";

    /// An event for a token with these claims, all of them verified but those that `verified` replaces.
    fn event(route: &str, claims: &Value, verified: &Value) -> ApiGatewayV2httpRequest {
        let token = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut seen = claims.clone();
        seen.as_object_mut().unwrap().extend(verified.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "routeKey": route, "rawPath": "/", "headers": {"authorization": format!("Bearer {token}")},
            "isBase64Encoded": false, "requestContext": {
                "http": {"method": "GET"},
                "authorizer": {"jwt": {"claims": seen, "scopes": null}}
            }
        }))
        .unwrap()
    }

    fn caller(route: &str, claims: &Value, verified: &Value) -> Option<Caller> {
        Caller::of(&event(route, claims, verified), SCOPE).ok()
    }

    #[test]
    fn routes_take_the_tokens_of_their_callers_alone() {
        let user = json!({"iss": "i", "sub": "alice", "client_id": "app", "scope": "openid"});
        let server = json!({"iss": "i", "sub": "app", "client_id": "app", "scope": SCOPE});
        let other = json!({"iss": "i", "sub": "app", "client_id": "app", "scope": "a/other"});
        let service_account = json!({"iss": "i", "sub": "7", "client_id": "app", "scope": SCOPE});
        let (of_users, of_backends) = ("GET /v1/users/me", "GET /v1/server/users/me");
        let alice = Caller::User(UserId::from_token("i", "alice"));
        let backend = Caller::Backend(Backend { client_id: "app".to_owned(), issuer: "i".to_owned() });
        for (claims, expected) in [
            (&user, [Some(alice), None]),
            (&server, [None, Some(backend.clone())]),
            (&other, [None, None]),
            (&service_account, [None, Some(backend)]),
        ] {
            let found = [of_users, of_backends].map(|route| caller(route, claims, &json!({})));
            assert_eq!(found, expected, "{claims}");
        }
    }

    #[test]
    fn claims_count_only_if_they_were_verified() {
        let user = json!({"iss": "i", "sub": "alice"});
        let server = json!({"iss": "i", "client_id": "app", "scope": SCOPE});
        for changed in [json!({"iss": "j"}), json!({"sub": "bob"}), json!({"iss": ""})] {
            assert_eq!(caller("GET /v1/users/me", &user, &changed), None, "{changed}");
        }
        for changed in [json!({"iss": "j"}), json!({"client_id": "other"})] {
            assert_eq!(caller("GET /v1/server/users", &server, &changed), None, "{changed}");
        }
        assert!(caller("GET /v1/server/users", &server, &json!({})).is_some());
    }
}
