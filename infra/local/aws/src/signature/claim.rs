//! What a request says of its signature.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::{ALGORITHM, MAX_LIFETIME, SignatureError};

const SIGNATURE_BYTES: usize = 32;

/// The parts of a signature, in the header `Authorization` or in the query of a presigned URL.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Access key of the signer.
    pub access_key: Cow<'a, str>,
    /// The day of the signature: `YYYYMMDD`.
    pub(crate) date: &'a str,
    /// The region for which it is.
    pub(crate) region: &'a str,
    /// The service for which it is.
    pub(crate) service: &'a str,
    /// Names of the signed headers.
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: [u8; SIGNATURE_BYTES],
    /// Value of `X-Amz-Date`, the time of signing.
    time: Option<Cow<'a, str>>,
    /// Value of `X-Amz-Security-Token`, the session token.
    token: Option<Cow<'a, str>>,
    /// Of a presigned URL, `X-Amz-Expires`.
    expires: Option<Cow<'a, str>>,
    is_presigned: bool,
}

impl<'a> Claim<'a> {
    /// Reads the signature of a request.
    ///
    /// # Errors
    /// There is none, or it lacks a part.
    pub fn read(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        match headers.get(AUTHORIZATION) {
            Some(header) => Self::in_header(header, headers),
            None => Self::in_query(uri.query().ok_or(SignatureError::Missing)?),
        }
    }

    /// Returns true if the signature is for this service.
    pub fn is_for(&self, service: &str) -> bool {
        self.service == service
    }

    /// Returns true if a header is among the signed.
    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == header)
    }

    /// One that is being made.
    pub(super) fn of_header(key: &'a str, date: &'a str, service: &'a str, signed: &'a str, time: &'a str) -> Self {
        Self {
            access_key: key.into(),
            date,
            region: crate::REGION,
            service,
            signed_headers: signed.into(),
            signature: [0; SIGNATURE_BYTES],
            time: Some(time.into()),
            token: None,
            expires: None,
            is_presigned: false,
        }
    }

    fn in_header(header: &'a HeaderValue, headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let header = header.to_str().map_err(|_| incomplete())?;
        let parameters = header.strip_prefix(ALGORITHM).ok_or_else(incomplete)?;
        let parameter = |name: &str| {
            let mut parts = parameters.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty())
        };
        let other = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(Cow::Borrowed);
        let [access_key, date, region, service] = scope(parameter("Credential").ok_or_else(incomplete)?)?;
        Ok(Self {
            access_key: access_key.into(),
            date,
            region,
            service,
            signed_headers: parameter("SignedHeaders").ok_or_else(incomplete)?.into(),
            signature: parameter("Signature").and_then(bytes).ok_or_else(incomplete)?,
            time: other("x-amz-date"),
            token: other("x-amz-security-token"),
            expires: None,
            is_presigned: false,
        })
    }

    fn in_query(query: &'a str) -> Result<Self, SignatureError> {
        let raw = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let parameter = |name: &str| raw(name).map(|value| percent_decode_str(value).decode_utf8_lossy());
        let signature = raw("X-Amz-Signature").ok_or(SignatureError::Missing)?;
        // The slashes between its parts may be written as `%2F`; within them is nothing else that needs it.
        let credential = raw("X-Amz-Credential").ok_or_else(incomplete)?;
        let [access_key, date, region, service] = scope(credential)?;
        Ok(Self {
            access_key: percent_decode_str(access_key).decode_utf8_lossy(),
            date,
            region,
            service,
            signed_headers: parameter("X-Amz-SignedHeaders").ok_or_else(incomplete)?,
            signature: bytes(signature).ok_or_else(incomplete)?,
            time: parameter("X-Amz-Date"),
            token: parameter("X-Amz-Security-Token"),
            expires: Some(parameter("X-Amz-Expires").ok_or_else(incomplete)?),
            is_presigned: true,
        })
    }

    /// Returns the session token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(super) fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// Returns true for a signature in the query.
    pub(super) fn is_presigned(&self) -> bool {
        self.is_presigned
    }

    /// How long a presigned URL is good.
    pub(super) fn lifetime(&self) -> Result<Option<Duration>, SignatureError> {
        let Some(expires) = &self.expires else { return Ok(None) };
        let lifetime = expires.parse().ok().map(Duration::from_secs).filter(|lifetime| *lifetime <= MAX_LIFETIME);
        lifetime.map(Some).ok_or_else(incomplete)
    }
}

fn incomplete() -> SignatureError {
    let sentence = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
    SignatureError::Incomplete(sentence.to_owned())
}

/// Access key, day, region and service.
fn scope(credential: &str) -> Result<[&str; 4], SignatureError> {
    let separator = if credential.contains('/') {
        "/"
    } else if credential.contains("%2F") {
        "%2F"
    } else {
        "%2f"
    };
    match credential.split(separator).collect::<Vec<_>>()[..] {
        [key, date, region, service, "aws4_request"] if !key.is_empty() && date.len() == 8 => {
            Ok([key, date, region, service])
        }
        _ => Err(incomplete()),
    }
}

/// Reads a signature from its hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}
