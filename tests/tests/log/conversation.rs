//! A conversation to write to.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use chat::log::{Draft, Log};
use domain::period::SeqRange;
use domain::{ClientMessageId, Content, ConversationId, MessageId, Seq, Timestamp, UserId};
use end_to_end::aws::{MESSAGES, dynamodb, log};
use end_to_end::{Cloud, TestUser};
use serde_json::json;
use store::dynamodb::messages::{LogItem, Order, PutOutcome};
use uuid::Uuid;

/// Two users, their conversation, and its log, which begins with the item of its creation.
pub(crate) struct TestConversation {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) log: Log,
    pub(crate) id: ConversationId,
    pub(crate) alice: UserId,
    pub(crate) bob: UserId,
}

impl TestConversation {
    pub(crate) async fn private() -> Self {
        let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
        let conversation = alice.private_conversation_with(&bob).await;
        Self::of(&alice, &bob, &conversation)
    }

    /// A group, in which members can change.
    pub(crate) async fn group() -> Self {
        let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
        let group = json!({"type": "group", "title": "Log", "member_ids": [bob.user_id]});
        let conversation = alice.create_conversation(&group).await;
        Self::of(&alice, &bob, &conversation)
    }

    pub(crate) fn of(alice: &TestUser, bob: &TestUser, conversation: &str) -> Self {
        let dynamodb = dynamodb(&Cloud::shared().endpoints.aws.dynamodb);
        Self {
            log: log(&dynamodb),
            dynamodb,
            id: conversation.parse().unwrap(),
            alice: alice.user_id.parse().unwrap(),
            bob: bob.user_id.parse().unwrap(),
        }
    }

    /// Returns the log as a process that has just started knows it. Sends of one process wait for each other.
    pub(crate) fn process(&self) -> Log {
        log(&self.dynamodb)
    }

    /// Creates a message that was not sent before.
    pub(crate) fn draft(&self, sender: UserId, after_seq: impl Into<Option<u64>>, text: &str) -> Draft {
        Draft {
            conversation_id: self.id,
            sender_id: sender,
            client_message_id: ClientMessageId(Uuid::new_v4()),
            after_seq: after_seq.into().map(Seq),
            content: Content::new(text.to_owned(), None, Vec::new()).unwrap(),
            attachment_ids: Vec::new(),
        }
    }

    /// Sends a text; returns its seq.
    pub(crate) async fn send_text(&self, sender: UserId, text: &str) -> u64 {
        let draft = self.draft(sender, None, text);
        self.log.open(&draft).await.unwrap().append().await.unwrap().item.seq.0
    }

    /// All items of the log.
    pub(crate) async fn items(&self) -> Vec<LogItem> {
        let everything = SeqRange { first: Seq::ZERO, last: Seq::MAX };
        self.log.messages.read(self.id, everything, Order::Ascending, usize::MAX, true).await.unwrap()
    }

    pub(crate) async fn head(&self) -> LogItem {
        self.log.messages.head(self.id, true).await.unwrap().unwrap()
    }

    /// Puts copies of the head after it, without any checks.
    pub(crate) async fn put_copies_of_head(&self, number: usize) {
        let mut last = self.head().await;
        let mut puts = Vec::new();
        for _ in 0..number {
            let (seq, sent_at) = (last.seq.next(), last.sent_at.next());
            last = LogItem { seq, sent_at, message_id: MessageId::generate(sent_at), attempt: Uuid::new_v4(), ..last };
            let put = PutRequest::builder().set_item(Some(serde_dynamo::to_item(&last).unwrap())).build().unwrap();
            puts.push(WriteRequest::builder().put_request(put).build());
        }
        for chunk in puts.chunks(25) {
            self.dynamodb.batch_write_item().request_items(MESSAGES, chunk.to_vec()).send().await.unwrap();
        }
    }

    /// Puts an item of this time after the head, without any checks.
    pub(crate) async fn put_item_after(&self, head: &LogItem, sent_at: Timestamp) -> LogItem {
        let item = LogItem {
            seq: head.seq.next(),
            sent_at,
            message_id: MessageId::generate(sent_at),
            attempt: Uuid::new_v4(),
            ..head.clone()
        };
        let outcome = self.log.messages.put(&item).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Written), "{outcome:?}");
        item
    }
}
