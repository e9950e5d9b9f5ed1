//! Large files come in parts.

use end_to_end::TestUser;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::uploader::{Bucket, announce, announcement, pair, processed, put, sha256};

const PART: usize = 8 * 1024 * 1024;

async fn sign(user: &TestUser, file: &str, parts: &[(u64, &[u8])]) -> Vec<Value> {
    let parts: Vec<Value> =
        parts.iter().map(|(number, bytes)| json!({"part_number": number, "sha256": sha256(bytes)})).collect();
    let (status, signed) = user.post(&format!("/v1/files/{file}/parts"), &json!({"parts": parts})).await;
    assert_eq!(status, 200, "{signed}");
    signed["parts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn large_file_is_uploaded_in_parts() {
    let (alice, _, conversation) = pair().await;
    let mut bytes: Vec<u8> = (0..PART + 7).map(|n| u8::try_from(n % 251).unwrap()).collect();
    bytes[..12].copy_from_slice(b"\0\0\0\x18ftypisom");
    let (first, last) = bytes.split_at(PART);
    let (status, announced) = announce(&alice, &conversation, &announcement("v.mp4", "video/mp4", &bytes)).await;
    assert_eq!((status, &announced["upload"]), (201, &json!({"part_size": PART, "part_count": 2})), "{announced}");
    let file = announced["file"]["file_id"].as_str().unwrap();
    let complete = async || alice.post(&format!("/v1/files/{file}/complete"), &json!({})).await;

    for wrong in [
        json!([]),
        json!([{"part_number": 3, "sha256": sha256(last)}]),
        json!([{"part_number": 0, "sha256": sha256(last)}]),
    ] {
        let (status, problem) = alice.post(&format!("/v1/files/{file}/parts"), &json!({"parts": wrong})).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
    }
    let signed = sign(&alice, file, &[(1, first), (2, last)]).await;
    let other = vec![0; last.len()];
    assert_eq!(put(&signed[1], &[], other).await, (400, "BadDigest".to_owned()), "other bytes");
    assert_eq!(
        put(&signed[1], &[], b"short".to_vec()).await,
        (403, "SignatureDoesNotMatch".to_owned()),
        "another length"
    );
    assert_eq!(put(&signed[1], &[], last.to_vec()).await, (200, String::new()));
    let (status, problem) = complete().await;
    assert_eq!((status, &problem["code"]), (409, &json!("upload_incomplete")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains('1'), "{problem}");

    // As often as it takes.
    let again = sign(&alice, file, &[(1, first)]).await;
    assert_eq!(put(&again[0], &[], first.to_vec()).await, (200, String::new()));
    let (status, body) = complete().await;
    assert_eq!((status, &body["file_id"]), (200, &json!(file)), "{body}");
    for (status, again) in join_all((0..5).map(|_| complete())).await {
        assert_eq!((status, &again["file_id"]), (200, &json!(file)), "{again}");
    }
    let processed = processed(&alice, file).await;
    assert_eq!((&processed["status"], &processed["size"]), (&json!("ready"), &json!(bytes.len())), "{processed}");
    let (status, problem) = alice
        .post(&format!("/v1/files/{file}/parts"), &json!({"parts": [{"part_number": 1, "sha256": sha256(first)}]}))
        .await;
    assert_eq!((status, &problem["code"]), (409, &json!("upload_over")));
}

/// Announces a file of two parts with another checksum than it has, or the right one, uploads and completes it at once.
async fn completed(user: &TestUser, conversation: &str, bytes: &[u8], checksum: &str) -> Value {
    let mut announcement = announcement("v.mp4", "video/mp4", bytes);
    announcement["sha256"] = json!(checksum);
    let (_, announced) = announce(user, conversation, &announcement).await;
    let file = announced["file"]["file_id"].as_str().unwrap().to_owned();
    let parts = sign(user, &file, &[(1, &bytes[..PART]), (2, &bytes[PART..])]).await;
    for (signed, bytes) in parts.iter().zip(bytes.chunks(PART)) {
        assert_eq!(put(signed, &[], bytes.to_vec()).await, (200, String::new()));
    }
    let path = format!("/v1/files/{file}/complete");
    let nothing = json!({});
    for (status, body) in join_all((0..5).map(|_| user.post(&path, &nothing))).await {
        assert_eq!((status, &body["file_id"]), (200, &json!(file)), "{body}");
    }
    processed(user, &file).await
}

#[tokio::test]
async fn checksum_of_a_file_in_parts_is_verified() {
    let (alice, _, conversation) = pair().await;
    let mut bytes = vec![7; PART + 1];
    bytes[..12].copy_from_slice(b"\0\0\0\x18ftypisom");
    let right = completed(&alice, &conversation, &bytes, &sha256(&bytes)).await;
    assert_eq!((&right["status"], &right["sha256"]), (&json!("ready"), &json!(sha256(&bytes))), "{right}");
    for wrong in ["0".repeat(64), sha256(&bytes[..PART])] {
        let file = completed(&alice, &conversation, &bytes, &wrong).await;
        assert_eq!((&file["status"], &file["reason"]), (&json!("rejected"), &json!("checksum_mismatch")), "{file}");
        Bucket::shared().is_without(file["file_id"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn aborted_upload_leaves_no_objects() {
    let (alice, _, conversation) = pair().await;
    let bytes = vec![7; PART + 1];
    let (_, announced) = announce(&alice, &conversation, &announcement("v.mp4", "video/mp4", &bytes)).await;
    let file = announced["file"]["file_id"].as_str().unwrap();
    let signed = sign(&alice, file, &[(2, &bytes[PART..])]).await;
    assert_eq!(put(&signed[0], &[], bytes[PART..].to_vec()).await, (200, String::new()));
    assert_eq!(alice.delete(&format!("/v1/files/{file}")).await.0, 204);
    assert_eq!(put(&signed[0], &[], bytes[PART..].to_vec()).await, (404, "NoSuchUpload".to_owned()));
    let (status, problem) = alice.post(&format!("/v1/files/{file}/complete"), &json!({})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("file_not_found")));
    assert_eq!(Bucket::shared().keys(file).await, [] as [String; 0]);
}

#[tokio::test]
async fn small_file_has_no_parts() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"x")).await;
    let file = announced["file"]["file_id"].as_str().unwrap();
    let (status, problem) = alice.post(&format!("/v1/files/{file}/complete"), &json!({})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
}
