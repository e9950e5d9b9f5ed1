//! Uploads from a browser's form, which a policy limits:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::{Service, browser, happened};

const DATE: &str = "20260101";
const CREDENTIAL: &str = "local/20260101/us-east-1/s3/aws4_request";

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// Posts a file under a policy for keys `in/…`, at most ten bytes long, until that time. Gives the status.
async fn post(address: &str, key: &str, file: &str, secret: &str, expiration: &str) -> u16 {
    let policy = json!({
        "expiration": expiration,
        "conditions": [
            {"bucket": "photos"},
            ["starts-with", "$key", "in/"],
            ["content-length-range", 1, 10],
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": CREDENTIAL},
            {"x-amz-date": format!("{DATE}T000000Z")},
        ],
    });
    let policy = STANDARD.encode(policy.to_string());
    let scope = [DATE, "us-east-1", "s3", "aws4_request"];
    let key_of_day = scope.iter().fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    let signature: String = hmac(&key_of_day, &policy).iter().map(|byte| format!("{byte:02x}")).collect();
    let date = format!("{DATE}T000000Z");
    let fields = [
        ("key", key),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", CREDENTIAL),
        ("x-amz-date", &date),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    let part = |(name, value): (&str, &str)| {
        format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body: String = fields.into_iter().map(part).collect();
    body.push_str("--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.jpg\"\r\n");
    body.push_str(&format!("content-type: image/jpeg\r\n\r\n{file}\r\n--edge--\r\n"));
    let request =
        browser().post(format!("{address}/photos")).header("content-type", "multipart/form-data; boundary=edge");
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_form_uploads_what_its_policy_allows() {
    let mut service = Service::start("local").await;
    let address = service.address.clone();
    let late = "2999-01-01T00:00:00.000Z";
    assert_eq!(post(&address, "in/p.jpg", "hello", "local", late).await, 204);
    assert_eq!(service.next().await, happened("ObjectCreated:Post", "in/p.jpg"));
    assert_eq!(service.text("in/p.jpg").await, "hello");
    assert_eq!(post(&address, "in/long.jpg", "far too long", "local", late).await, 400, "content-length-range");
    assert_eq!(post(&address, "out/p.jpg", "hello", "local", late).await, 403, "another key");
    assert_eq!(post(&address, "in/p.jpg", "hello", "wrong", late).await, 403, "another secret");
    assert_eq!(post(&address, "in/p.jpg", "hello", "local", "2026-01-01T00:00:00.000Z").await, 403, "expired");
    assert!(service.events.try_recv().is_err());
}
