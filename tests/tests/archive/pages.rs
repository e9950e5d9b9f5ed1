//! Reading a conversation from end to end, in every way that a client can.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};

use crate::room::{Accepted, Room};

/// Returns the seq of a message.
pub(crate) fn seq(message: &Value) -> u64 {
    message["seq"].as_u64().unwrap()
}

/// Returns the messages of an answer.
pub(crate) fn messages(answer: &Value) -> &[Value] {
    answer["messages"].as_array().unwrap()
}

/// Reads all of history downwards or upwards, oldest message first.
pub(crate) async fn history(room: &Room<'_>, user: &TestUser, upwards: bool, limit: usize) -> Vec<Value> {
    let direction = if upwards { "after_seq" } else { "before_seq" };
    let (mut all, mut next) = (Vec::new(), if upwards { 0 } else { room.head + 1 });
    loop {
        let (status, page) = user.get(&format!("{}?{direction}={next}&limit={limit}", room.messages)).await;
        assert_eq!(status, 200, "{page}");
        let mut page_messages = messages(&page).to_vec();
        assert!(page_messages.is_sorted_by_key(seq), "{page}");
        if !upwards {
            page_messages.reverse();
        }
        all.extend(page_messages);
        match page["next"].as_u64() {
            Some(after) => next = after,
            None => break,
        }
    }
    if !upwards {
        all.reverse();
    }
    all
}

/// Reads one message as history shows it.
pub(crate) async fn shown(room: &Room<'_>, user: &TestUser, wanted: u64) -> Option<Value> {
    let (status, page) = user.get(&format!("{}?after_seq={}&limit=1", room.messages, wanted - 1)).await;
    assert_eq!(status, 200, "{page}");
    messages(&page).first().filter(|message| seq(message) == wanted).cloned()
}

/// Syncs over HTTP from the cursor to the head; returns the items and the hidden ranges.
pub(crate) async fn sync(room: &Room<'_>, user: &TestUser, cursor: u64) -> (Vec<Value>, Vec<Value>) {
    synced(cursor, async |cursor| {
        let (status, answer) = user.post("/v1/sync", &json!({"cursors": {&room.id: cursor}})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    })
    .await
}

/// The same over the WebSocket.
pub(crate) async fn sync_over(room: &Room<'_>, socket: &mut Socket, cursor: u64) -> (Vec<Value>, Vec<Value>) {
    let (mut items, mut hidden, mut cursor) = (Vec::new(), Vec::new(), cursor);
    loop {
        let answer = socket.ask(json!({"action": "sync", "cursors": {&room.id: cursor}})).await;
        assert_eq!(answer["type"], "synced", "{answer}");
        match advance(&answer, &mut items, &mut hidden) {
            Some(next) => cursor = next,
            None => return (items, hidden),
        }
    }
}

async fn synced(mut cursor: u64, ask: impl AsyncFn(u64) -> Value) -> (Vec<Value>, Vec<Value>) {
    let (mut items, mut hidden) = (Vec::new(), Vec::new());
    while let Some(next) = advance(&ask(cursor).await, &mut items, &mut hidden) {
        cursor = next;
    }
    (items, hidden)
}

/// Takes an answer to a sync; returns the next cursor if there is more.
fn advance(answer: &Value, items: &mut Vec<Value>, hidden: &mut Vec<Value>) -> Option<u64> {
    let conversation = &answer["conversations"][0];
    items.extend(messages(conversation).iter().cloned());
    hidden.extend(conversation["hidden"].as_array().unwrap().iter().cloned());
    (conversation["more"] == true).then(|| seq(items.last().expect("a page with more after it has an item")))
}

/// Checks that messages are what was accepted, all of it and once.
pub(crate) fn check(read: &[Value], accepted: &[Accepted], reader: &TestUser) {
    let texts: Vec<&Value> = read.iter().filter(|message| message["kind"] == "text").collect();
    assert_eq!(texts.len(), accepted.len());
    for (message, accepted) in texts.into_iter().zip(accepted) {
        let Accepted { seq, text, sender_id, message_id, sent_at, client_message_id } = accepted;
        let own = (*sender_id == reader.user_id).then_some(*client_message_id).flatten();
        assert_eq!(
            (&message["seq"], &message["text"], &message["sender_id"]),
            (&json!(seq), &json!(text), &json!(sender_id))
        );
        assert_eq!((&message["message_id"], &message["sent_at"]), (message_id, sent_at), "{message}");
        assert_eq!(message["client_message_id"], json!(own), "{message}");
    }
}
