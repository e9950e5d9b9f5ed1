//! Uploads from a browser's form, which a policy limits:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::{Service, browser, happened};

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// Posts a file under a policy of an hour ago, for keys `in/…`, at most ten bytes long, until that time. Gives the status.
async fn post(address: &str, key: &str, file: &str, secret: &str, expiration: &str) -> u16 {
    let signed = OffsetDateTime::now_utc() - Duration::from_hours(1);
    let day = signed.format(format_description!("[year][month][day]")).unwrap();
    let date = signed.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap();
    let credential = format!("local/{day}/us-east-1/s3/aws4_request");
    let policy = json!({
        "expiration": expiration,
        "conditions": [
            {"bucket": "photos"},
            ["starts-with", "$key", "in/"],
            ["content-length-range", 1, 10],
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": credential},
            {"x-amz-date": date},
        ],
    });
    let policy = STANDARD.encode(policy.to_string());
    let scope = [&*day, "us-east-1", "s3", "aws4_request"];
    let key_of_day = scope.iter().fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    let signature = hmac(&key_of_day, &policy).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    let fields = [
        ("key", key),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", &date),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    let part = |(name, value): (&str, &str)| {
        format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body: String = fields.into_iter().map(part).collect();
    body.push_str("--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.jpg\"\r\n");
    write!(body, "content-type: image/jpeg\r\n\r\n{file}\r\n--edge--\r\n").unwrap();
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
    assert_eq!(post(&address, "out/p.jpg", "hello", "local", late).await, 400, "another key");
    assert_eq!(post(&address, "in/p.jpg", "hello", "wrong", late).await, 403, "another secret");
    assert_eq!(post(&address, "in/p.jpg", "hello", "local", "2026-01-01T00:00:00.000Z").await, 403, "expired");
    assert!(service.events.try_recv().is_err());
}
