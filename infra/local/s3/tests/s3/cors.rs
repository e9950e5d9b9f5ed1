//! Pages of other origins.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use local_template::model::BucketCors;
use reqwest::{Method, Response};

use crate::{Service, browser};

const ORIGIN: &str = "https://app.example";

pub(crate) fn rule() -> BucketCors {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    BucketCors {
        allowed_origins: texts(&["https://*.example"]),
        allowed_methods: texts(&["PUT", "GET"]),
        allowed_headers: texts(&["Content-Type", "x-amz-*"]),
        exposed_headers: texts(&["ETag"]),
        max_age: Some(600),
    }
}

async fn preflight(service: &Service, origin: &str, method: &str, headers: &str) -> Response {
    let request = browser().request(Method::OPTIONS, format!("{}/photos/in/p.jpg", service.address));
    let request = request.header("origin", origin).header("access-control-request-method", method);
    request.header("access-control-request-headers", headers).send().await.unwrap()
}

#[tokio::test]
async fn a_page_uploads_by_a_presigned_url() {
    let service = Service::start("local").await;
    let allowed = preflight(&service, ORIGIN, "PUT", "content-type,X-Amz-Checksum-Sha256").await;
    assert_eq!(allowed.status(), 200);
    for (name, value) in [
        ("access-control-allow-origin", ORIGIN),
        ("access-control-allow-methods", "PUT, GET"),
        ("access-control-allow-headers", "content-type, x-amz-checksum-sha256"),
        ("access-control-expose-headers", "ETag"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(allowed.headers()[name], value, "{name}");
    }
    let put = service.client.put_object().bucket("photos").key("in/p.jpg");
    let put = put.presigned(PresigningConfig::expires_in(Duration::from_mins(1)).unwrap()).await.unwrap();
    let answer = browser().put(put.uri()).header("origin", ORIGIN).body("hello").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    // A page may read why it was refused, too.
    let refused = browser().get(put.uri()).header("origin", ORIGIN).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["access-control-allow-origin"], ORIGIN);
    let other = browser().put(put.uri()).header("origin", "https://other").body("hello").send().await.unwrap();
    assert!(other.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn requests_that_no_rule_allows_are_forbidden() {
    let service = Service::start("local").await;
    for (origin, method, headers) in
        [("https://other", "PUT", ""), (ORIGIN, "DELETE", ""), (ORIGIN, "PUT", "content-type, authorization")]
    {
        let refused = preflight(&service, origin, method, headers).await;
        assert_eq!(refused.status(), 403, "{origin} {method} {headers}");
        assert!(refused.text().await.unwrap().contains("<Code>AccessForbidden</Code>"));
    }
}
