//! Messages carry files to those who see them.

use end_to_end::Person;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::uploader::{PNG, ready};

/// A `send` frame with files.
pub(crate) fn carrying(conversation: &str, after_seq: u64, files: &[&str]) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
           "after_seq": after_seq, "attachment_ids": files})
}

#[tokio::test]
async fn a_message_carries_a_file_to_everybody_who_sees_it() {
    let (alice, bob) = tokio::join!(Person::new("alice"), Person::new("bob"));
    let conversation = alice.talk_to(&bob).await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let file = ready(&alice, &conversation, "dot.png", "image/png", PNG).await;
    let frame = carrying(&conversation, 1, &[&file]);
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
