//! Pages of other origins upload and download: every header that a request needs passes the bucket's preflight.

use end_to_end::test_user::client;
use reqwest::Method;
use serde_json::{Value, json};

use crate::uploader::{PNG, announce, announcement, pair, put, ready, sha256};

/// A page of a development server; the local cloud allows them on any port.
const ORIGIN: &str = "http://localhost:5173";

/// Headers that a browser sends with any request, or that no page can set.
const OF_THE_BROWSER: [&str; 2] = ["content-length", "host"];

/// Asks what a browser asks before it sends a signed request with exactly its headers.
async fn passes_preflight(signed: &Value) -> bool {
    let method = signed["method"].as_str().unwrap();
    let headers = signed["headers"].as_object().unwrap().keys().map(String::as_str);
    let headers: Vec<_> = headers.filter(|name| !OF_THE_BROWSER.contains(name)).collect();
    let preflight = client().request(Method::OPTIONS, signed["url"].as_str().unwrap());
    let preflight = preflight.header("origin", ORIGIN).header("access-control-request-method", method);
    let answer = preflight.header("access-control-request-headers", headers.join(",")).send().await.unwrap();
    let allowed = answer.headers().get("access-control-allow-origin");
    answer.status() == 200 && allowed.is_some_and(|origin| origin == "*" || origin == ORIGIN)
}

/// Names of the headers that are handed out.
fn names(signed: &Value) -> Vec<&str> {
    signed["headers"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// Names of the headers that the signature of a URL covers.
fn signed_names(signed: &Value) -> Vec<String> {
    let url = signed["url"].as_str().unwrap();
    let names = url.split(['?', '&']).find_map(|part| part.strip_prefix("X-Amz-SignedHeaders=")).unwrap();
    names.split("%3B").filter(|name| *name != "host").map(str::to_owned).collect()
}

#[tokio::test]
async fn handed_out_headers_are_the_signed_ones_and_pass_the_preflight() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.png", "image/png", PNG)).await;
    let whole = &announced["upload"];
    assert!(passes_preflight(whole).await, "{whole}");
    assert_eq!(names(whole), signed_names(whole));
    assert_eq!(put(whole, &[("origin", ORIGIN)], PNG.to_vec()).await, (200, String::new()));

    let bytes = vec![7; 8 * 1024 * 1024 + 1];
    let (_, announced) = announce(&alice, &conversation, &announcement("v.bin", "a/b", &bytes)).await;
    let file = announced["file"]["file_id"].as_str().unwrap();
    let parts = json!({"parts": [{"part_number": 2, "sha256": sha256(&bytes[8 * 1024 * 1024..])}]});
    let (_, parts) = alice.post(&format!("/v1/files/{file}/parts"), &parts).await;
    let part = &parts["parts"][0];
    assert!(passes_preflight(part).await, "{part}");
    assert_eq!(names(part), signed_names(part));
    assert_eq!(put(part, &[("origin", ORIGIN)], vec![7]).await, (200, String::new()));
    // A header that is not signed would have to be allowed.
    let mut other = part.clone();
    other["headers"]["x-amzn-trace-id"] = json!("Root=1");
    assert!(!passes_preflight(&other).await);
}

#[tokio::test]
async fn downloads_are_readable_by_pages_of_other_origins() {
    let (alice, _, conversation) = pair().await;
    let file = ready(&alice, &conversation, "a.png", "image/png", PNG).await;
    for path in ["content", "thumbnail?size=320"] {
        let (_, location, _) = alice.get_without_redirects(&format!("/v1/files/{file}/{path}"), "*/*").await;
        let signed = json!({"method": "GET", "url": location.unwrap(), "headers": {"range": "bytes=0-3"}});
        assert!(passes_preflight(&signed).await, "{path}");
        let got = client().get(signed["url"].as_str().unwrap()).header("origin", ORIGIN).header("range", "bytes=0-3");
        let got = got.send().await.unwrap();
        assert_eq!(got.status(), 206);
        assert!(got.headers().contains_key("access-control-allow-origin"), "{path}");
    }
}
