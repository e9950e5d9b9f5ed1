//! Behaviour under pressure: clear answers, and no accepted message is lost.

mod contention;
mod database;
mod database_role;
mod deadline;
mod expiry;
mod fanout_time;
#[cfg(target_os = "linux")]
mod frozen_database;
#[cfg(target_os = "linux")]
mod frozen_function;
mod pushing;
mod queues;
mod racing_receipts;
mod redrive;
mod stale_reads;
mod tables;
mod workers;

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use uuid::Uuid;

/// Locked exclusively by a test with a fault plan, since faults affect every test.
static PLAN: RwLock<()> = RwLock::const_new(());

/// A message as the protocol has it sent: the same frame again is the same message again.
fn message(conversation: &str, after_seq: u64, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
           "after_seq": after_seq, "text": text})
}

/// Returns true for `busy` with a time to retry.
fn is_busy(problem: &Value) -> bool {
    problem["code"] == "busy"
        && problem["retryable"] == true
        && problem["retry_after_ms"].as_u64().is_some_and(|after| after > 0)
}

/// Two users and their conversation.
async fn pair() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    (alice, bob, conversation)
}

/// Returns the messages of a conversation with their seqs.
async fn texts(reader: &TestUser, conversation: &str) -> Vec<(u64, String)> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let path = format!("/v1/conversations/{conversation}/messages?limit=100&after_seq={after}");
        let (status, page) = reader.get(&path).await;
        assert_eq!(status, 200, "{page}");
        for message in page["messages"].as_array().unwrap() {
            after = message["seq"].as_u64().unwrap();
            if message["kind"] == "text" {
                all.push((after, message["text"].as_str().unwrap().to_owned()));
            }
        }
        if page["more"] == false {
            return all;
        }
    }
}

/// Sends a receipt; returns the answer.
async fn receipt(socket: &mut Socket, action: &str, conversation: &str, seq: u64) -> Value {
    socket.ask(json!({"action": action, "receipts": [{"conversation_id": conversation, "seq": seq}]})).await
}
