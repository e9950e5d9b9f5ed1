//! A conversation whose items grow old.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::period::SeqRange;
use domain::{ConversationId, Seq};
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::test_user::until_not_busy;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use store::dynamodb::Chunks;
use uuid::Uuid;

/// Time that a worker may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(3);

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// Parameters of a cloud that keeps messages for thirty days, and deletes what has expired at once.
pub(crate) const MONTH: [&str; 3] = ["RetentionDays=30", "RetentionGrace=0", "ArchiveAfter=7"];

/// The cloud of all tests that inject no faults.
pub(crate) fn cloud() -> &'static Cloud {
    static SHARED: OnceLock<Cloud> = OnceLock::new();
    SHARED.get_or_init(|| Cloud::start_with(None, &MONTH))
}

#[derive(Clone, Debug)]
pub(crate) struct Room<'a> {
    cloud: &'a Cloud,
    pub(crate) id: String,
    pub(crate) path: String,
}

impl<'a> Room<'a> {
    /// A group of the owner and these.
    pub(crate) async fn of(cloud: &'a Cloud, owner: &TestUser, others: &[&TestUser]) -> Self {
        let others: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
        let id = owner.create_conversation(&json!({"type": "group", "title": "Team", "member_ids": others})).await;
        Self { cloud, path: format!("/v1/conversations/{id}"), id }
    }

    pub(crate) fn conversation_id(&self) -> ConversationId {
        self.id.parse().unwrap()
    }

    /// Sends a text; returns its seq.
    pub(crate) async fn say(&self, user: &TestUser, text: &str) -> u64 {
        self.send(user, &json!({"text": text})).await
    }

    /// Sends a message with these fields; returns its seq.
    pub(crate) async fn send(&self, user: &TestUser, message: &Value) -> u64 {
        let mut message = message.clone();
        message["client_message_id"] = json!(Uuid::new_v4());
        let path = format!("{}/messages", self.path);
        let (status, sent) = until_not_busy(|| user.post(&path, &message)).await;
        assert_eq!(status, 201, "{sent}");
        sent["seq"].as_u64().unwrap()
    }

    /// Makes the rows up to a seq so many days older.
    pub(crate) async fn age(&self, last: u64, days: u64) {
        let dynamodb = aws::dynamodb(&self.cloud.endpoints.aws.dynamodb);
        let update = |seq: u64| {
            let update = dynamodb.update_item().table_name(aws::MESSAGES);
            let update = update.key("conversation_id", AttributeValue::S(self.id.clone()));
            let update = update.key("seq", AttributeValue::N(seq.to_string()));
            let age = AttributeValue::N((days * DAY_MILLIS).to_string());
            let update = update.expression_attribute_values(":age", age);
            async move { update.update_expression("SET sent_at = sent_at - :age").send().await.map(drop) }
        };
        let updates = stream::iter(1..=last).map(update).buffer_unordered(8);
        updates.try_collect::<()>().await.unwrap();
    }

    /// Has the conversation visited, as an operator does.
    pub(crate) async fn visit(&self) {
        let Invoked { function_error, result } = self.try_visit().await;
        assert_eq!((function_error, result), (None, json!({"queued": 1})));
    }

    /// The same, whether or not the function answers.
    pub(crate) async fn try_visit(&self) -> Invoked {
        invoke(self.cloud, "MessageRetention", json!({"conversation_id": self.id}).to_string()).await
    }

    /// Has the conversation visited until everything up to a seq has expired for a user.
    pub(crate) async fn expire(&self, user: &TestUser, last: u64) {
        self.visit().await;
        until("the expiry", async || {
            let (status, seen) = user.get(&self.path).await;
            assert_eq!(status, 200, "{seen}");
            (seen["expired_seq"] == last).then_some(())
        })
        .await;
    }

    /// Returns the rows up to a seq that the table has.
    pub(crate) async fn rows(&self, last: u64) -> Vec<Value> {
        let range = SeqRange { first: Seq(1), last: Seq(last) };
        let chunks = Chunks::new(aws::dynamodb(&self.cloud.endpoints.aws.dynamodb), aws::MESSAGES.to_owned());
        let page = chunks.rows(self.conversation_id(), range, usize::MAX).await.unwrap();
        page.rows.iter().map(|row| serde_json::from_str(&row.json).unwrap()).collect()
    }

    /// Waits until the table has no row up to a seq.
    pub(crate) async fn until_deleted(&self, last: u64) {
        until("the deletion", async || self.rows(last).await.is_empty().then_some(())).await;
    }

    /// Returns a page of the newest history, as the user sees it.
    pub(crate) async fn history(&self, user: &TestUser) -> Value {
        let (status, page) = user.get(&format!("{}/messages?limit=100", self.path)).await;
        assert_eq!(status, 200, "{page}");
        page
    }

    /// Returns what a user has missed after a cursor.
    pub(crate) async fn sync(&self, user: &TestUser, cursor: u64) -> Value {
        let (status, synced) = user.post("/v1/sync", &json!({"cursors": {&self.id: cursor}})).await;
        assert_eq!(status, 200, "{synced}");
        synced["conversations"][0].clone()
    }
}

/// Returns the seqs of the messages of a page.
pub(crate) fn seqs(page: &Value) -> Vec<u64> {
    page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
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
