//! A conversation that is searched.

use std::time::{Duration, Instant};

use domain::search::Span;
use end_to_end::test_user::until_not_busy;
use end_to_end::{Cloud, TestUser, aws};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use store::opensearch::MessageIndex;
use uuid::Uuid;

/// Time until a message is found on a busy machine.
const INDEX_TIMEOUT: Duration = Duration::from_mins(1);

/// A conversation and its creator.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) path: String,
}

impl Room {
    /// A group of the owner and these.
    pub(crate) async fn of(owner: &TestUser, others: &[&TestUser]) -> Self {
        let others: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
        Self::new(owner, &json!({"type": "group", "title": "Team", "member_ids": others})).await
    }

    /// Creates a conversation as the body says.
    pub(crate) async fn new(owner: &TestUser, body: &Value) -> Self {
        let id = owner.create_conversation(body).await;
        Self { path: format!("/v1/conversations/{id}"), id }
    }

    /// Sends a text; returns its seq.
    pub(crate) async fn say(&self, user: &TestUser, text: &str) -> u64 {
        self.send(user, &json!({"text": text})).await
    }

    /// Sends a message with these fields; returns its seq.
    pub(crate) async fn send(&self, user: &TestUser, message: &Value) -> u64 {
        let mut message = message.clone();
        message["client_message_id"] = json!(Uuid::new_v4());
        let (status, sent) = user.post(&format!("{}/messages", self.path), &message).await;
        assert_eq!(status, 201, "{sent}");
        sent["seq"].as_u64().unwrap()
    }

    pub(crate) async fn edit(&self, user: &TestUser, seq: u64, text: &str) {
        let (status, edited) = user.patch(&self.message(seq), &json!({"text": text})).await;
        assert!(status < 300, "{edited}");
    }

    pub(crate) async fn delete(&self, user: &TestUser, seq: u64) {
        let (status, deleted) = user.delete(&self.message(seq)).await;
        assert!(status < 300, "{deleted}");
    }

    pub(crate) async fn remove(&self, owner: &TestUser, user: &TestUser) {
        let (status, removed) = owner.delete(&format!("{}/members/{}", self.path, user.user_id)).await;
        assert_eq!(status, 204, "{removed}");
    }

    pub(crate) async fn add(&self, owner: &TestUser, user: &TestUser) {
        let (status, added) = owner.post(&format!("{}/members", self.path), &json!({"user_ids": [user.user_id]})).await;
        assert_eq!(status, 204, "{added}");
    }

    /// Waits until everything that was done in the conversation is in the index: its records come in their order, and a new message is
    /// the last of them.
    pub(crate) async fn settle(&self, user: &TestUser) {
        let mark = word();
        let seq = self.say(user, &mark).await;
        let search = format!("{}&conversation_id={}", quoted(&mark), self.id);
        let deadline = Instant::now() + INDEX_TIMEOUT;
        while seqs(&find(user, &search).await) != [seq] {
            assert!(Instant::now() < deadline, "the index does not get the messages of {}", self.id);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn message(&self, seq: u64) -> String {
        format!("{}/messages/{seq}", self.path)
    }
}

/// Returns a word that occurs nowhere else.
pub(crate) fn word() -> String {
    format!("w{}", Uuid::new_v4().simple())
}

/// Returns the parameter `q` for a search.
pub(crate) fn quoted(q: &str) -> String {
    format!("q={}", utf8_percent_encode(q, NON_ALPHANUMERIC))
}

/// Returns the answer to a search with these parameters.
pub(crate) async fn find(user: &TestUser, parameters: &str) -> Value {
    let path = format!("/v1/search?{parameters}");
    let (status, page) = until_not_busy(|| user.get(&path)).await;
    assert_eq!(status, 200, "{parameters}: {page}");
    page
}

/// Returns the answer to a search for words.
pub(crate) async fn search(user: &TestUser, q: &str) -> Value {
    find(user, &quoted(q)).await
}

/// Returns the seqs of the hits of a page.
pub(crate) fn seqs(page: &Value) -> Vec<u64> {
    page["hits"].as_array().unwrap().iter().map(|hit| hit["message"]["seq"].as_u64().unwrap()).collect()
}

/// Returns the seqs that a search for words finds.
pub(crate) async fn found(user: &TestUser, q: &str) -> Vec<u64> {
    seqs(&search(user, q).await)
}

/// Requires that a search finds nothing, and does not show that there is anything.
pub(crate) async fn finds_nothing(user: &TestUser, q: &str) {
    for order in ["newest", "best"] {
        let page = find(user, &format!("{}&order={order}", quoted(q))).await;
        assert_eq!(page, json!({"hits": [], "cursor": null}), "{q}, {order}");
    }
}

/// Returns the highlighted parts of a hit's text.
pub(crate) fn highlighted(hit: &Value) -> Vec<String> {
    let text: Vec<char> = hit["message"]["text"].as_str().unwrap().chars().collect();
    let spans: Vec<Span> = serde_json::from_value(hit["highlights"].clone()).unwrap_or_default();
    spans.iter().map(|[start, end]| text[*start as usize..*end as usize].iter().collect()).collect()
}

/// The index of the shared cloud, for documents by hand.
pub(crate) fn index() -> MessageIndex {
    aws::message_index(Cloud::shared())
}
