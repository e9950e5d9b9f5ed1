//! From where a service of this machine may be called.
//!
//! Any page may make its reader's browser send requests to loopback. With a name of its own that resolves there (DNS rebinding)
//! it could even read the answers: such requests name that host. Others name the page's origin. AWS's services take signed
//! requests only; here a signature has to be there and for this service. Whose it is, [`access`](crate::access) looks at.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde_json::json;

use super::identity::REGION;
use super::signature::{ALGORITHM, Claim, SignatureError};

/// The rules of one listener.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    hosts: Hosts,
    /// True to admit pages of every origin: the service has rules of its own for them.
    any_origin: bool,
    /// The names of the service for which requests are signed, of which any will do; none where they are not.
    signed_for: &'static [&'static str],
    /// Beginning of the content type of requests with a body.
    content_type: Option<&'static str>,
}

/// Names by which a listener may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hosts {
    /// Names and addresses of loopback.
    Loopback,
    /// These, and addresses: a page that rebinds a name has a name.
    Addresses,
}

/// A request that is not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
}

const FOREIGN: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    code: "AccessDeniedException",
    message: Cow::Borrowed("only for this machine: use localhost or 127.0.0.1"),
};
const WRONG_TYPE: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    code: "SerializationException",
    message: Cow::Borrowed("The content type of the request is not the service's."),
};

impl Admission {
    /// For programs of this machine and pages that it serves.
    pub const fn local() -> Self {
        Self { hosts: Hosts::Loopback, any_origin: false, signed_for: &[], content_type: None }
    }

    /// For signed requests of programs of this machine.
    pub const fn signed(service: &'static [&'static str]) -> Self {
        Self { signed_for: service, ..Self::local() }
    }

    /// The same, with bodies of this content type.
    #[must_use]
    pub const fn with_content_type(self, content_type: &'static str) -> Self {
        Self { content_type: Some(content_type), ..self }
    }

    /// For pages of all origins, whose service decides which of them it answers.
    pub const fn public() -> Self {
        Self { hosts: Hosts::Addresses, any_origin: true, ..Self::local() }
    }

    /// Checks the head of a request.
    ///
    /// # Errors
    /// It is for another host, from a page of another origin, or not signed for the service.
    pub fn check(self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers.get(HOST).and_then(authority).or_else(|| uri.authority().cloned());
        let admits =
            |host: &Authority| is_loopback(host) || (self.hosts == Hosts::Addresses && address(host).is_some());
        if !host.as_ref().is_some_and(admits) {
            return Err(FOREIGN);
        }
        let is_foreign = |origin: &HeaderValue| !origin_authority(origin).as_ref().is_some_and(is_loopback);
        if !self.any_origin && headers.get_all(ORIGIN).iter().any(is_foreign) {
            return Err(FOREIGN);
        }
        // A preflight has neither signature nor body.
        if *method == Method::OPTIONS {
            return Ok(());
        }
        if !self.signed_for.is_empty() {
            check_signature(uri, headers, self.signed_for)?;
        }
        let is_wanted = |wanted: &str| {
            headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(wanted.as_bytes()))
        };
        match self.content_type {
            Some(wanted) if *method == Method::POST && !is_wanted(wanted) => Err(WRONG_TYPE),
            _ => Ok(()),
        }
    }

    /// As a layer of a router.
    pub async fn layer(self, request: Request, next: Next) -> Response {
        match self.check(request.method(), request.uri(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        }
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Self { status: error.status(), code: error.code(), message: error.to_string().into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message });
        (self.status, [("x-amzn-errortype", self.code)], Json(body)).into_response()
    }
}

/// A header `Authorization` of the right form, for clients of a service that leaves the signature to its gate.
pub fn authorization(service: &str) -> String {
    let (scope, signature) = (format!("local/20260101/{REGION}/{service}/aws4_request"), "0".repeat(64));
    format!("{ALGORITHM} Credential={scope}, SignedHeaders=host, Signature={signature}")
}

/// Checks that a request is signed for a service, in its header or in its query.
fn check_signature(uri: &Uri, headers: &HeaderMap, services: &[&str]) -> Result<(), Refusal> {
    let claim = Claim::read(uri, headers)?;
    if claim.region == REGION && services.contains(&claim.service) {
        Ok(())
    } else {
        Err(SignatureError::WrongScope.into())
    }
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

fn origin_authority(origin: &HeaderValue) -> Option<Authority> {
    origin.to_str().ok()?.parse::<Uri>().ok()?.into_parts().authority
}

/// `localhost`, names below it, and addresses of loopback.
fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || address(authority).is_some_and(|address| address.is_loopback())
}

fn address(authority: &Authority) -> Option<IpAddr> {
    authority.host().trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(admission: Admission, headers: &[(&'static str, &str)]) -> Result<(), &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let checked = admission.check(&Method::POST, &Uri::from_static("/Execute"), &map);
        checked.map_err(|refusal| refusal.code)
    }

    #[test]
    fn only_names_of_loopback_are_admitted() {
        for local in ["localhost:1", "LOCALHOST", "127.0.0.1:3000", "127.1.2.3", "[::1]:80", "bucket.localhost:1"] {
            assert_eq!(checked(Admission::local(), &[("host", local)]), Ok(()), "{local}");
            assert_eq!(checked(Admission::public(), &[("host", local)]), Ok(()), "{local}");
        }
        let foreign = Err("AccessDeniedException");
        for other in ["example.com", "localhost.example.com:1", "127.0.0.1.example.com", "notlocalhost", ""] {
            assert_eq!(checked(Admission::local(), &[("host", other)]), foreign, "{other}");
            assert_eq!(checked(Admission::public(), &[("host", other)]), foreign, "{other}");
        }
        for address in ["192.168.0.1", "[::2]", "10.0.2.2:3000"] {
            assert_eq!(checked(Admission::local(), &[("host", address)]), foreign, "{address}");
            assert_eq!(checked(Admission::public(), &[("host", address)]), Ok(()), "{address}");
        }
        assert_eq!(checked(Admission::local(), &[]), foreign, "no host");
    }

    #[test]
    fn only_pages_of_loopback_are_admitted() {
        let with = |origin: &str| checked(Admission::local(), &[("host", "127.0.0.1"), ("origin", origin)]);
        for local in ["http://127.0.0.1:4000", "http://localhost:5173", "https://[::1]"] {
            assert_eq!(with(local), Ok(()), "{local}");
        }
        for other in ["null", "https://example.com", "file://", "", "http://localhost.example.com"] {
            assert_eq!(with(other), Err("AccessDeniedException"), "{other}");
        }
        let two = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://example.com")];
        assert_eq!(checked(Admission::local(), &two), Err("AccessDeniedException"));
        assert_eq!(checked(Admission::public(), &two), Ok(()));
    }

    #[test]
    fn requests_are_signed_for_the_service() {
        let admission = Admission::signed(&["rds-data"]).with_content_type("application/json");
        let json = ("content-type", "application/json");
        let with =
            |authorization: &str| checked(admission, &[("host", "localhost"), json, ("authorization", authorization)]);
        let signature = "a".repeat(64);
        let signed =
            |scope: &str, rest: &str| format!("AWS4-HMAC-SHA256 Credential=key/{scope}, SignedHeaders=host, {rest}");
        let good = signed("20260101/us-east-1/rds-data/aws4_request", &format!("Signature={signature}"));
        assert_eq!(with(&good), Ok(()));
        assert_eq!(checked(admission, &[("host", "localhost"), json]), Err("MissingAuthenticationTokenException"));
        for scope in ["20260101/us-east-1/sqs/aws4_request", "20260101/eu-west-1/rds-data/aws4_request"] {
            assert_eq!(
                with(&signed(scope, &format!("Signature={signature}"))),
                Err("InvalidSignatureException"),
                "{scope}"
            );
        }
        for bad in [
            "Bearer x".to_owned(),
            signed("20260101/us-east-1/rds-data/aws4_request", "Signature=short"),
            signed("us-east-1/rds-data", &format!("Signature={signature}")),
            format!("AWS4-HMAC-SHA256 SignedHeaders=host, Signature={signature}"),
        ] {
            assert_eq!(with(&bad), Err("IncompleteSignatureException"), "{bad}");
        }
        let plain = [("host", "localhost"), ("content-type", "text/plain"), ("authorization", good.as_str())];
        assert_eq!(checked(admission, &plain), Err("SerializationException"));
    }
}
