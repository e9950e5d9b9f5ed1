//! Verification of access tokens.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use crate::{KeyError, Keys};

/// The claims of a verified token.
#[derive(Debug, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    /// End of the token, in epoch seconds.
    pub exp: i64,
    aud: Option<Audience>,
    client_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
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

/// Verifies tokens of one issuer for one audience.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    audience: String,
    validation: Validation,
}

impl Verifier {
    /// For tokens that `keys` of `issuer` signed with RSA and SHA-256: the algorithm that the HTTP API's own authorizer
    /// and Cognito have in common.
    pub fn new(keys: Keys, issuer: &str, audience: String) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        // Checked below, since the audience may be in another claim.
        validation.validate_aud = false;
        Self { keys, audience, validation }
    }

    /// The claims, if signature, issuer, audience and times are right.
    pub async fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid("not a JWT"))?;
        let key_id = header.kid.ok_or(TokenError::Invalid("no key id"))?;
        let key = self.keys.get(&key_id).await?.ok_or(TokenError::Invalid("unknown key"))?;
        let token = decode::<Claims>(token, &key, &self.validation)
            .map_err(|_| TokenError::Invalid("signature, issuer or time"))?;
        if !token.claims.is_for(&self.audience) {
            return Err(TokenError::Invalid("audience"));
        }
        Ok(token.claims)
    }
}

impl Claims {
    /// Cognito's access tokens name their client in `client_id` and have no `aud`; Like API Gateway's own JWT authorizer, this
    /// function accepts either.
    fn is_for(&self, audience: &str) -> bool {
        match (&self.aud, &self.client_id) {
            (Some(Audience::One(one)), _) => one == audience,
            (Some(Audience::Many(many)), _) => many.iter().any(|one| one == audience),
            (None, Some(client_id)) => client_id == audience,
            (None, None) => false,
        }
    }
}
