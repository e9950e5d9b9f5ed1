//! Issues access tokens for any user name.

use jsonwebtoken::{Algorithm, Header, get_current_timestamp};
use local_template::model::{UserPool, UserPoolClient};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Issuer;

/// The user and claims of a token request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Becomes `sub` and `username`.
    pub username: String,
    /// Seconds until the token expires, as the client has it unless set. A negative number gives a token that has expired: there to
    /// test how an application treats one.
    pub expires_in: Option<i64>,
    /// Id of the user pool; unless set, the pool that has the client, or the first one.
    pub pool: Option<String>,
    /// Id of the client that the token is for; the pool's first one unless set.
    pub client_id: Option<String>,
    /// Algorithm of the signature, RS256 unless set: one that takes an RSA key.
    pub algorithm: Option<Algorithm>,
    /// Claims to add; one of the same name as a standard claim replaces it, and `null` leaves it out.
    #[serde(default)]
    pub claims: Map<String, Value>,
}

impl TokenRequest {
    /// A token for this user with all the defaults.
    pub fn for_user(username: &str) -> Self {
        Self { username: username.to_owned(), ..Self::default() }
    }
}

/// An access token, as the token endpoint returns it.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// The token, a signed JWT.
    pub access_token: String,
    /// The token's type: always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until it expires.
    pub expires_in: i64,
}

/// Reasons for which no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum TokenRequestError {
    /// The user name is empty.
    #[error("`username` must not be empty")]
    NoUsername,
    /// The stack has no user pool.
    #[error("the template has no user pool")]
    NoPool,
    /// No pool has this id.
    #[error("there is no user pool `{0}`")]
    UnknownPool(String),
    /// The pool has no client, so there is no audience.
    #[error("user pool `{0}` has no client")]
    NoClient(String),
    /// The client belongs to no pool, or not to this one.
    #[error("there is no client `{0}` in the user pool")]
    UnknownClient(String),
    /// The key does not sign the token.
    #[error("cannot sign the token: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

impl Issuer {
    /// Signs an access token for any user name.
    pub fn issue(&self, request: &TokenRequest) -> Result<Token, TokenRequestError> {
        if request.username.is_empty() {
            return Err(TokenRequestError::NoUsername);
        }
        let pool = self.choose_pool(request)?;
        let UserPoolClient { id: client, access_token_lifetime, .. } =
            choose_client(pool, request.client_id.as_deref())?;
        let lifetime = i64::try_from(access_token_lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires_in = request.expires_in.unwrap_or(lifetime);
        let now = i64::try_from(get_current_timestamp()).unwrap_or(i64::MAX);

        let mut claims = Map::new();
        claims.insert("sub".into(), json!(request.username));
        claims.insert("username".into(), json!(request.username));
        claims.insert("iss".into(), json!(pool.issuer));
        claims.insert("aud".into(), json!(client));
        claims.insert("client_id".into(), json!(client));
        claims.insert("token_use".into(), json!("access"));
        claims.insert("iat".into(), json!(now));
        claims.insert("exp".into(), json!(now.saturating_add(expires_in)));
        claims.insert("jti".into(), json!(Uuid::new_v4()));
        for (name, value) in &request.claims {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }

        let own = self.key().header();
        let header = Header { alg: request.algorithm.unwrap_or(own.alg), ..own };
        let access_token = jsonwebtoken::encode(&header, &claims, &self.key().encoding)?;
        Ok(Token { access_token, token_type: "Bearer", expires_in })
    }

    fn choose_pool(&self, request: &TokenRequest) -> Result<&UserPool, TokenRequestError> {
        if let Some(id) = &request.pool {
            return self.pool(id).ok_or_else(|| TokenRequestError::UnknownPool(id.clone()));
        }
        if let Some(client) = &request.client_id {
            return self
                .pools()
                .iter()
                .find(|pool| pool.clients.iter().any(|known| known.id == *client))
                .ok_or_else(|| TokenRequestError::UnknownClient(client.clone()));
        }
        self.pools().first().ok_or(TokenRequestError::NoPool)
    }
}

fn choose_client<'a>(pool: &'a UserPool, wanted: Option<&str>) -> Result<&'a UserPoolClient, TokenRequestError> {
    let client = match wanted {
        Some(id) => pool
            .clients
            .iter()
            .find(|client| client.id == id)
            .ok_or_else(|| TokenRequestError::UnknownClient(id.to_owned()))?,
        // A user gets a token from a client of users.
        None => pool
            .clients
            .iter()
            .find(|client| client.credentials.is_none())
            .ok_or_else(|| TokenRequestError::NoClient(pool.id.clone()))?,
    };
    Ok(client)
}
