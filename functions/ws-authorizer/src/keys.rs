//! The issuer's public keys, found by OpenID Connect Discovery and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::error::causes;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An unknown key id makes the keys be read again, but not more often than this: otherwise forged tokens would turn
/// into requests to the issuer.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(30);

/// Keys are read again after this time, so that one that the issuer withdrew stops counting.
const CACHE_LIFETIME: Duration = Duration::from_hours(1);

/// Time limit of a request to the issuer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The variable of the AWS SDKs that replaces the endpoint of Cognito. If it is set, the documents of a user pool are read from
/// that endpoint.
const COGNITO_ENDPOINT: &str = "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER";

/// Reasons for which the keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The issuer or an endpoint is not a URL.
    #[error("not a valid URL: {0}")]
    Url(String),
    /// The issuer did not answer as documented.
    #[error("the request to the issuer failed")]
    Http(#[from] reqwest::Error),
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<String, Arc<DecodingKey>>,
    read_at: Option<Instant>,
}

/// The keys of one issuer.
pub struct Keys {
    client: Client,
    issuer: String,
    cache: Mutex<Cache>,
    /// Held while the keys are read: one read serves all handshakes that wait for it.
    reading: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of `issuer`; nothing is read yet.
    pub fn new(issuer: String) -> Result<Self, KeyError> {
        let client = Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { client, issuer, cache: Mutex::default(), reading: tokio::sync::Mutex::default() })
    }

    /// Reads the keys during init, when time is free.
    pub async fn warm_up(&self) {
        if let Err(error) = self.get("").await {
            tracing::warn!(
                issuer = self.issuer,
                error = causes(&error),
                "the keys of the issuer were not read during init"
            );
        }
    }

    /// Returns the key with this id; reads the issuer's keys if the cache does not have it. A key that it has waits for no read.
    pub async fn get(&self, key_id: &str) -> Result<Option<Arc<DecodingKey>>, KeyError> {
        let (key, stale) = self.cached(key_id);
        if key.is_some() && !stale {
            return Ok(key);
        }
        let _one_at_a_time = self.reading.lock().await;
        // Another handshake may have read them meanwhile.
        let (key, stale) = self.cached(key_id);
        if stale {
            // Set before reading, so that an issuer that does not answer is not called by every handshake.
            self.with_cache(|cache| cache.read_at = Some(Instant::now()));
            match self.read().await {
                Ok(keys) => self.with_cache(|cache| cache.keys = keys),
                // A cached key is valid until the issuer removes it.
                Err(error) if key.is_some() => {
                    tracing::warn!(
                        issuer = self.issuer,
                        error = causes(&error),
                        "the keys of the issuer were not refreshed"
                    );
                }
                Err(error) => {
                    let issuer = &self.issuer;
                    tracing::error!(
                        issuer,
                        error = causes(&error),
                        "handshakes are refused: the keys of the issuer cannot be read"
                    );
                    return Err(error);
                }
            }
        }
        Ok(self.cached(key_id).0)
    }

    /// Returns the key with this id, and true if the keys have to be read again for it.
    fn cached(&self, key_id: &str) -> (Option<Arc<DecodingKey>>, bool) {
        self.with_cache(|cache| {
            let key = cache.keys.get(key_id).cloned();
            let age = cache.read_at.map(|at| at.elapsed());
            let lifetime = if key.is_some() { CACHE_LIFETIME } else { MIN_REFRESH_INTERVAL };
            (key, age.is_none_or(|age| age >= lifetime))
        })
    }

    fn with_cache<T>(&self, work: impl FnOnce(&mut Cache) -> T) -> T {
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read(&self) -> Result<HashMap<String, Arc<DecodingKey>>, KeyError> {
        let discovery: Discovery =
            self.fetch(&format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'))).await?;
        let set: JwkSet = self.fetch(&discovery.jwks_uri).await?;
        let usable = set.keys.iter().filter_map(|jwk| {
            // Keys of kinds that this function does not accept are no error: issuers publish several.
            Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?)))
        });
        Ok(usable.collect())
    }

    async fn fetch<T: DeserializeOwned>(&self, url: &str) -> Result<T, KeyError> {
        let url = locate(url, std::env::var(COGNITO_ENDPOINT).ok().as_deref())?;
        Ok(self.client.get(url).send().await?.error_for_status()?.json().await?)
    }
}

/// Returns `url`. With a `cognito_endpoint`, a URL of a user pool becomes its path at that endpoint.
fn locate(url: &str, cognito_endpoint: Option<&str>) -> Result<Url, KeyError> {
    let parse = |text: &str| Url::parse(text).map_err(|_| KeyError::Url(text.to_owned()));
    let url = parse(url)?;
    let of_cognito = url.host_str().is_some_and(|host| host.starts_with("cognito-idp."));
    match cognito_endpoint {
        Some(endpoint) if of_cognito => {
            let mut local = parse(endpoint)?;
            local.set_path(url.path());
            Ok(local)
        }
        _ => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn known_key_waits_for_no_read() {
        rustls::crypto::ring::default_provider().install_default().unwrap();
        let keys = Keys::new("https://issuer.example".to_owned()).unwrap();
        let key = Arc::new(DecodingKey::from_secret(b"secret"));
        keys.with_cache(|cache| {
            *cache = Cache { keys: HashMap::from([("known".to_owned(), key)]), read_at: Some(Instant::now()) };
        });
        let _under_way = keys.reading.lock().await;
        assert!(keys.get("known").now_or_never().unwrap().unwrap().is_some());
        assert!(keys.get("unknown").now_or_never().is_none(), "the read may bring it");
    }

    #[test]
    fn only_user_pool_documents_are_redirected_to_the_endpoint() {
        let pool = "https://cognito-idp.us-east-1.amazonaws.com/pool/.well-known/jwks.json";
        let endpoint = Some("http://127.0.0.1:3002");
        assert_eq!(locate(pool, endpoint).unwrap().as_str(), "http://127.0.0.1:3002/pool/.well-known/jwks.json");
        assert_eq!(locate(pool, None).unwrap().as_str(), pool);
        let other = "https://issuer.example/keys";
        assert_eq!(locate(other, endpoint).unwrap().as_str(), other);
    }
}
