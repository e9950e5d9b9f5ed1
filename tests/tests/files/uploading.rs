//! From the announcement to a file that is ready, or is not.

use end_to_end::Person;
use serde_json::json;

use crate::uploader::{Bucket, PNG, announce, described, put, settled, sha256, upload};

async fn pair() -> (Person, Person, String) {
    let (alice, bob) = tokio::join!(Person::new("alice"), Person::new("bob"));
    let conversation = alice.talk_to(&bob).await;
    (alice, bob, conversation)
}

#[tokio::test]
async fn a_file_is_announced_uploaded_and_ready() {
    let (alice, _, conversation) = pair().await;
    let mut socket = alice.connect().await;
    let file = upload(&alice, &conversation, "dot.png", "image/png", PNG).await;
    let told = socket.next("file").await["file"].clone();
    assert_eq!((&told["file_id"], &told["status"]), (&json!(file), &json!("ready")), "{told}");
    let settled = settled(&alice, &file).await;
    assert_eq!(settled, told);
    assert_eq!((&settled["name"], &settled["sha256"]), (&json!("dot.png"), &json!(sha256(PNG))));
    assert!(Bucket::shared().has(&file).await);
}

#[tokio::test]
async fn a_signed_request_is_good_for_these_bytes_alone() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &described("a.txt", "text/plain", b"hello")).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    let other = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(put(signed, &[], b"hello, you".to_vec()).await, other, "another length");
    assert_eq!(put(signed, &[("content-type", "text/html")], b"hello".to_vec()).await, other, "another type");
    assert_eq!(put(signed, &[], b"jello".to_vec()).await, (400, "BadDigest".to_owned()), "other bytes");
    assert!(!Bucket::shared().has(file).await, "nothing was written");
    assert_eq!(put(signed, &[], b"hello".to_vec()).await, (200, String::new()));
    assert_eq!(settled(&alice, file).await["status"], "ready");
}
