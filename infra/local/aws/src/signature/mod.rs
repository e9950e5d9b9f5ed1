//! Signature Version 4, of headers and of presigned URLs.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>. S3 has a library of its own for it. The crates
//! that verify signatures derive the key for each request and hash in Rust, which takes longer than a request where nothing is
//! optimised.

mod canonical;
mod claim;

use std::time::Duration;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use ring::hmac;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

pub use claim::Claim;

use super::credentials::Credentials;
use super::hex::hex;
use super::identity::REGION;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Difference between the clocks of client and service that is tolerated.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(5);
/// The longest that a presigned URL is valid.
const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// A request whose caller could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// A part of the signature is missing or has no meaning.
    #[error("{0}")]
    Incomplete(String),
    /// The signature is for another service, region or day.
    #[error("Credential should be scoped to a valid region and to the correct service.")]
    WrongScope,
    /// Nobody has the access key, or the session token is not of that key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature is of another request, or made with another key.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The request was signed too long ago, or will be.
    #[error("{0}")]
    Untimely(String),
}

impl SignatureError {
    /// Returns the status with which most services answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Incomplete(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// Returns the error's code in the services of AWS's JSON protocols.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::WrongScope | Self::Mismatch | Self::Untimely(_) => "InvalidSignatureException",
        }
    }
}

/// A request that may be signed.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// Method of the request.
    pub method: &'a Method,
    /// The path and the query that the client asked for.
    pub uri: &'a Uri,
    /// Headers of the request, with `Host`.
    pub headers: &'a HeaderMap,
    /// Body of the request, whole and undecoded.
    pub body: &'a [u8],
}

/// Derives the key that signs requests to a service on one day (`YYYYMMDD`).
pub(crate) fn signing_key(secret_key: &str, date: &str, service: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret_key}").as_bytes());
    for part in [date, REGION, service, "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

/// Checks that a claim is true of a request: made with this key, and lately.
pub(crate) fn verify(claim: &Claim<'_>, request: Signable<'_>, key: &hmac::Key) -> Result<(), SignatureError> {
    let time = claim.time().ok_or_else(|| {
        let sentence = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
        SignatureError::Incomplete(sentence.to_owned())
    })?;
    let signed = parse(time).ok_or(SignatureError::WrongScope)?;
    if !time.starts_with(claim.date) {
        return Err(SignatureError::WrongScope);
    }
    let text = canonical::string_to_sign(claim, request, time)?;
    hmac::verify(key, text.as_bytes(), &claim.signature).map_err(|_| SignatureError::Mismatch)?;
    check_clock(signed, claim.lifetime()?)
}

/// A signature is good for five minutes, or as long as its URL says.
fn check_clock(signed: OffsetDateTime, lifetime: Option<Duration>) -> Result<(), SignatureError> {
    let now = OffsetDateTime::now_utc();
    let life = lifetime.unwrap_or(MAX_CLOCK_SKEW);
    let minutes = |time: Duration| time.as_secs() / 60;
    if signed + life < now {
        let (signed, limit, now, minutes) = (written(signed), written(now - life), written(now), minutes(life));
        let sentence = format!("Signature expired: {signed} is now earlier than {limit} ({now} - {minutes} min.)");
        return Err(SignatureError::Untimely(sentence));
    }
    if signed > now + MAX_CLOCK_SKEW {
        let (limit, minutes) = (written(now + MAX_CLOCK_SKEW), minutes(MAX_CLOCK_SKEW));
        let (signed, now) = (written(signed), written(now));
        let sentence =
            format!("Signature not yet current: {signed} is still later than {limit} ({now} + {minutes} min.)");
        return Err(SignatureError::Untimely(sentence));
    }
    Ok(())
}

/// Signs a request to an absolute URL by its headers, as AWS's SDKs do.
pub fn sign<B: AsRef<[u8]>>(credentials: &Credentials, service: &str, request: &mut Request<B>) {
    let (time, uri) = (written(OffsetDateTime::now_utc()), request.uri().clone());
    let (date, host) = (&time[..8], uri.authority().map_or("", |authority| authority.as_str()));
    let headers = request.headers_mut();
    let token = credentials.session_token.as_deref().map(|token| ("x-amz-security-token", token));
    for (name, value) in [("host", host), ("x-amz-date", &time)].into_iter().chain(token) {
        // Keys, times and authorities are plain ASCII.
        headers.extend(HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)));
    }
    // This service alone asks for it.
    if service == "aoss" {
        let hash = hex(ring::digest::digest(&ring::digest::SHA256, request.body().as_ref()).as_ref());
        let value = HeaderValue::from_str(&hash).ok();
        request.headers_mut().extend(value.map(|value| (HeaderName::from_static("x-amz-content-sha256"), value)));
    }
    let headers = request.headers();
    let is_signed = |name: &&str| *name == HOST || name.starts_with("x-amz-");
    let mut signed: Vec<&str> = headers.keys().map(HeaderName::as_str).filter(is_signed).collect();
    signed.sort_unstable();
    let signed = signed.join(";");
    let scope = format!("{}/{date}/{REGION}/{service}/aws4_request", credentials.access_key);
    let key = signing_key(&credentials.secret_key, date, service);
    let claim = Claim::of_header(&credentials.access_key, date, service, &signed, &time);
    let (method, headers, body) = (request.method(), request.headers(), request.body().as_ref());
    // All that a signature needs is there.
    let text =
        canonical::string_to_sign(&claim, Signable { method, uri: &uri, headers, body }, &time).unwrap_or_default();
    let signature = hex(hmac::sign(&key, text.as_bytes()).as_ref());
    let value = format!("{ALGORITHM} Credential={scope}, SignedHeaders={signed}, Signature={signature}");
    request.headers_mut().extend(HeaderValue::try_from(value).ok().map(|value| (AUTHORIZATION, value)));
}

fn parse(time: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(time, format).ok().map(PrimitiveDateTime::assume_utc)
}

fn written(time: OffsetDateTime) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    // Writing into a string does not fail.
    time.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::Access;
    use crate::credentials::DEVELOPER_SECRET_KEY;

    fn request(path: &str) -> Request<&'static str> {
        let request = Request::post(format!("http://127.0.0.1:4000{path}")).header("x-amz-target", "Service.Operation");
        request.body("{}").unwrap()
    }

    fn signed(path: &str) -> Request<&'static str> {
        let mut request = request(path);
        sign(&Credentials::developer(), "sqs", &mut request);
        request
    }

    fn checked(request: &Request<&str>) -> Result<(), SignatureError> {
        let (method, uri, headers, body) =
            (request.method(), request.uri(), request.headers(), request.body().as_bytes());
        Access::default().authenticate(Signable { method, uri, headers, body }).map(drop)
    }

    /// The example of AWS's documentation: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-examples.html>.
    #[test]
    fn the_text_is_that_of_awss_example() {
        let request = Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("host", "iam.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .body(())
            .unwrap();
        let (time, key) = ("20150830T123600Z", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let claim = Claim::of_header("AKIDEXAMPLE", "20150830", "iam", "content-type;host;x-amz-date", time);
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let text = canonical::string_to_sign(&claim, Signable { method, uri, headers, body: b"" }, time).unwrap();
        let expected = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                        f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        assert_eq!(text, expected);
        let signature = hmac::sign(&signing_key(key, "20150830", "iam"), text.as_bytes());
        assert_eq!(hex(signature.as_ref()), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn a_request_is_what_its_signer_has_signed() {
        assert_eq!(checked(&signed("/a%3D/@b?x=1&a=%20")), Ok(()));
        let change = |change: fn(&mut Request<&'static str>)| {
            let mut request = signed("/a");
            change(&mut request);
            checked(&request)
        };
        assert_eq!(change(|request| *request.body_mut() = "{ }"), Err(SignatureError::Mismatch));
        assert_eq!(change(|request| *request.method_mut() = Method::PUT), Err(SignatureError::Mismatch));
        assert_eq!(change(|request| *request.uri_mut() = Uri::from_static("/b")), Err(SignatureError::Mismatch));
        assert_eq!(change(|request| *request.uri_mut() = Uri::from_static("/a?b=1")), Err(SignatureError::Mismatch));
        let header = |request: &mut Request<&'static str>, name: &'static str| {
            request.headers_mut().insert(name, HeaderValue::from_static("other"));
        };
        for name in ["host", "x-amz-target"] {
            let mut request = signed("/a");
            header(&mut request, name);
            assert_eq!(checked(&request), Err(SignatureError::Mismatch), "{name}");
        }
        let mut unsigned = signed("/a");
        header(&mut unsigned, "x-amz-other");
        assert!(matches!(checked(&unsigned), Err(SignatureError::Incomplete(_))));
        assert_eq!(checked(&request("/")), Err(SignatureError::Missing));
    }

    #[test]
    fn only_known_keys_sign() {
        let with = |access_key: &str, secret_key: &str| {
            let (access_key, secret_key) = (access_key.to_owned(), secret_key.to_owned());
            let mut request = request("/");
            sign(&Credentials { access_key, secret_key, session_token: None }, "sqs", &mut request);
            checked(&request)
        };
        assert_eq!(with("local", DEVELOPER_SECRET_KEY), Ok(()));
        assert_eq!(with("local", "wrong"), Err(SignatureError::Mismatch));
        assert_eq!(with("stranger", DEVELOPER_SECRET_KEY), Err(SignatureError::UnknownKey));
        assert_eq!(with("ASIASend", DEVELOPER_SECRET_KEY), Err(SignatureError::UnknownKey));
    }

    #[test]
    fn a_signature_is_good_for_minutes() {
        let now = OffsetDateTime::now_utc();
        assert_eq!(check_clock(now - Duration::from_mins(4), None), Ok(()));
        assert_eq!(check_clock(now + Duration::from_mins(4), None), Ok(()));
        assert!(matches!(check_clock(now - Duration::from_mins(6), None), Err(SignatureError::Untimely(_))));
        assert!(matches!(check_clock(now + Duration::from_mins(6), None), Err(SignatureError::Untimely(_))));
        assert_eq!(check_clock(now - Duration::from_mins(6), Some(Duration::from_mins(10))), Ok(()));
    }
}
