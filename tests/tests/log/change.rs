//! Changes of membership, written as the relay writes them: one transaction for the log item and the projection.
//!
//! They come without a change in SQL, so that a test can have one happen at exactly the moment it needs.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::period::Left;
use domain::{Content, MessageId, MessageKind, Period, Role, Timestamp, UserId};
use end_to_end::aws::{MEMBERS, MESSAGES};
use serde_dynamo::{to_attribute_value, to_item};
use store::dynamodb::members::{ActiveMember, ConversationItem};
use store::dynamodb::messages::LogItem;

use crate::conversation::TestConversation;

type Item = HashMap<String, AttributeValue>;

impl TestConversation {
    /// Adds a user; returns the seq.
    pub(crate) async fn join(&self, user: UserId) -> u64 {
        self.join_at(user, Timestamp::now()).await
    }

    /// Adds a user, by a relay whose clock says `now`.
    pub(crate) async fn join_at(&self, user: UserId, now: Timestamp) -> u64 {
        loop {
            let item = self.change("joined", now).await;
            let member = ActiveMember {
                conversation_id: self.id,
                user_id: user,
                role: Role::Member,
                joined_seq: item.seq,
                joined_at: item.sent_at,
                muted_until: None,
            };
            let mut active: Item = to_item(member).unwrap();
            active.insert("entry".to_owned(), AttributeValue::S(format!("a#{user}")));
            let put = Put::builder().table_name(MEMBERS).set_item(Some(active)).build().unwrap();
            let writes = vec![TransactWriteItem::builder().put(put).build()];
            if let Some(seq) = self.write(&item, None, writes).await {
                return seq;
            }
        }
    }

    /// Mutes a user until a time, or ends the mute; returns the seq.
    pub(crate) async fn mute(&self, user: UserId, until: Option<Timestamp>) -> u64 {
        loop {
            let kind = MessageKind::MemberMuted { user_id: user, muted_until: until };
            let item = LogItem { kind, ..self.change("muted", Timestamp::now()).await };
            let roster = self.log.members.roster(self.id, true).await.unwrap().unwrap();
            let member = roster.members.iter().find(|member| member.user_id == user).expect("the user is a member");
            let mut active: Item = to_item(ActiveMember { muted_until: until, ..*member }).unwrap();
            active.insert("entry".to_owned(), AttributeValue::S(format!("a#{user}")));
            let put = Put::builder().table_name(MEMBERS).set_item(Some(active)).build().unwrap();
            let writes = vec![TransactWriteItem::builder().put(put).build()];
            if let Some(seq) = self.write_with(&item, None, 0, writes).await {
                return seq;
            }
        }
    }

    /// Removes a user; returns the seq.
    pub(crate) async fn leave(&self, user: UserId) -> u64 {
        self.leave_at(user, Timestamp::now()).await
    }

    /// Removes a user, by a relay whose clock says `now`.
    pub(crate) async fn leave_at(&self, user: UserId, now: Timestamp) -> u64 {
        loop {
            let item = self.change("left", now).await;
            let roster = self.log.members.roster(self.id, true).await.unwrap().unwrap();
            let member = roster.members.iter().find(|member| member.user_id == user).expect("the user is a member");
            let left = Some(Left { seq: item.seq, at: item.sent_at });
            let period = Period { joined_seq: member.joined_seq, joined_at: member.joined_at, left };
            let delete = Delete::builder().table_name(MEMBERS).set_key(Some(self.entry(format!("a#{user}"))));
            let former = Update::builder()
                .table_name(MEMBERS)
                .set_key(Some(self.entry(format!("p#{user}"))))
                .update_expression("SET user_id = :user, periods = list_append(if_not_exists(periods, :none), :period)")
                .expression_attribute_values(":user", AttributeValue::S(user.to_string()))
                .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
                .expression_attribute_values(":period", to_attribute_value([period]).unwrap());
            let writes = vec![
                TransactWriteItem::builder().delete(delete.build().unwrap()).build(),
                TransactWriteItem::builder().update(former.build().unwrap()).build(),
            ];
            if let Some(seq) = self.write(&item, Some(user), writes).await {
                return seq;
            }
        }
    }

    /// Creates the log item of a change. Its text does not matter; it names itself as the newest change.
    async fn change(&self, text: &str, now: Timestamp) -> LogItem {
        let head = self.head().await;
        let (seq, sent_at) = (head.seq.next(), now.max(head.sent_at.next()));
        let text = Content::new(text.to_owned(), None, Vec::new()).unwrap();
        let message_id = MessageId::generate(sent_at);
        LogItem { sent_at, message_id, members_seq: seq, ..head.next(self.alice, MessageKind::Text(text)) }
    }

    /// Returns `None` if the seq was taken.
    async fn write(&self, item: &LogItem, departed: Option<UserId>, writes: Vec<TransactWriteItem>) -> Option<u64> {
        self.write_with(item, departed, if departed.is_some() { -1 } else { 1 }, writes).await
    }

    /// The same, with the growth of the number of members.
    async fn write_with(
        &self,
        item: &LogItem,
        departed: Option<UserId>,
        step: i32,
        mut writes: Vec<TransactWriteItem>,
    ) -> Option<u64> {
        let before = self.log.members.roster(self.id, true).await.unwrap().unwrap().conversation;
        let after = ConversationItem {
            member_count: before.member_count.strict_add_signed(step),
            version: before.version + 1,
            members_seq: item.seq,
            changed_seq: item.seq,
            departed,
            changed_at: item.sent_at,
            ..before.clone()
        };
        let mut conversation: Item = to_item(after).unwrap();
        conversation.extend(self.entry("#conversation".to_owned()));
        let conversation = Put::builder()
            .table_name(MEMBERS)
            .set_item(Some(conversation))
            .condition_expression("version = :before")
            .expression_attribute_values(":before", AttributeValue::N(before.version.to_string()));
        let message = Put::builder()
            .table_name(MESSAGES)
            .set_item(Some(to_item(item).unwrap()))
            .condition_expression("attribute_not_exists(conversation_id)");
        for put in [conversation, message] {
            writes.push(TransactWriteItem::builder().put(put.build().unwrap()).build());
        }
        let written = self.dynamodb.transact_write_items().set_transact_items(Some(writes)).send().await;
        match written.map_err(SdkError::into_service_error) {
            Ok(_) => Some(item.seq.0),
            Err(TransactWriteItemsError::TransactionCanceledException(_)) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn entry(&self, entry: String) -> Item {
        HashMap::from([
            ("conversation_id".to_owned(), AttributeValue::S(self.id.to_string())),
            ("entry".to_owned(), AttributeValue::S(entry)),
        ])
    }
}
