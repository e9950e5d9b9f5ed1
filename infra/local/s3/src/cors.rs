//! Requests of pages from other origins: preflights, and the headers that let a page read an answer.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

use std::pin::Pin;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service;
use local_template::model::{Bucket, BucketCors};
use s3s::service::S3Service;
use s3s::{Body, HttpError};

/// Headers on which an answer depends, for caches.
const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// The service with the CORS configuration of its buckets.
#[derive(Clone)]
pub(super) struct WithCors {
    service: S3Service,
    buckets: Arc<[Bucket]>,
}

impl WithCors {
    pub(super) fn new(service: S3Service, buckets: Arc<[Bucket]>) -> Self {
        Self { service, buckets }
    }

    fn rules(&self, path: &str) -> &[BucketCors] {
        let name = path.split('/').nth(1).unwrap_or_default();
        self.buckets.iter().find(|bucket| bucket.name == name).map(|bucket| &*bucket.cors).unwrap_or_default()
    }

    fn preflight(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let rules = self.rules(path);
        let Some(origin) = text(&ORIGIN) else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                "Insufficient information. Origin request header needed.",
            );
        };
        if rules.is_empty() {
            return refusal(
                StatusCode::FORBIDDEN,
                "AccessForbidden",
                "CORSResponse: CORS is not enabled for this bucket.",
            );
        }
        let method = text(&ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default();
        let wanted: Vec<_> = text(&ACCESS_CONTROL_REQUEST_HEADERS)
            .unwrap_or_default()
            .split(',')
            .map(|name| name.trim().to_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        let rule = rules.iter().find(|rule| {
            let allowed =
                |name: &String| rule.allowed_headers.iter().any(|allowed| fits(&allowed.to_lowercase(), name));
            allows(rule, origin, method) && wanted.iter().all(allowed)
        });
        let Some(rule) = rule else {
            let sentence = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                            request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                            whitelisted by the resource's CORS spec.";
            return refusal(StatusCode::FORBIDDEN, "AccessForbidden", sentence);
        };
        let mut response = Response::new(Body::empty());
        describe(rule, origin, response.headers_mut());
        insert(response.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, &wanted.join(", "));
        response
    }
}

impl Service<Request<Incoming>> for WithCors {
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let path = request.uri().path();
        if request.method() == Method::OPTIONS {
            let answer = self.preflight(path, request.headers());
            return Box::pin(std::future::ready(Ok(answer)));
        }
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
        let allowed = origin.and_then(|origin| {
            let rule = self.rules(path).iter().find(|rule| allows(rule, &origin, request.method().as_str()))?;
            Some((origin, rule.clone()))
        });
        let answer = Service::call(&self.service, request);
        Box::pin(async move {
            let mut answer = answer.await?;
            if let Some((origin, rule)) = allowed {
                describe(&rule, &origin, answer.headers_mut());
            }
            Ok(answer)
        })
    }
}

fn allows(rule: &BucketCors, origin: &str, method: &str) -> bool {
    rule.allowed_origins.iter().any(|allowed| fits(allowed, origin))
        && rule.allowed_methods.iter().any(|allowed| allowed == method)
}

fn describe(rule: &BucketCors, origin: &str, headers: &mut HeaderMap) {
    if rule.allowed_origins.iter().any(|allowed| allowed == "*") {
        insert(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    } else {
        insert(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        insert(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    insert(headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    insert(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed_headers.join(", "));
    if let Some(seconds) = rule.max_age {
        insert(headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    insert(headers, VARY, VARIES);
}

/// Inserts a header; none for an empty value. A value from a header fits into one again.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

/// At most one `*`, which stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((begin, end)) => text.len() >= begin.len() + end.len() && text.starts_with(begin) && text.ends_with(end),
    }
}

fn refusal(status: StatusCode, code: &str, sentence: &str) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{sentence}</Message></Error>"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("*", "https://a.example") && fits("https://*.example", "https://a.example"));
        assert!(fits("x-amz-*", "x-amz-checksum-sha256") && fits("content-type", "content-type"));
        assert!(!fits("https://*.example", "http://a.example") && !fits("aa*aa", "aaa"));
    }
}
