//! Tokens for programs: Cognito's token endpoint with the grant `client_credentials`.
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{encode, get_current_timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Issuer, Token};

/// Reasons for which a program gets no token, in the words of OAuth 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GrantError {
    /// The client is unknown, or the secret is wrong.
    #[error("invalid_client")]
    Client,
    /// The body is no form, or lacks the grant.
    #[error("invalid_request")]
    Request,
    /// The grant is another one.
    #[error("unsupported_grant_type")]
    GrantType,
    /// A scope is not one of the client's.
    #[error("invalid_scope")]
    Scope,
    /// The key does not sign the token.
    #[error("server_error")]
    Signing,
}

/// Answers `POST /oauth2/token` with an access token for a client.
pub(super) async fn answer(State(issuer): State<Issuer>, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match issuer.grant(authorization, &body) {
        Ok(token) => ([(header::CACHE_CONTROL, "no-store")], Json(token)).into_response(),
        Err(error) => {
            let status =
                if error == GrantError::Signing { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
            (status, Json(json!({"error": error.to_string()}))).into_response()
        }
    }
}

impl Issuer {
    /// Signs a token for a client that names its secret, in `Authorization: Basic` or in the form.
    pub(super) fn grant(&self, authorization: Option<&str>, form: &[u8]) -> Result<Token, GrantError> {
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
        match field("grant_type") {
            Some("client_credentials") => (),
            Some(_) => return Err(GrantError::GrantType),
            None => return Err(GrantError::Request),
        }
        let (id, secret) = if let Some(header) = authorization {
            basic(header).ok_or(GrantError::Client)?
        } else {
            let text = |name| field(name).unwrap_or_default().to_owned();
            (text("client_id"), text("client_secret"))
        };
        let found = self.programs().find(|(_, client, credentials)| client.id == id && credentials.secret == secret);
        let (pool, client, credentials) = found.ok_or(GrantError::Client)?;
        let asked: Vec<&str> = field("scope").unwrap_or_default().split_whitespace().collect();
        if asked.iter().any(|scope| !credentials.scopes.iter().any(|allowed| allowed == scope)) {
            return Err(GrantError::Scope);
        }
        let scope = if asked.is_empty() { credentials.scopes.join(" ") } else { asked.join(" ") };
        let now = get_current_timestamp();
        let lifetime = client.access_token_lifetime.as_secs();
        let claims = json!({
            "sub": client.id,
            "token_use": "access",
            "scope": scope,
            "auth_time": now,
            "iss": pool.issuer,
            "exp": now + lifetime,
            "iat": now,
            "version": 2,
            "jti": Uuid::new_v4(),
            "client_id": client.id,
        });
        let signed = encode(&self.key().header(), &claims, &self.key().encoding).map_err(|_| GrantError::Signing)?;
        let expires_in = i64::try_from(lifetime).unwrap_or(i64::MAX);
        Ok(Token { access_token: signed, token_type: "Bearer", expires_in })
    }
}

/// Reads id and secret from `Authorization: Basic`.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use local_template::model::{ClientCredentials, JwtAuthorizer, UserPool, UserPoolClient};

    use super::*;
    use crate::oidc::TokenRequest;

    const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool";

    fn issuer() -> Issuer {
        let client = |id: &str, credentials| UserPoolClient {
            id: id.to_owned(),
            access_token_lifetime: Duration::from_mins(5),
            credentials,
        };
        let scopes = ["api/read", "api/write"].map(str::to_owned).into();
        let job = client("job", Some(ClientCredentials { secret: "s".to_owned(), scopes }));
        let clients = vec![job, client("web", None)];
        let pool = UserPool { logical_id: "Pool".into(), id: "us-east-1_pool".into(), issuer: ISSUER.into(), clients };
        Issuer::load_or_create(None, vec![pool]).unwrap()
    }

    #[test]
    fn program_gets_a_token_as_cognito_makes_it() {
        let issuer = issuer();
        let audience = vec!["job".into()];
        let identity_source = "$request.header.Authorization".into();
        let authorizer = JwtAuthorizer { issuer: ISSUER.into(), audience, identity_source };
        let header = format!("Basic {}", BASE64_STANDARD.encode("job:s"));
        for (header, form, scope) in [
            (Some(header.as_str()), "grant_type=client_credentials", "api/read api/write"),
            (None, "grant_type=client_credentials&client_id=job&client_secret=s&scope=api%2Fread", "api/read"),
        ] {
            let token = issuer.grant(header, form.as_bytes()).unwrap();
            let claims = issuer.verify(&token.access_token, &authorizer).unwrap();
            assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("job"), &json!("job")));
            assert_eq!((&claims["scope"], token.expires_in), (&json!(scope), 300));
            assert!(!claims.contains_key("aud"));
        }
    }

    #[test]
    fn refusals_are_those_of_oauth() {
        let issuer = issuer();
        let wrong = format!("Basic {}", BASE64_STANDARD.encode("job:wrong"));
        for (header, form, expected) in [
            (None, "", GrantError::Request),
            (None, "grant_type=password", GrantError::GrantType),
            (None, "grant_type=client_credentials", GrantError::Client),
            (None, "grant_type=client_credentials&client_id=job&client_secret=wrong", GrantError::Client),
            (None, "grant_type=client_credentials&client_id=web&client_secret=", GrantError::Client),
            (Some(wrong.as_str()), "grant_type=client_credentials&client_id=job&client_secret=s", GrantError::Client),
            (Some("Bearer a"), "grant_type=client_credentials", GrantError::Client),
            (None, "grant_type=client_credentials&client_id=job&client_secret=s&scope=api/admin", GrantError::Scope),
        ] {
            assert_eq!(issuer.grant(header, form.as_bytes()).err(), Some(expected), "{form}");
        }
    }

    #[test]
    fn users_get_no_token_of_a_program_by_default() {
        let token = issuer().issue(&TokenRequest::for_user("alice")).unwrap().access_token;
        let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(&token).unwrap().claims;
        assert_eq!(claims["client_id"], "web");
    }
}
