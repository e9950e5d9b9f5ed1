//! Users and their conversations.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use domain::ConversationId;
use end_to_end::test_user::{token, until_not_busy};
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

/// Time that the workers may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Parameters of a cloud whose erasures look again at once, and whose logs are archived within seconds.
pub(crate) const AT_ONCE: [&str; 2] = ["ErasureGrace=1", "ArchiveAfter=0.00002"];

/// The cloud of all tests that inject no faults.
pub(crate) fn cloud() -> &'static Cloud {
    static SHARED: OnceLock<Cloud> = OnceLock::new();
    SHARED.get_or_init(|| Cloud::start_with(None, &AT_ONCE))
}

/// Returns a word that occurs nowhere else.
pub(crate) fn word() -> String {
    format!("zq{}", Uuid::new_v4().simple())
}

/// Creates a user with exactly this name.
pub(crate) async fn named(cloud: &Cloud, name: &str) -> TestUser {
    let token = token(cloud, &json!({"username": Uuid::new_v4()})).await;
    TestUser::with_token(cloud, name, token).await
}

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) path: String,
}

impl Room {
    pub(crate) async fn new(owner: &TestUser, body: &Value) -> Self {
        Self::at(owner.create_conversation(body).await)
    }

    pub(crate) async fn group(owner: &TestUser, others: &[&TestUser]) -> Self {
        let others: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
        let body = json!({"type": "group", "title": "Team", "member_ids": others, "history": "full"});
        Self::new(owner, &body).await
    }

    pub(crate) fn at(id: String) -> Self {
        Self { path: format!("/v1/conversations/{id}"), id }
    }

    pub(crate) fn conversation_id(&self) -> ConversationId {
        self.id.parse().unwrap()
    }

    pub(crate) async fn say(&self, user: &TestUser, text: &str) -> u64 {
        self.send(user, json!({"text": text})).await
    }

    /// Sends a message with these fields; returns its seq.
    pub(crate) async fn send(&self, user: &TestUser, mut message: Value) -> u64 {
        message["client_message_id"] = json!(Uuid::new_v4());
        let path = format!("{}/messages", self.path);
        let (status, sent) = until_not_busy(|| user.post(&path, &message)).await;
        assert_eq!(status, 201, "{sent}");
        sent["seq"].as_u64().unwrap()
    }

    pub(crate) fn message(&self, seq: u64) -> String {
        format!("{}/messages/{seq}", self.path)
    }

    pub(crate) async fn edit(&self, user: &TestUser, seq: u64, text: &str) {
        let (path, body) = (self.message(seq), json!({"text": text}));
        let (status, edited) = until_not_busy(|| user.patch(&path, &body)).await;
        assert_eq!(status, 200, "{edited}");
    }

    pub(crate) async fn react(&self, user: &TestUser, seq: u64) {
        let path = format!("{}/reactions/%F0%9F%91%8D", self.message(seq));
        let (status, reacted) = until_not_busy(|| user.put(&path, &Value::Null)).await;
        assert_eq!(status, 200, "{reacted}");
    }

    pub(crate) async fn view(&self, user: &TestUser) -> Value {
        let (status, seen) = user.get(&self.path).await;
        assert_eq!(status, 200, "{seen}");
        seen
    }

    /// Returns the newest history, as the user sees it.
    pub(crate) async fn history(&self, user: &TestUser) -> Vec<Value> {
        let (status, page) = user.get(&format!("{}/messages?limit=100", self.path)).await;
        assert_eq!(status, 200, "{page}");
        page["messages"].as_array().unwrap().clone()
    }

    /// Returns a message, as the user sees it.
    pub(crate) async fn at_seq(&self, user: &TestUser, seq: u64) -> Value {
        let (status, page) = user.get(&format!("{}/messages?around_seq={seq}&limit=2", self.path)).await;
        assert_eq!(status, 200, "{page}");
        let messages = page["messages"].as_array().unwrap().clone();
        messages.into_iter().find(|message| message["seq"] == seq).unwrap_or_default()
    }

    /// Returns the items after a cursor.
    pub(crate) async fn sync(&self, user: &TestUser, cursor: u64) -> Value {
        let (status, synced) = user.post("/v1/sync", &json!({"cursors": {&self.id: cursor}})).await;
        assert_eq!(status, 200, "{synced}");
        synced["conversations"][0].clone()
    }
}

pub(crate) async fn erase(user: &TestUser) {
    let erased = until_not_busy(|| user.delete("/v1/users/me?messages=erase")).await;
    assert_eq!(erased, (204, Value::Null));
}

/// Returns how far the erasure of a user is.
pub(crate) async fn state(backend: &TestBackend, user: &TestUser) -> Value {
    let (status, state) = backend.get(&format!("/v1/server/users/{}/erasure", user.user_id)).await;
    assert_eq!(status, 200, "{state}");
    state
}

/// Waits until the erasure of a user has this state.
pub(crate) async fn until_state(backend: &TestBackend, user: &TestUser, wanted: &str) -> Value {
    until(wanted, async || {
        let found = state(backend, user).await;
        (found["state"] == wanted).then_some(found)
    })
    .await
}

/// Polls until there is a result.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
