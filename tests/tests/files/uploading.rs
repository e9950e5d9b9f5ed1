//! From the announcement to a file that is ready, or is not.

use aws_sdk_s3::primitives::ByteStream;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::uploader::{Bucket, PNG, announce, announcement, pair, processed, put, sha256, upload};

#[tokio::test]
async fn file_is_announced_uploaded_and_ready() {
    let (alice, _, conversation) = pair().await;
    let mut socket = alice.connect().await;
    let file = upload(&alice, &conversation, "dot.png", "image/png", PNG).await;
    let pushed = socket.next("file").await["file"].clone();
    assert_eq!((&pushed["file_id"], &pushed["status"]), (&json!(file), &json!("ready")), "{pushed}");
    let processed = processed(&alice, &file).await;
    assert_eq!(processed, pushed);
    assert_eq!((&processed["name"], &processed["sha256"]), (&json!("dot.png"), &json!(sha256(PNG))));
    assert!(Bucket::shared().has(&file).await);
}

#[tokio::test]
async fn signed_request_accepts_only_the_announced_bytes() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"hello")).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    let other = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(put(signed, &[], b"hello, you".to_vec()).await, other, "another length");
    assert_eq!(put(signed, &[("content-type", "text/html")], b"hello".to_vec()).await, other, "another type");
    assert_eq!(put(signed, &[], b"jello".to_vec()).await, (400, "BadDigest".to_owned()), "other bytes");
    assert!(!Bucket::shared().has(file).await, "no object was written");
    assert_eq!(put(signed, &[], b"hello".to_vec()).await, (200, String::new()));
    assert_eq!(processed(&alice, file).await["status"], "ready");
}

#[tokio::test]
async fn files_of_another_type_are_rejected_and_deleted() {
    let (alice, _, conversation) = pair().await;
    let mut socket = alice.connect().await;
    let html = b"<!doctype html><script>alert(1)</script>";
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, content_type, bytes, reason) in [
        ("a.png", "image/png", &html[..], "type_mismatch"),
        ("a.jpg", "image/jpeg", PNG, "type_mismatch"),
        ("a.svg", "image/svg+xml", svg, "active_content"),
    ] {
        let file = upload(&alice, &conversation, name, content_type, bytes).await;
        let pushed = socket.next("file").await["file"].clone();
        let seen = processed(&alice, &file).await;
        assert_eq!(seen, pushed);
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("rejected"), &json!(reason)), "{name}");
        Bucket::shared().is_without(&file).await;
        let (status, problem) = alice.get(&format!("/v1/files/{file}/content")).await;
        assert_eq!((status, &problem["code"]), (404, &json!("file_not_found")));
    }
}

#[tokio::test]
async fn repeated_upload_changes_nothing() {
    let (alice, _, conversation) = pair().await;
    let mut socket = alice.connect().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"hello")).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    // An event for each, some of them at once.
    for put in join_all((0..3).map(|_| put(signed, &[], b"hello".to_vec()))).await {
        assert_eq!(put, (200, String::new()));
    }
    assert_eq!(processed(&alice, file).await["status"], "ready");
    assert_eq!(socket.next("file").await["file"]["status"], "ready");
    assert_eq!(put(signed, &[], b"hello".to_vec()).await, (200, String::new()));
    // Another file's way through the same function: what came before has been dealt with, or is being.
    upload(&alice, &conversation, "b.txt", "text/plain", b"other").await;
    assert_ne!(socket.next("file").await["file"]["file_id"], file, "the owner is notified once");
    assert_eq!(processed(&alice, file).await["status"], "ready");
    assert!(Bucket::shared().has(file).await);
}

#[tokio::test]
async fn rejected_file_is_not_restored_by_another_upload() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.png", "image/png", b"no image")).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    for _ in 0..2 {
        assert_eq!(put(signed, &[], b"no image".to_vec()).await, (200, String::new()));
        assert_eq!(processed(&alice, file).await["status"], "rejected");
        Bucket::shared().is_without(file).await;
    }
}

#[tokio::test]
async fn unannounced_upload_is_deleted() {
    // Starts the notifications of the bucket.
    let bucket = Bucket::shared();
    let file = Uuid::now_v7().to_string();
    let put = bucket.0.put_object().bucket(Bucket::NAME).key(format!("uploads/{file}"));
    put.body(ByteStream::from_static(b"stray")).send().await.unwrap();
    bucket.is_without(&file).await;
}
