//! The objects of the archive, in a bucket of their own.
//!
//! | key | |
//! |---|---|
//! | `<conversation>/<first seq>-<generation>-<letters>` | a chunk: the items of a segment; the letters are of chance. See `chat::archive` |
//!
//! Many functions read here, seldom, and their starts must not pay for it: so requests are signed and sent without the SDK. Each
//! is tried up to three times after 429, 5xx and failures of the connection.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::Timestamp;
use domain::error::causes;
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::dynamodb::retry::back_off;
use crate::signed_requests::{Answer, BodyHash, RequestError, SignedRequests, endpoint_elsewhere};

/// Name of the service in errors.
const S3: &str = "S3";

/// Attempts of a request.
const ATTEMPTS: u32 = 3;

/// Time limit of an attempt.
const TIMEOUT: Duration = Duration::from_secs(3);

/// An answer of S3 that the request does not expect.
#[derive(Debug, thiserror::Error)]
#[error("S3 answered {0}")]
struct Unexpected(u16);

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    pub key: String,
    /// Time at which it was written.
    pub modified: Timestamp,
}

/// Reads and writes the objects of the archive.
#[derive(Clone, Debug)]
pub struct ChunkObjects {
    signed: Arc<SignedRequests>,
    /// URL of the bucket, without a slash at its end.
    url: String,
}

impl ChunkObjects {
    /// The bucket at this URL, `https://<bucket>.s3…`, unless the environment leads to another S3.
    pub fn new(config: &SdkConfig, http: SharedHttpConnector, url: &str) -> Result<Self, StoreError> {
        let url = endpoint_elsewhere("S3").map_or_else(|| url.to_owned(), |endpoint| by_path(&endpoint, url));
        Self::at(config, http, &url)
    }

    /// The bucket at exactly this URL.
    pub fn at(config: &SdkConfig, http: SharedHttpConnector, url: &str) -> Result<Self, StoreError> {
        let signed = SignedRequests::new(config, http, "s3", BodyHash::Sent).map_err(failed)?;
        Ok(Self { signed: Arc::new(signed), url: url.trim_end_matches('/').to_owned() })
    }

    /// Reads an object; `None` if there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let answer = self.send(&Method::GET, &format!("/{key}"), &[], None).await?;
        match answer.status {
            200 => answer.body.map(Some).map_err(busy),
            // Without the permission to list, S3 forbids to read what is not there.
            403 | 404 => Ok(None),
            status => Err(failed(Unexpected(status))),
        }
    }

    /// Writes an object. S3 compares it with the SHA-256, in base64.
    pub async fn put(&self, key: &str, body: &[u8], sha256: &str) -> Result<(), StoreError> {
        let answer = self.send(&Method::PUT, &format!("/{key}"), body, Some(sha256)).await?;
        if answer.status == 200 { Ok(()) } else { Err(failed(Unexpected(answer.status))) }
    }

    /// Deletes an object, if there is one.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let answer = self.send(&Method::DELETE, &format!("/{key}"), &[], None).await?;
        if matches!(answer.status, 200 | 204 | 404) { Ok(()) } else { Err(failed(Unexpected(answer.status))) }
    }

    /// Returns the objects whose keys begin with a prefix, at most a thousand.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let query = format!("/?list-type=2&prefix={}", utf8_percent_encode(prefix, NON_ALPHANUMERIC));
        let answer = self.send(&Method::GET, &query, &[], None).await?;
        if answer.status != 200 {
            return Err(failed(Unexpected(answer.status)));
        }
        Ok(objects_in(&String::from_utf8_lossy(&answer.body.map_err(busy)?)))
    }

    async fn send(&self, method: &Method, path: &str, body: &[u8], sha256: Option<&str>) -> Result<Answer, StoreError> {
        let mut attempt = 1;
        loop {
            let mut request = http::Request::new(body.to_vec());
            *request.method_mut() = method.clone();
            *request.uri_mut() = format!("{}{path}", self.url).parse().map_err(failed)?;
            if let Some(sha256) = sha256 {
                let value = HeaderValue::from_str(sha256).map_err(failed)?;
                request.headers_mut().insert("x-amz-checksum-sha256", value);
            }
            let error = match self.signed.send(request, TIMEOUT).await {
                Ok(answer) if answer.status == 429 || answer.status >= 500 => busy(Unexpected(answer.status)),
                // A body that broke off is read again.
                Ok(Answer { body: Err(error), .. }) => busy(error),
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_of_service() => busy(error),
                Err(error) => return Err(failed::<RequestError>(error)),
            };
            if attempt == ATTEMPTS {
                return Err(error);
            }
            tracing::info!(attempt, error = causes(&error), "a request to the archive is repeated");
            back_off(attempt).await;
            attempt += 1;
        }
    }
}

/// Returns the SHA-256 of an object, in base64.
pub fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// Returns the URL of a bucket at an endpoint that has buckets as paths.
fn by_path(endpoint: &str, url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bucket = host.split_once('.').map_or(host, |(bucket, _)| bucket);
    format!("{}/{bucket}", endpoint.trim_end_matches('/'))
}

/// Returns letters for the key of an object, which no other attempt to write one has.
pub fn unique_letters() -> String {
    // The generator of the SDK's own jitter: a simulation can seed it.
    format!("{:016x}", fastrand::u64(..))
}

/// Returns the objects of a list. Keys of the archive have no character that XML would escape.
fn objects_in(list: &str) -> Vec<ListedObject> {
    let element = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    };
    let objects = list.split("<Contents>").skip(1).filter_map(|object| {
        let modified = Timestamp::parse(&element(object, "LastModified")?)?;
        Some(ListedObject { key: element(object, "Key")?, modified })
    });
    objects.collect()
}

fn busy(source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Busy { service: S3, source: Box::new(source) }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(source: E) -> StoreError {
    StoreError::Service { service: S3, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_path_where_the_environment_leads() {
        let url = "https://bucket-1.s3.dualstack.eu-west-1.amazonaws.com";
        assert_eq!(by_path("http://127.0.0.1:9", url), "http://127.0.0.1:9/bucket-1");
    }

    #[test]
    fn objects_of_a_list_are_found() {
        let object = |key: &str| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-11-28T01:02:03.000Z</LastModified><Size>3</Size></Contents>"
            )
        };
        let list = format!("<R><Prefix>a/</Prefix>{}{}</R>", object("a/1"), object("a/2"));
        let found = objects_in(&list);
        assert_eq!(found.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["a/1", "a/2"]);
        assert_eq!(Some(found[1].modified), Timestamp::parse("2026-11-28T01:02:03Z"));
        assert!(objects_in("<R></R>").is_empty());
    }

    #[test]
    fn checksums_are_in_base64() {
        assert_eq!(checksum(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
