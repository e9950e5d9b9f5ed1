//! The HTTP API for pages of another origin.

use end_to_end::test_user::client;
use end_to_end::{Cloud, TestUser};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};

/// A page of a development server; the local cloud allows them on any port.
const PAGE: &str = "http://localhost:5173";

/// Methods and paths that a page may need, with the headers that it sends.
const REQUESTS: [(&str, &str, &str); 5] = [
    ("GET", "/v1/conversations", "authorization"),
    ("POST", "/v1/conversations", "authorization,content-type,idempotency-key"),
    ("PUT", "/v1/users/me", "authorization,content-type"),
    ("PATCH", "/v1/conversations/019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d", "authorization,content-type"),
    ("DELETE", "/v1/files/019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d", "accept,authorization"),
];

async fn preflight(origin: &str, method: &str, path: &str, headers: &str) -> Response {
    let request = client().request(Method::OPTIONS, format!("{}{path}", Cloud::shared().endpoints.http));
    let request = request.header("origin", origin).header("access-control-request-method", method);
    request.header("access-control-request-headers", headers).send().await.unwrap()
}

/// The items of a header, in lower case.
fn items(headers: &HeaderMap, name: &str) -> Vec<String> {
    let value = headers.get(name).map(|value| value.to_str().unwrap().to_lowercase()).unwrap_or_default();
    value.split(',').map(|item| item.trim().to_owned()).collect()
}

#[tokio::test]
async fn preflights_of_an_allowed_page_succeed_without_a_token() {
    let user = TestUser::new("page").await;
    for (method, path, wanted) in REQUESTS {
        let response = preflight(PAGE, method, path, wanted).await;
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert!(items(headers, "access-control-allow-methods").contains(&method.to_lowercase()), "{headers:?}");
        let allowed = items(headers, "access-control-allow-headers");
        assert!(wanted.split(',').all(|name| allowed.contains(&name.to_owned())), "{path}: {headers:?}");
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
    drop(user);
}

#[tokio::test]
async fn a_page_can_read_answers_and_errors() {
    let user = TestUser::new("page").await;
    for (token, path, status) in [
        (user.token.as_str(), "/v1/users/me", 200),
        (&user.token, "/v1/users/nobody", 400),
        ("invalid", "/v1/users/me", 401),
        (&user.token, "/v1/no-such-route", 404),
    ] {
        let request = client().get(format!("{}{path}", Cloud::shared().endpoints.http));
        let response = request.header("origin", PAGE).bearer_auth(token).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["access-control-allow-origin"].as_bytes()),
            (status, PAGE.as_bytes())
        );
        assert!(items(response.headers(), "access-control-expose-headers").contains(&"retry-after".to_owned()));
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_not_allowed() {
    for (method, path, headers) in REQUESTS {
        let response = preflight("https://other.example", method, path, headers).await;
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{:?}", response.headers());
    }
}
