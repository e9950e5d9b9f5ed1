//! Emulates Cognito user pools: an OIDC issuer that signs a token for every request.
//!
//! Only here for the local cloud. There is no password, no user directory and no login page: `POST /token` names a
//! user and gets an access token. Programs get theirs by client credentials, as from Cognito: `POST /oauth2/token`. Tokens carry the pool's own issuer string, the same on every port, so whatever an
//! application derives from `iss` and `sub` survives a restart; so do the tokens, when the key has a file.

mod client_credentials;
mod http;
mod key;
mod token;
mod verify;

use std::path::Path;
use std::sync::Arc;

pub use http::serve;
pub use key::KeyError as IssuerError;
pub use token::{Token, TokenRequest, TokenRequestError};
pub use verify::TokenError;

use key::SigningKey;
use local_template::model::{ClientCredentials, UserPool, UserPoolClient};

/// The user pools of a stack and the one key that signs for all of them. Cheap to clone.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    key: SigningKey,
    pools: Vec<UserPool>,
}

impl Issuer {
    /// Takes the RSA key from `key_file`, or makes one and keeps it there, readable by its owner only. Without a
    /// file the key lives as long as the process.
    pub fn load_or_create(key_file: Option<&Path>, pools: Vec<UserPool>) -> Result<Self, IssuerError> {
        let key = match key_file {
            Some(file) => SigningKey::load_or_create(file)?,
            None => SigningKey::generate()?,
        };
        Ok(Self(Arc::new(Inner { key, pools })))
    }

    fn key(&self) -> &SigningKey {
        &self.0.key
    }

    fn pools(&self) -> &[UserPool] {
        &self.0.pools
    }

    /// Returns the clients of programs, with the pool of each.
    pub fn programs(&self) -> impl Iterator<Item = (&UserPool, &UserPoolClient, &ClientCredentials)> {
        let clients = self.pools().iter().flat_map(|pool| pool.clients.iter().map(move |client| (pool, client)));
        clients.filter_map(|(pool, client)| Some((pool, client, client.credentials.as_ref()?)))
    }

    fn pool(&self, id: &str) -> Option<&UserPool> {
        self.pools().iter().find(|pool| pool.id == id)
    }
}
