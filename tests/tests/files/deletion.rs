//! A file is deleted with the last message that references it.

use end_to_end::{Cloud, aws};
use serde_json::{Value, json};

use crate::sharing::send_with_files;
use crate::uploader::{Bucket, PNG, announce, announcement, pair, processed, put, ready, until};

#[tokio::test]
async fn deleting_the_last_reference_deletes_the_file() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let (file, other) = (
        ready(&alice, &conversation, "a.png", "image/png", PNG).await,
        ready(&alice, &conversation, "b.txt", "text/plain", b"kept").await,
    );
    for n in 1..=3 {
        let files: &[&str] = if n == 2 { &[&file, &other] } else { &[&file] };
        assert_eq!(a.ask(send_with_files(&conversation, n, files)).await["seq"], n + 1);
    }
    // A deletion that races with a message that references the file is refused, perhaps a little later.
    let refused = until(async || {
        let (status, problem) = alice.delete(&format!("/v1/files/{other}")).await;
        (status != 204).then_some((status, problem["code"].clone()))
    });
    assert_eq!(refused.await, (409, json!("file_in_use")));
    let delete = async |seq: u64| {
        let (status, _) = alice.delete(&format!("/v1/conversations/{conversation}/messages/{seq}")).await;
        assert_eq!(status, 204);
        let path = format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}");
        assert_eq!(bob.get_without_redirects(&path, "*/*").await.0, 404, "the content is not readable any more");
    };
    let content = |seq: u64| format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}");
    delete(2).await;
    delete(4).await;
    // Long enough for unreferenced files: this one expired after both, and nothing else references it.
    let unused = ready(&alice, &conversation, "c.txt", "text/plain", b"deleted").await;
    assert_eq!(alice.delete(&format!("/v1/files/{unused}")).await.0, 204);
    Bucket::shared().is_without(&unused).await;
    assert_eq!(bob.get_without_redirects(&content(3), "*/*").await.0, 302, "one message still references the file");
    assert!(Bucket::shared().has(&file).await);
    delete(3).await;
    Bucket::shared().is_without(&file).await;
    Bucket::shared().is_without(&other).await;
    for deleted in [&file, &other, &unused] {
        until(async || (alice.get(&format!("/v1/files/{deleted}")).await.0 == 404).then_some(())).await;
        let refused = a.ask(send_with_files(&conversation, 7, &[deleted])).await;
        assert_eq!(refused["error"]["code"], "file_not_ready");
    }
}

#[tokio::test]
async fn resend_is_accepted_after_its_file_was_deleted() {
    let (alice, _, conversation) = pair().await;
    let mut a = alice.connect().await;
    let file = ready(&alice, &conversation, "a.txt", "text/plain", b"x").await;
    let frame = send_with_files(&conversation, 1, &[&file]);
    a.ask(frame.clone()).await;
    alice.delete(&format!("/v1/conversations/{conversation}/messages/2")).await;
    Bucket::shared().is_without(&file).await;
    let again = a.ask(frame).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)), "{again}");
}

#[tokio::test]
async fn deleted_file_is_not_restored_by_a_late_upload() {
    let (alice, _, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"x")).await;
    let (file, signed) = (announced["file"]["file_id"].as_str().unwrap(), &announced["upload"]);
    assert_eq!(put(signed, &[], b"x".to_vec()).await.0, 200);
    processed(&alice, file).await;
    assert_eq!(alice.delete(&format!("/v1/files/{file}")).await.0, 204);
    Bucket::shared().is_without(file).await;
    assert_eq!(put(signed, &[], b"x".to_vec()).await.0, 200, "the signed request is valid for 15 minutes");
    Bucket::shared().is_without(file).await;
    assert_eq!(alice.get(&format!("/v1/files/{file}")).await.0, 404);
}

/// Deleting a file again is no error for its owner, before and after its bytes are gone. To others it does not exist.
#[tokio::test]
async fn file_is_deleted_repeatedly() {
    let (alice, bob, conversation) = pair().await;
    let (_, announced) = announce(&alice, &conversation, &announcement("a.txt", "text/plain", b"x")).await;
    let pending = announced["file"]["file_id"].as_str().unwrap().to_owned();
    let accepted = ready(&alice, &conversation, "b.txt", "text/plain", b"deleted").await;
    for file in [&pending, &accepted] {
        let path = format!("/v1/files/{file}");
        for _ in 0..3 {
            assert_eq!(alice.delete(&path).await, (204, Value::Null));
            assert_eq!(bob.delete(&path).await.1["code"], "file_not_found");
        }
        until(async || (alice.get(&path).await.0 == 404).then_some(())).await;
        assert_eq!(alice.delete(&path).await, (204, Value::Null));
        assert_eq!(bob.delete(&path).await.1["code"], "file_not_found");
    }
    assert_eq!(alice.delete(&format!("/v1/files/{}", uuid::Uuid::new_v4())).await.1["code"], "file_not_found");
}

#[tokio::test]
async fn account_deletion_deletes_unreferenced_files() {
    let (alice, bob, conversation) = pair().await;
    let attached = ready(&alice, &conversation, "a.txt", "text/plain", b"sent").await;
    let unused = ready(&alice, &conversation, "b.txt", "text/plain", b"unsent").await;
    let pending = announce(&alice, &conversation, &announcement("c.txt", "text/plain", b"late")).await.1;
    alice.connect().await.ask(send_with_files(&conversation, 1, &[&attached])).await;
    assert_eq!(alice.delete("/v1/users/me").await.0, 204);
    // The message that follows half a minute later, sent now.
    let again = json!({"user_id": alice.user_id}).to_string();
    let (sqs, url) = (aws::sqs(Cloud::shared()), aws::relay_queue_url(Cloud::shared()));
    sqs.send_message().queue_url(url).message_body(again).send().await.unwrap();
    Bucket::shared().is_without(&unused).await;
    let late = pending["file"]["file_id"].as_str().unwrap();
    assert_eq!(put(&pending["upload"], &[], b"late".to_vec()).await.0, 200);
    Bucket::shared().is_without(late).await;
    let path = format!("/v1/files/{attached}/content?conversation_id={conversation}&seq=2");
    assert_eq!(bob.get_without_redirects(&path, "*/*").await.0, 302, "files of sent messages are kept");
    assert_eq!(alice.get(&format!("/v1/files/{attached}/content")).await.1["code"], "user_deleted");
}

#[tokio::test]
async fn concurrent_send_keeps_the_file_it_references() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    for round in 0..4_u64 {
        let file = ready(&alice, &conversation, "a.txt", "text/plain", b"x").await;
        let at = 1 + 3 * round;
        a.ask(send_with_files(&conversation, at, &[&file])).await;
        // At once: either the second message is there and the file with it, or neither.
        let message = format!("/v1/conversations/{conversation}/messages/{}", at + 1);
        let (deleted, sent) =
            tokio::join!(alice.delete(&message), a.ask(send_with_files(&conversation, at + 1, &[&file])));
        assert_eq!(deleted.0, 204);
        let Some(seq) = sent["seq"].as_u64() else {
            assert_eq!(sent["error"]["code"], "file_not_ready");
            a.ask(filler(&conversation, at + 2)).await;
            continue;
        };
        // Longer than it would take to go.
        let unused = ready(&alice, &conversation, "b.txt", "text/plain", b"x").await;
        alice.delete(&format!("/v1/files/{unused}")).await;
        Bucket::shared().is_without(&unused).await;
        let path = format!("/v1/files/{file}/content?conversation_id={conversation}&seq={seq}");
        assert_eq!(bob.get_without_redirects(&path, "*/*").await.0, 302);
        assert!(Bucket::shared().has(&file).await, "round {round}");
    }
}

fn filler(conversation: &str, after_seq: u64) -> Value {
    let mut frame = send_with_files(conversation, after_seq, &[]);
    frame["text"] = json!("x");
    frame
}
