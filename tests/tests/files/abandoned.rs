//! Abandoned uploads are deleted: in a cloud whose signatures are valid for two seconds.

use domain::Timestamp;
use end_to_end::{Cloud, TestUser};

use crate::uploader::{Bucket, announce, announcement, put, until};

#[tokio::test]
async fn uploads_that_miss_their_deadline_are_deleted() {
    let cloud = tokio::task::spawn_blocking(|| Cloud::start_with(None, &["UploadLifetime=2"])).await.unwrap();
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"x")).await;
    let file = announced["file"]["file_id"].as_str().unwrap();
    let expires_at: Timestamp = serde_json::from_value(announced["upload"]["expires_at"].clone()).unwrap();
    until(async || (Timestamp::now() > expires_at.plus(std::time::Duration::from_secs(1))).then_some(())).await;
    assert_eq!(put(&announced["upload"], &[], b"x".to_vec()).await, (403, "AccessDenied".to_owned()), "expired");
    until(async || (alice.get(&format!("/v1/files/{file}")).await.0 == 404).then_some(())).await;
    assert_eq!(Bucket::of(&cloud).keys(file).await, [] as [String; 0]);
}
