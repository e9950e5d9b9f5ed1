//! `Idempotency-Key`: a request that creates something creates it once, however often it is sent.

use sha2::{Digest, Sha256};

use crate::{ApiError, hex};

/// Longest key, in characters.
pub const MAX_KEY_CHARS: usize = 100;

/// An idempotency key of a client, with a digest of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    /// Fingerprint of the request.
    pub digest: String,
}

impl Idempotency {
    /// Checks the key of a request to this path with this body.
    pub fn new(key: &str, path: &str, body: &str) -> Result<Self, ApiError> {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            return Err(ApiError::invalid(format!("`Idempotency-Key` must have 1 to {MAX_KEY_CHARS} characters.")));
        }
        let digest = hex(&Sha256::new().chain_update(path).chain_update([0]).chain_update(body).finalize());
        Ok(Self { key: key.to_owned(), digest })
    }
}
