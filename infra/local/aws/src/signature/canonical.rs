//! The text that is signed: a request in the one form that client and service agree on.

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::digest::{Context, SHA256, digest};

use super::super::hex::hex;
use super::{ALGORITHM, Claim, Signable, SignatureError};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Builds the text whose HMAC is the signature. `time` is the signature's.
pub(super) fn string_to_sign(claim: &Claim<'_>, request: Signable<'_>, time: &str) -> Result<String, SignatureError> {
    check_headers(claim, request.headers)?;
    let mut context = Context::new(&SHA256);
    let mut add = |parts: &[&str]| parts.iter().for_each(|part| context.update(part.as_bytes()));
    // What has been encoded for the wire is encoded again, except by S3.
    let path = utf8_percent_encode(request.uri.path(), RESERVED_IN_PATH).to_string();
    add(&[request.method.as_str(), "\n", &path, "\n", &query(request.uri.query().unwrap_or_default(), claim), "\n"]);
    for name in claim.signed_headers.split(';') {
        add(&[name, ":", &value(request.headers, name), "\n"]);
    }
    add(&["\n", &claim.signed_headers, "\n", &hex(digest(&SHA256, request.body).as_ref())]);
    let (date, region, service) = (claim.date, claim.region, claim.service);
    let hash = hex(context.finish().as_ref());
    Ok(format!("{ALGORITHM}\n{time}\n{date}/{region}/{service}/aws4_request\n{hash}"))
}

/// A request must not mean anything that its signer has not seen.
fn check_headers(claim: &Claim<'_>, headers: &HeaderMap) -> Result<(), SignatureError> {
    let is_signed = |name: &str| claim.signed_headers.split(';').any(|signed| signed == name);
    if !is_signed("host") {
        let sentence = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
        return Err(SignatureError::Incomplete(sentence.to_owned()));
    }
    let unsigned = |name: &str| name.starts_with("x-amz-") && !is_signed(name);
    if let Some(name) = headers.keys().map(http::HeaderName::as_str).find(|name| unsigned(name)) {
        let sentence = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
        return Err(SignatureError::Incomplete(sentence));
    }
    Ok(())
}

/// The parameters in order, without the signature itself.
fn query(query: &str, claim: &Claim<'_>) -> String {
    let encoded = |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), RESERVED).to_string();
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name), encoded(value))).collect();
    if claim.is_presigned() {
        pairs.retain(|(name, _)| name != "X-Amz-Signature");
    }
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// All values of a header, without needless spaces.
fn value(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let values = values.map(|value| value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
    values.collect::<Vec<_>>().join(",")
}
