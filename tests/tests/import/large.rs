//! A long conversation: its speed, and reading it page by page.

use std::time::Instant;

use end_to_end::{TestBackend, TestUser};
use serde_json::json;

use crate::setup::{conversation, group_file, here, history, id, import, source};

const MESSAGES: u64 = 20_000;

#[tokio::test]
async fn twenty_thousand_messages_are_there_in_their_order() {
    let (backend, alice) = tokio::join!(TestBackend::new(), TestUser::new("alice"));
    let (group, source) = (id(), source());
    let file = group_file(&group, &[&alice.user_id], MESSAGES);
    let begun = Instant::now();
    let done = import(&backend, &source, "kept", file).await;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{MESSAGES} messages in {seconds:.2} s: {:.0} a second, request and check included", 20_000.0 / seconds);
    assert_eq!((&done["state"], &done["counts"]["messages"]), (&json!("done"), &json!(MESSAGES)), "{done}");
    let here = here(&source, &group);
    let messages = history(&alice, &here).await;
    assert_eq!(messages.len() as u64, MESSAGES + 1);
    assert!(messages.iter().zip(1..).all(|(message, seq)| message["seq"] == seq));
    assert_eq!(messages.last().unwrap()["text"], format!("message {MESSAGES}"));
    let found = conversation(&alice, &here).await;
    assert_eq!(
        (&found["unread"], &found["head_seq"], &found["read_seq"]),
        (&json!(0), &json!(MESSAGES + 1), &json!(MESSAGES + 1))
    );
}
