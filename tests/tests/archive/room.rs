//! A long conversation, and its old end in the archive.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use domain::period::SeqRange;
use domain::{Content, ConversationId, SegmentSize, Seq};
use end_to_end::lambda::{Invoked, invoke};
use end_to_end::long_log::append;
use end_to_end::test_user::until_not_busy;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use store::dynamodb::ChunkItem;
use uuid::Uuid;

/// Age from which items move, in days: some seconds. Only a local cloud takes parts of a day.
pub(crate) const AGE: &str = "ArchiveAfter=0.00002";

/// For tests that count schedules: the retention has one for each conversation.
pub(crate) const NO_RETENTION: &str = "RetentionDays=0";

/// Messages of one batch.
const BATCH: u64 = 25;

/// Time that a worker may take on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_mins(3);

/// The cloud of all tests that change nothing about it.
pub(crate) fn cloud() -> &'static Cloud {
    static SHARED: OnceLock<Cloud> = OnceLock::new();
    SHARED.get_or_init(|| Cloud::start_with(None, &[AGE]))
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) seq: u64,
    pub(crate) text: String,
    pub(crate) sender_id: String,
    pub(crate) message_id: Value,
    pub(crate) sent_at: Value,
    /// `None` for one that was not sent.
    pub(crate) client_message_id: Option<Uuid>,
}

/// A conversation, and what was accepted in it.
#[derive(Clone, Debug)]
pub(crate) struct Room<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) id: String,
    /// Path of its messages.
    pub(crate) messages: String,
    pub(crate) accepted: Vec<Accepted>,
    /// Seq of the newest item.
    pub(crate) head: u64,
}

impl<'a> Room<'a> {
    /// A group of the owner and these.
    pub(crate) async fn of(cloud: &'a Cloud, owner: &TestUser, others: &[&TestUser]) -> Self {
        let others: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
        let id = owner.create_conversation(&json!({"type": "group", "title": "Long", "member_ids": others})).await;
        Self::at(cloud, id, 1)
    }

    /// An existing conversation with this head.
    pub(crate) fn at(cloud: &'a Cloud, id: String, head: u64) -> Self {
        Self { cloud, messages: format!("/v1/conversations/{id}/messages"), id, accepted: Vec::new(), head }
    }

    /// Sends texts in batches until the log has this head, the users in turn.
    pub(crate) async fn fill(&mut self, users: &[&TestUser], head: u64) {
        for user in users.iter().cycle() {
            let count = BATCH.min(head.saturating_sub(self.head));
            if count == 0 {
                return;
            }
            let texts: Vec<String> = (1..=count).map(|n| format!("message {}", self.head + n)).collect();
            let ids: Vec<Uuid> = texts.iter().map(|_| Uuid::new_v4()).collect();
            let drafts = ids.iter().zip(&texts).map(|(id, text)| json!({"client_message_id": id, "text": text}));
            let body = json!({"after_seq": self.head, "messages": drafts.collect::<Vec<_>>()});
            let (status, sent) = until_not_busy(|| user.post(&self.messages, &body)).await;
            assert!(status == 201 || status == 200, "{sent}");
            let sent = sent["messages"].as_array().unwrap();
            assert_eq!(sent.len() as u64, count);
            for ((sent, client_message_id), text) in sent.iter().zip(ids).zip(texts) {
                self.head += 1;
                assert_eq!(sent["seq"], self.head, "{sent}");
                self.accepted.push(Accepted {
                    seq: self.head,
                    text,
                    sender_id: user.user_id.clone(),
                    message_id: sent["message_id"].clone(),
                    sent_at: sent["sent_at"].clone(),
                    client_message_id: Some(client_message_id),
                });
            }
        }
    }

    /// Writes texts of the creator into the table until the log has this head: faster than to send them.
    pub(crate) async fn write(&mut self, head: u64) {
        self.write_texts(head, |seq| format!("message {seq}")).await;
    }

    /// The same with texts by their seqs.
    pub(crate) async fn write_texts(&mut self, head: u64, text: impl Fn(u64) -> String) {
        let dynamodb = aws::dynamodb(&self.cloud.endpoints.aws.dynamodb);
        let newest = aws::log(&dynamodb).messages.head(self.conversation_id(), true).await.unwrap().unwrap();
        assert_eq!(newest.seq.0, self.head);
        let contents = (self.head + 1..=head).map(|seq| Content::new(text(seq), None, Vec::new()).unwrap());
        let written = append(&dynamodb, newest, contents).await.unwrap();
        self.accepted.extend(written.into_iter().map(|item| Accepted {
            seq: item.seq.0,
            text: text(item.seq.0),
            sender_id: item.sender_id.to_string(),
            message_id: json!(item.message_id),
            sent_at: json!(item.sent_at),
            client_message_id: None,
        }));
        self.head = head;
    }

    /// Sends a message with these fields; returns its seq.
    pub(crate) async fn send(&mut self, user: &TestUser, message: &Value) -> u64 {
        let mut message = message.clone();
        message["client_message_id"] = json!(Uuid::new_v4());
        message["after_seq"] = json!(self.head);
        let (status, sent) = until_not_busy(|| user.post(&self.messages, &message)).await;
        assert!(status == 201 || status == 200, "{sent}");
        self.head = sent["seq"].as_u64().unwrap();
        self.head
    }

    pub(crate) async fn add(&mut self, owner: &TestUser, user: &TestUser) {
        let members = format!("/v1/conversations/{}/members", self.id);
        let (status, added) = owner.post(&members, &json!({"user_ids": [user.user_id]})).await;
        assert_eq!(status, 204, "{added}");
        self.head += 1;
    }

    pub(crate) async fn remove(&mut self, owner: &TestUser, user: &TestUser) {
        let (status, removed) = owner.delete(&format!("/v1/conversations/{}/members/{}", self.id, user.user_id)).await;
        assert_eq!(status, 204, "{removed}");
        self.head += 1;
    }

    pub(crate) fn conversation_id(&self) -> ConversationId {
        self.id.parse().unwrap()
    }

    /// The path of a message.
    pub(crate) fn message(&self, seq: u64) -> String {
        format!("{}/{seq}", self.messages)
    }

    /// Returns what the index has about a segment, and the number of rows that the table has of it.
    pub(crate) async fn segment(&self, segment: SeqRange) -> (Option<ChunkItem>, usize) {
        let (chunks, id) = (aws::chunks(self.cloud), self.conversation_id());
        let rows = chunks.rows(id, segment, usize::MAX).await.unwrap().rows;
        (chunks.get(id, segment.first).await.unwrap(), rows.len())
    }

    /// Returns the segments that may move.
    pub(crate) fn movable(&self) -> Vec<SeqRange> {
        SegmentSize::STORED.movable(Seq(self.head)).collect()
    }

    /// Returns true if every segment that may move has, and no row of them is left.
    pub(crate) async fn is_archived(&self) -> bool {
        for segment in self.movable() {
            let (item, rows) = self.segment(segment).await;
            if item.is_none() || rows > 0 {
                return false;
            }
        }
        true
    }

    /// Has the segments looked through as an operator does, until all that may move have.
    pub(crate) async fn archive(&self) {
        until("the archive", async || {
            let asked = json!({"conversation_id": self.id});
            let answer = ask(self.cloud, &asked).await;
            assert_eq!(answer, json!({"queued": self.movable().len()}));
            for _ in 0..20 {
                if self.is_archived().await {
                    return Some(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None
        })
        .await;
    }
}

/// Returns the answer of the function to an operator.
pub(crate) async fn ask(cloud: &Cloud, request: &Value) -> Value {
    let Invoked { function_error, result } = invoke(cloud, "LogArchive", request.to_string()).await;
    assert_eq!(function_error, None, "{result}");
    result
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
