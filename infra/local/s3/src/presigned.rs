//! S3's refusals of presigned URLs and of old requests, beyond those of the library.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use std::time::Duration;

use form_urlencoded::parse;
use s3s::access::S3AccessContext;
use s3s::{S3Error, S3Result, s3_error};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Longest validity of a URL.
const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// Allowed difference between the clocks of client and service.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(15);

/// Checks what the library leaves open about a signature.
pub(super) fn check(context: &S3AccessContext<'_>) -> S3Result<()> {
    let query: Vec<_> = parse(context.uri().query().unwrap_or_default().as_bytes()).collect();
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
    let Some(signed) = parameter("X-Amz-SignedHeaders") else {
        let date = context.headers().get("x-amz-date").and_then(|date| date.to_str().ok());
        return check_clock(date);
    };
    let life = parameter("X-Amz-Expires").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    if life.is_some_and(|life| life > MAX_LIFETIME) {
        let sentence = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                        than 604800 seconds";
        return Err(s3_error!(AuthorizationQueryParametersError, "{sentence}"));
    }
    // The library has found it readable and not expired.
    if time_of(parameter("X-Amz-Date")).is_some_and(|time| time > OffsetDateTime::now_utc() + MAX_CLOCK_SKEW) {
        return Err(s3_error!(AccessDenied, "Request is not yet valid"));
    }
    let is_signed = |name: &str| signed.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    // The digest of the body is itself what is checked.
    let counts = |name: &str| name.starts_with("x-amz-") && name != "x-amz-content-sha256";
    match context.headers().keys().find(|name| counts(name.as_str()) && !is_signed(name.as_str())) {
        Some(_) => Err(s3_error!(AccessDenied, "There were headers present in the request which were not signed")),
        None => Ok(()),
    }
}

/// Of a request that is signed by its headers; one without a date is a form, which has its policy.
fn check_clock(date: Option<&str>) -> S3Result<()> {
    let apart = time_of(date).map(|time| (OffsetDateTime::now_utc() - time).unsigned_abs());
    if apart.is_some_and(|apart| apart > MAX_CLOCK_SKEW) {
        return Err(too_skewed());
    }
    Ok(())
}

fn too_skewed() -> S3Error {
    s3_error!(RequestTimeTooSkewed, "The difference between the request time and the current time is too large.")
}

fn time_of(date: Option<&str>) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(date?, format).ok().map(PrimitiveDateTime::assume_utc)
}
