//! A request's body, checked against what the request says of it before the storage has all of it.
//!
//! The storage writes an object aside and puts it in its place at the end of the body. A body that ends with an error
//! leaves what was there.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::checksum::Algorithm;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The request's own description of its body.
pub(super) struct Claims {
    checksum: Option<(Algorithm, Expected)>,
    md5: Option<[u8; 16]>,
}

/// The place of a checksum's expected value.
enum Expected {
    Value(String),
    /// After the body, in a header of this name.
    Trailer(String, Option<TrailingHeaders>),
}

/// The properties of a body that was read.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) checksum: Option<(Algorithm, String)>,
}

impl Claims {
    /// Refuses what S3 cannot check. `declared` and `md5` are the values in the request, by field.
    pub(super) fn read(
        declared: &Checksum,
        md5: Option<&str>,
        headers: &HeaderMap,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<Self> {
        let mut values = Algorithm::ALL.into_iter().filter_map(|algorithm| Some((algorithm, algorithm.of(declared)?)));
        let value = values.next();
        if values.next().is_some() {
            let sentence = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(s3_error!(InvalidRequest, "{sentence}"));
        }
        let checksum = match value {
            Some((algorithm, value)) if algorithm.accepts(value) => Some((algorithm, Expected::Value(value.clone()))),
            Some((algorithm, _)) => return Err(invalid_value(algorithm)),
            None => trailing(headers, trailers),
        };
        let md5 = match md5.map(|md5| STANDARD.decode(md5).map(<[u8; 16]>::try_from)) {
            None => None,
            Some(Ok(Ok(md5))) => Some(md5),
            Some(_) => return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid.")),
        };
        Ok(Self { checksum, md5 })
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm)
    }
}

fn trailing(headers: &HeaderMap, trailers: Option<&TrailingHeaders>) -> Option<(Algorithm, Expected)> {
    let name = headers.get("x-amz-trailer")?.to_str().ok()?.trim().to_lowercase();
    let algorithm = Algorithm::from_name(name.strip_prefix("x-amz-checksum-")?)?;
    Some((algorithm, Expected::Trailer(name, trailers.cloned())))
}

fn invalid_value(algorithm: Algorithm) -> S3Error {
    s3_error!(InvalidRequest, "Value for {} header is invalid.", algorithm.header())
}

/// Reasons for which a body is refused. It travels through the storage as the error of a stream.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the body does not match the headers of the request")]
    Digest { what: &'static str, sentence: &'static str },
    #[error("invalid checksum {0:?}")]
    InvalidChecksum(Algorithm),
    #[error("the body was interrupted: {0}")]
    Broken(BoxError),
}

/// The body with its check.
struct Checked {
    body: StreamingBlob,
    /// `None` at the end.
    open: Option<Open>,
    received: Arc<OnceLock<Received>>,
}

struct Open {
    claims: Claims,
    hasher: ChecksumHasher,
    md5: Md5,
    size: u64,
}

/// Wraps a body with the check. Its result is available after the body's end.
pub(super) fn checked(body: StreamingBlob, claims: Claims) -> (StreamingBlob, Arc<OnceLock<Received>>) {
    let received = Arc::<OnceLock<Received>>::default();
    let hasher = claims.algorithm().map(Algorithm::hasher).unwrap_or_default();
    let open = Open { claims, hasher, md5: Md5::new(), size: 0 };
    let body = Checked { body, open: Some(open), received: Arc::clone(&received) };
    (StreamingBlob::new(body), received)
}

impl Stream for Checked {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match std::task::ready!(self.body.poll_next_unpin(context)) {
            Some(Ok(bytes)) => {
                if let Some(open) = &mut self.open {
                    open.hasher.update(&bytes);
                    open.md5.update(&bytes);
                    open.size += bytes.len() as u64;
                }
                Some(Ok(bytes))
            }
            Some(Err(error)) => Some(Err(Refused::Broken(error).into())),
            None => match self.open.take().map(Open::verify) {
                Some(Ok(received)) => {
                    // It is set once: there is one end.
                    let _ = self.received.set(received);
                    None
                }
                Some(Err(refused)) => Some(Err(refused.into())),
                None => None,
            },
        })
    }
}

impl ByteStream for Checked {
    fn remaining_length(&self) -> RemainingLength {
        self.body.remaining_length()
    }
}

impl Open {
    fn verify(self) -> Result<Received, Refused> {
        if self.claims.md5.is_some_and(|md5| md5 != self.md5.finalize()) {
            let sentence = "you specified did not match what we received.";
            return Err(Refused::Digest { what: "Content-MD5", sentence });
        }
        let Some((algorithm, expected)) = self.claims.checksum else {
            return Ok(Received { size: self.size, checksum: None });
        };
        let expected = match expected {
            Expected::Value(value) => value,
            Expected::Trailer(name, trailers) => {
                let read = |trailers: &HeaderMap| Some(trailers.get(&name)?.to_str().ok()?.to_owned());
                let value = trailers.and_then(|trailers| trailers.read(read).flatten());
                value.filter(|value| algorithm.accepts(value)).ok_or(Refused::InvalidChecksum(algorithm))?
            }
        };
        let computed = algorithm.finish(self.hasher);
        if computed != expected {
            let sentence = "you specified did not match the calculated checksum.";
            return Err(Refused::Digest { what: algorithm.name(), sentence });
        }
        Ok(Received { size: self.size, checksum: Some((algorithm, computed)) })
    }
}

/// Returns S3's answer if the storage failed because the body was refused; other errors stay unchanged.
pub(super) fn explained(error: S3Error) -> S3Error {
    match error.source().and_then(|source| source.downcast_ref::<Refused>()) {
        Some(Refused::Digest { what, sentence }) => s3_error!(BadDigest, "The {what} {sentence}"),
        Some(Refused::InvalidChecksum(algorithm)) => invalid_value(*algorithm),
        // The library's error is private: its text is all there is.
        Some(Refused::Broken(source)) if source.to_string().contains("Sha256Mismatch") => {
            let sentence = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            let mut error = S3Error::with_message(S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()), sentence);
            error.set_status_code(http::StatusCode::BAD_REQUEST);
            error
        }
        Some(Refused::Broken(source)) if source.to_string().contains("SignatureMismatch") => {
            s3_error!(SignatureDoesNotMatch)
        }
        Some(Refused::Broken(_)) => {
            s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header"
            )
        }
        None => error,
    }
}
