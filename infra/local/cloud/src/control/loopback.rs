//! Keeps pages from elsewhere out.
//!
//! A page may make its reader's browser send requests to loopback. With a name of its own that resolves there (DNS
//! rebinding), it could even read the answers: such requests name that host. Requests that it sends without reading the
//! answers name its origin.

use std::net::IpAddr;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Refuses requests to another host than loopback, and of pages that come from one.
pub(super) async fn only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(authority);
    let origin_is_local =
        headers.get(ORIGIN).is_none_or(|origin| origin_authority(origin).as_ref().is_some_and(is_loopback));
    if host.as_ref().is_some_and(is_loopback) && origin_is_local {
        return next.run(request).await;
    }
    let message = "only for this machine: use localhost or 127.0.0.1";
    (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response()
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

fn origin_authority(origin: &HeaderValue) -> Option<Authority> {
    origin.to_str().ok()?.parse::<Uri>().ok()?.into_parts().authority
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_loopback_are_recognized() {
        let host = |text: &'static str| authority(&HeaderValue::from_static(text)).as_ref().is_some_and(is_loopback);
        for local in ["localhost:1", "LOCALHOST", "127.0.0.1:3000", "127.1.2.3", "[::1]:80"] {
            assert!(host(local), "{local}");
        }
        for other in ["example.com", "localhost.example.com:1", "127.0.0.1.example.com", "192.168.0.1", "", "[::2]"] {
            assert!(!host(other), "{other}");
        }
        let origin =
            |text: &'static str| origin_authority(&HeaderValue::from_static(text)).as_ref().is_some_and(is_loopback);
        assert!(origin("http://127.0.0.1:4000"));
        for other in ["null", "https://example.com", "file://", ""] {
            assert!(!origin(other), "{other}");
        }
    }
}
