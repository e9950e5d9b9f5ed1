//! Requests from pages of other origins.

use local_template::model::Cors;

use super::*;

/// The same API for pages of some origins.
fn api_with_cors() -> HttpApi {
    let cors = Cors {
        allow_origins: vec!["http://app.example".into(), "https://*".into()],
        allow_methods: vec!["GET".into(), "PUT".into()],
        allow_headers: vec!["authorization".into(), "x-a".into()],
        expose_headers: vec!["x-a".into()],
        max_age: Some(60),
        allow_credentials: true,
    };
    HttpApi { cors: Some(cors), ..api() }
}

/// The headers of a response that are about other origins, without the prefix that they share.
fn cors_headers(response: &reqwest::Response) -> BTreeMap<String, String> {
    let headers = response.headers().iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("access-control-")?;
        Some((name.to_owned(), value.to_str().unwrap().to_owned()))
    });
    headers.collect()
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn preflights_are_answered_without_a_function() {
    let gateway = Gateway::of(api_with_cors()).await;
    let preflight = async |path: &str, origin: &str| {
        let request = gateway.client.request(reqwest::Method::OPTIONS, gateway.url(path)).header("Origin", origin);
        request.header("Access-Control-Request-Method", "PUT").send().await.unwrap()
    };
    for origin in ["http://app.example", "https://any.example:8443"] {
        let response = preflight("/plain", origin).await;
        assert_eq!(response.status(), 204);
        let expected = map(&[
            ("allow-origin", origin),
            ("allow-methods", "GET,PUT"),
            ("allow-headers", "authorization,x-a"),
            ("allow-credentials", "true"),
            ("expose-headers", "x-a"),
            ("max-age", "60"),
        ]);
        assert_eq!(cors_headers(&response), expected);
    }
    let stranger = preflight("/plain", "http://other.example").await;
    assert_eq!((stranger.status().as_u16(), cors_headers(&stranger)), (204, map(&[])));
    // A route that takes OPTIONS gets it.
    let routed = preflight("/echo/x", "http://app.example").await;
    assert_eq!(routed.status(), 200);
    assert_eq!(cors_headers(&routed)["allow-methods"], "GET,PUT");

    let plain = gateway.client.request(reqwest::Method::OPTIONS, gateway.url("/plain")).send().await.unwrap();
    assert_eq!(plain.status(), 404);
    let without_cors = Gateway::start().await;
    let request = without_cors.client.request(reqwest::Method::OPTIONS, without_cors.url("/plain"));
    let request = request.header("Origin", "http://app.example").header("Access-Control-Request-Method", "PUT");
    assert_eq!(request.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_gateways_cors_headers_take_the_place_of_the_functions() {
    let gateway = Gateway::of(api_with_cors()).await;
    let get = async |path: &str, origin: &str| {
        gateway.client.get(gateway.url(path)).header("Origin", origin).send().await.unwrap()
    };
    let expected =
        map(&[("allow-origin", "http://app.example"), ("allow-credentials", "true"), ("expose-headers", "x-a")]);
    let response = get("/plain", "http://app.example").await;
    assert_eq!((response.status().as_u16(), cors_headers(&response)), (201, expected.clone()));
    assert_eq!(cors_headers(&get("/users/7", "http://app.example").await), expected);
    assert_eq!(cors_headers(&get("/plain", "http://other.example").await), map(&[]));
    assert_eq!(cors_headers(&gateway.get("/plain").await), map(&[]));
    // Without a configuration, the function's own are as good as any other header.
    assert_eq!(cors_headers(&Gateway::start().await.get("/plain").await), map(&[("allow-origin", "*")]));
}
