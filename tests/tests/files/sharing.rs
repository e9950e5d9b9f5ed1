//! Messages reference files, and show them to their readers.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::uploader::{PNG, announce, announcement, pair, ready};

/// A `send` frame with files.
pub(crate) fn send_with_files(conversation: &str, after_seq: u64, files: &[&str]) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
           "after_seq": after_seq, "attachment_ids": files})
}

#[tokio::test]
async fn attachments_are_visible_to_all_readers_of_the_message() {
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let file = ready(&alice, &conversation, "dot.png", "image/png", PNG).await;
    let frame = send_with_files(&conversation, 1, &[&file]);
    let sent = a.ask(frame.clone()).await;
    assert_eq!((&sent["type"], &sent["seq"]), (&json!("sent"), &json!(2)), "{sent}");
    let pushed = b.next("message").await["message"].clone();
    let attachment = &pushed["attachments"][0];
    assert_eq!((&attachment["file_id"], &attachment["name"]), (&json!(file), &json!("dot.png")), "{pushed}");
    assert_eq!((&attachment["content_type"], &attachment["size"]), (&json!("image/png"), &json!(PNG.len())));
    assert_eq!(pushed["text"], "");
    let (_, page) = bob.get(&format!("/v1/conversations/{conversation}/messages?after_seq=1")).await;
    assert_eq!(page["messages"], json!([pushed]));
    let (_, synced) = bob.post("/v1/sync", &json!({"cursors": {&conversation: 1}})).await;
    assert_eq!(synced["conversations"][0]["messages"], json!([pushed]));
    assert_eq!(a.ask(frame.clone()).await["duplicate"], true);
    let mut other = frame;
    other["attachment_ids"] = json!([]);
    other["text"] = json!("no file");
    assert_eq!(a.ask(other).await["error"]["code"], "idempotency_mismatch");
}

#[tokio::test]
async fn message_takes_up_to_10_own_ready_files_of_its_conversation() {
    let (alice, bob, conversation) = pair().await;
    let elsewhere = alice.private_conversation_with(&TestUser::new("carol").await).await;
    let mut a = alice.connect().await;
    let mut files = Vec::new();
    for n in 0..11 {
        files.push(ready(&alice, &conversation, &format!("{n}.txt"), "text/plain", b"x").await);
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let bobs = ready(&bob, &conversation, "b.txt", "text/plain", b"x").await;
    let of_other_conversation = ready(&alice, &elsewhere, "c.txt", "text/plain", b"x").await;
    let (_, announced) = announce(&alice, &conversation, &announcement("p.txt", "text/plain", b"x")).await;
    let pending = announced["file"]["file_id"].as_str().unwrap();
    let missing = Uuid::now_v7().to_string();
    for (wrong, code) in [
        (&files[..], "too_many_attachments"),
        (&[files[0], files[0]][..], "invalid_request"),
        (&[files[0], &bobs][..], "file_not_ready"),
        (&[of_other_conversation.as_str()][..], "file_not_ready"),
        (&[pending][..], "file_not_ready"),
        (&[missing.as_str()][..], "file_not_ready"),
        (&[][..], "invalid_request"),
    ] {
        assert_eq!(a.ask(send_with_files(&conversation, 1, wrong)).await["error"]["code"], code, "{wrong:?}");
    }
    let body =
        json!({"client_message_id": Uuid::new_v4(), "after_seq": 1, "text": "ten", "attachment_ids": files[..10]});
    let (status, sent) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &body).await;
    assert_eq!((status, &sent["seq"]), (201, &json!(2)), "the refused sends were not written: {sent}");
    let (_, page) = bob.get(&format!("/v1/conversations/{conversation}/messages?after_seq=1")).await;
    let attached = page["messages"][0]["attachments"].as_array().unwrap();
    let attached: Vec<&str> = attached.iter().map(|file| file["file_id"].as_str().unwrap()).collect();
    assert_eq!(attached, files[..10], "in the order of the request");
}

#[tokio::test]
async fn edit_changes_the_text_and_keeps_the_attachments() {
    let (alice, bob, conversation) = pair().await;
    let file = ready(&alice, &conversation, "a.txt", "text/plain", b"x").await;
    let mut frame = send_with_files(&conversation, 1, &[&file]);
    frame["text"] = json!("look");
    alice.connect().await.ask(frame).await;
    for text in ["look at this", ""] {
        let message = format!("/v1/conversations/{conversation}/messages/2");
        let (status, edited) = alice.patch(&message, &json!({"text": text})).await;
        assert_eq!((status, &edited["text"]), (200, &json!(text)), "{edited}");
        let (_, page) = bob.get(&format!("/v1/conversations/{conversation}/messages?after_seq=1")).await;
        assert_eq!(page["messages"][0]["text"], text);
        assert_eq!(page["messages"][0]["attachments"][0]["file_id"], file);
    }
}
