//! Uploads in one piece.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::presigning::PresignedRequest;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::Timestamp;
use domain::file::{File, Sha256Hex, SignedRequest};

use super::{Objects, good_for, s3, upload_key};
use crate::StoreError;

/// Time limit of a request with megabytes.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Objects {
    /// Writes the bytes of a file that is ready. Safe to repeat.
    pub async fn put(&self, file: &File, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(upload_key(file.file_id));
        let put = put.content_type(file.content_type.as_str()).checksum_sha256(base64(&file.sha256));
        put.body(ByteStream::from(bytes)).customize().config_override(patient()).send().await.map(drop).map_err(s3)
    }

    /// Signs a request that uploads exactly this file. Makes no request.
    pub async fn sign_upload(&self, file: &File, lifetime: Duration) -> Result<SignedRequest, StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(upload_key(file.file_id));
        let put = put
            .content_type(file.content_type.as_str())
            .content_length(signed_length(file.size))
            .checksum_sha256(base64(&file.sha256));
        let expires_at = Timestamp::now().plus(lifetime);
        Ok(request(&put.presigned(good_for(lifetime)?).await.map_err(s3)?, expires_at))
    }
}

/// Returns the limits of requests with many bytes: those of all other requests are seconds.
fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TIMEOUT).operation_timeout(TIMEOUT).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

/// A checksum as S3 writes it.
pub(super) fn base64(sha256: &Sha256Hex) -> String {
    BASE64_STANDARD.encode(sha256.bytes())
}

/// Converts a length to the SDK's type; no file is too long for it.
pub(super) fn signed_length(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Returns the request for a client, with the signed headers only. On Lambda the SDK adds `x-amzn-trace-id`, which is not signed
/// and which the CORS rules of a bucket would have to allow.
pub(super) fn request(signed: &PresignedRequest, expires_at: Timestamp) -> SignedRequest {
    let signed_names = signed_headers(signed.uri());
    let headers = signed.headers().map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<_, _> = headers.filter(|(name, _)| signed_names.contains(&name.as_str())).collect();
    SignedRequest { method: signed.method().to_owned(), url: signed.uri().to_owned(), headers, expires_at }
}

/// Returns the names in the parameter `X-Amz-SignedHeaders` of a presigned URL.
fn signed_headers(url: &str) -> Vec<&str> {
    let parameter = url.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("X-Amz-SignedHeaders="));
    parameter.map_or_else(Vec::new, |names| names.split("%3B").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_headers_are_those_of_the_url() {
        let url = "https://b.s3/k?X-Amz-Expires=1&X-Amz-SignedHeaders=content-length%3Bhost&X-Amz-Signature=0";
        assert_eq!(signed_headers(url), ["content-length", "host"]);
        assert!(signed_headers("https://b.s3/k").is_empty());
    }
}
