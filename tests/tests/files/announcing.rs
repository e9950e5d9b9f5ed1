//! Announcements that are accepted, and announcements that are refused.

use domain::FileId;
use domain::file::NewFile;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::future::join_all;
use serde_json::{Value, json};
use store::sql::FileMetadata;
use store::sql::files::{AnnounceError, Announcement};

use crate::uploader::{announce, announcement, pair, processed, put};

fn of_size(size: u64) -> Value {
    json!({"name": "a", "content_type": "video/mp4", "size": size, "sha256": "0".repeat(64)})
}

#[tokio::test]
async fn malformed_announcements_are_refused() {
    let (alice, _, conversation) = pair().await;
    let good = announcement("a.txt", "text/plain", b"hello");
    for (field, value, status, code) in [
        ("name", json!(""), 400, "invalid_request"),
        ("name", json!(".."), 400, "invalid_request"),
        ("name", json!("a\nb"), 400, "invalid_request"),
        ("name", json!("\u{202e}gnp.exe"), 400, "invalid_request"),
        ("name", json!("a\u{2067}b"), 400, "invalid_request"),
        ("name", json!("a\u{2028}b"), 400, "invalid_request"),
        ("name", json!("\u{200b}"), 400, "invalid_request"),
        ("name", json!("folder/\u{3164}\u{2800}"), 400, "invalid_request"),
        ("name", json!("..\u{feff}"), 400, "invalid_request"),
        ("name", json!("é".repeat(128)), 400, "invalid_request"),
        ("content_type", json!("text/html; charset=utf-8"), 400, "invalid_request"),
        ("content_type", json!("png"), 400, "invalid_request"),
        ("size", json!(0), 400, "invalid_request"),
        ("size", json!(-1), 400, "invalid_request"),
        ("size", json!(5_368_709_121_u64), 413, "file_too_large"),
        ("sha256", json!("abc"), 400, "invalid_request"),
        ("owner_id", json!("me"), 400, "unknown_field"),
    ] {
        let mut file = good.clone();
        file[field] = value;
        let (got, problem) = announce(&alice, &conversation, &file).await;
        assert_eq!((got, &problem["code"]), (status, &json!(code)), "{file}");
    }
}

#[tokio::test]
async fn file_names_are_kept_without_folders_and_are_not_part_of_keys() {
    let (alice, _, conversation) = pair().await;
    for (given, stored) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\я 你.txt", "я 你.txt"),
        ("a\";b.txt", "a\";b.txt"),
        ("%2e%2e", "%2e%2e"),
        ("re\u{301}sume\u{301}\u{200b}.txt", "résumé.txt"),
    ] {
        let (status, announced) = announce(&alice, &conversation, &announcement(given, "text/plain", b"hello")).await;
        assert_eq!((status, &announced["file"]["name"]), (201, &json!(stored)));
        let file = announced["file"]["file_id"].as_str().unwrap();
        let url = announced["upload"]["url"].as_str().unwrap();
        let path = url.split('?').next().unwrap();
        assert!(path.ends_with(&format!("/uploads/{file}")), "{url}");
    }
}

#[tokio::test]
async fn only_members_can_upload() {
    let (alice, _, conversation) = pair().await;
    let non_member = TestUser::new("mallory").await;
    let file = announcement("a.txt", "text/plain", b"hello");
    let (status, problem) = announce(&non_member, &conversation, &file).await;
    assert_eq!((status, &problem["code"]), (404, &json!("conversation_not_found")));
    let (_, announced) = announce(&alice, &conversation, &file).await;
    let id = announced["file"]["file_id"].as_str().unwrap();
    for (got, problem) in [
        non_member.get(&format!("/v1/files/{id}")).await,
        non_member.delete(&format!("/v1/files/{id}")).await,
        non_member.post(&format!("/v1/files/{id}/parts"), &json!({"parts": []})).await,
        non_member.post(&format!("/v1/files/{id}/complete"), &json!({})).await,
        non_member.get(&format!("/v1/files/{id}/content")).await,
        non_member.get(&format!("/v1/files/{id}/thumbnail?size=320")).await,
    ] {
        assert!(got == 404 && problem["code"] == "file_not_found", "{got} {problem}");
    }
}

#[tokio::test]
async fn idempotency_key_announces_one_file() {
    let (alice, _, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/files");
    let file = announcement("a.txt", "text/plain", b"hello");
    let (status, first) = alice.post_with_key(&path, "k", &file).await;
    assert_eq!(status, 201, "{first}");
    let (status, again) = alice.post_with_key(&path, "k", &file).await;
    assert_eq!((status, &again["file"]), (200, &first["file"]));
    assert_eq!(
        put(&again["upload"], &[], b"hello".to_vec()).await,
        (200, String::new()),
        "the repeated answer has a fresh signed request"
    );
    processed(&alice, first["file"]["file_id"].as_str().unwrap()).await;
    let (status, ready) = alice.post_with_key(&path, "k", &file).await;
    assert_eq!((status, &ready["file"]["status"], ready.get("upload")), (200, &json!("ready"), None));
    let (status, problem) = alice.post_with_key(&path, "k", &announcement("b.txt", "text/plain", b"hello")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("idempotency_mismatch")));
}

#[tokio::test]
async fn uploads_of_a_user_are_limited_by_a_quota() {
    let (alice, bob, conversation) = pair().await;
    let half = of_size(5_368_709_120);
    let (first, second) = tokio::join!(announce(&alice, &conversation, &half), announce(&alice, &conversation, &half));
    assert_eq!((first.0, second.0), (201, 201), "{} {}", first.1, second.1);
    let (status, problem) = announce(&alice, &conversation, &of_size(1)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("quota_exceeded")));
    assert_eq!(announce(&bob, &conversation, &of_size(1)).await.0, 201, "each user has their own quota");
    let id = first.1["file"]["file_id"].as_str().unwrap();
    assert_eq!(alice.delete(&format!("/v1/files/{id}")).await.0, 204);
    assert_eq!(alice.get(&format!("/v1/files/{id}")).await.0, 404);
}

#[tokio::test]
async fn concurrent_announcements_cannot_exceed_the_quota() {
    let (alice, _, conversation) = pair().await;
    let new: NewFile = serde_json::from_value(announcement("a.txt", "text/plain", b"hello")).unwrap();
    let races = (0..8).map(async |_| {
        let announcement = Announcement {
            file_id: FileId::generate(),
            owner_id: alice.user_id.parse().unwrap(),
            conversation_id: conversation.parse().unwrap(),
            new: &new,
            upload_id: None,
            idempotency: None,
        };
        // Each with connections of its own, as functions are.
        match FileMetadata::new(aws::database(Cloud::shared())).announce(&announcement, 2 * new.size).await {
            Ok(_) => 1,
            Err(AnnounceError::QuotaExceeded) => 0,
            Err(error) => panic!("{error}"),
        }
    });
    assert_eq!(join_all(races).await.iter().sum::<u32>(), 2);
}
