//! Table `members`: what the hot path has to know of a conversation and of who is in it.
//!
//! A projection of the relational truth: only [`crate::relay`] writes here, each version of a conversation once.
//!
//! | `conversation_id` (S, partition key) | `entry` (S, sort key) | |
//! |---|---|---|
//! | conversation | `#conversation` | `type`, `title`, `member_count`, `version`, `members_seq`, `changed_at` |
//! | conversation | `a#<user>` | an active member: `user_id`, `role`, `joined_seq`, `joined_at` |
//! | conversation | `p#<user>` | a user's past stays: `user_id`, `periods` |
//!
//! Sorted like this, one query reads the conversation and its first members. Index `by_user` (`user_id`,
//! `conversation_id`) lists a user's conversations.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Get, Put, TransactGetItem};
use domain::{ConversationId, ConversationType, Period, Periods, Role, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, to_item};

use super::retry::back_off;
use super::{Item, millis};
use crate::StoreError;

/// Sort key of the conversation itself.
const CONVERSATION: &str = "#conversation";

/// Just after every `a#…`.
const AFTER_ACTIVE: &str = "a$";

/// How many members a [`Roster`] holds at most: up to 100 recipients are served inline, and one more tells that there
/// are too many.
pub const ROSTER_MEMBERS: usize = 101;

/// Rounds before a transaction that keeps meeting writes is given up.
const MAX_ROUNDS: u32 = 8;

/// Name of the index of a user's conversations.
const BY_USER: &str = "by_user";

/// `#conversation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationItem {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Number of active members.
    pub member_count: u32,
    /// Version of the relational truth that this shows.
    pub version: u64,
    /// Place of the log item that the newest change of membership wrote.
    pub members_seq: Seq,
    /// `sent_at` of that item.
    #[serde(with = "millis")]
    pub changed_at: Timestamp,
}

/// `a#<user>`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveMember {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The user.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
    /// Place of the item that let them in.
    pub joined_seq: Seq,
    /// Time of that item.
    #[serde(with = "millis")]
    pub joined_at: Timestamp,
}

/// `p#<user>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PastMember {
    conversation_id: ConversationId,
    user_id: UserId,
    periods: Vec<Period>,
}

/// A conversation and its first [`ROSTER_MEMBERS`] members, as a sender needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Roster {
    /// The conversation.
    pub conversation: ConversationItem,
    /// Active members in the order of their ids.
    pub members: Vec<ActiveMember>,
}

impl Roster {
    /// The members' ids.
    pub fn user_ids(&self) -> Vec<UserId> {
        self.members.iter().map(|member| member.user_id).collect()
    }

    /// Whether the user is among the members.
    pub fn has(&self, user: UserId) -> bool {
        self.members.iter().any(|member| member.user_id == user)
    }
}

/// What one user may see of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The conversation.
    pub conversation: ConversationItem,
    /// Their role; `None` for a former member.
    pub role: Option<Role>,
    /// Their stays; never empty.
    pub periods: Periods,
}

/// The table.
#[derive(Clone, Debug)]
pub struct Members {
    client: Client,
    table: String,
}

impl Members {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The conversation and its first members, in one request; `None` where there is no such conversation.
    pub async fn roster(&self, conversation: ConversationId, consistent: bool) -> Result<Option<Roster>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :conversation AND entry BETWEEN :first AND :last")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
            .expression_attribute_values(":first", AttributeValue::S(CONVERSATION.to_owned()))
            .expression_attribute_values(":last", AttributeValue::S(AFTER_ACTIVE.to_owned()))
            .limit(i32::try_from(1 + ROSTER_MEMBERS).unwrap_or(i32::MAX))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        let mut items = page.items.unwrap_or_default().into_iter();
        // `#` sorts before every member, so the conversation comes first or not at all.
        let Some(first) = items.next().filter(|item| entry_of(item) == Some(CONVERSATION)) else { return Ok(None) };
        let conversation = from_item(first)?;
        let members = items.map(from_item).collect::<Result<_, _>>()?;
        Ok(Some(Roster { conversation, members }))
    }

    /// What the user may see: `None` for somebody who was never there. One request of up to six read units: a transaction, since
    /// any other read could show the conversation from after a change of membership and the user from before it.
    pub async fn view(&self, conversation: ConversationId, user: UserId) -> Result<Option<View>, StoreError> {
        let keys = [CONVERSATION.to_owned(), active(user), past(user)];
        let mut items = self.get_together(keys.map(|entry| key(conversation, entry))).await?;
        let mut take = |entry: &str| {
            let at = items.iter().position(|item| entry_of(item) == Some(entry))?;
            Some(items.swap_remove(at))
        };
        let Some(item) = take(CONVERSATION) else { return Ok(None) };
        let conversation = from_item(item)?;
        let active: Option<ActiveMember> = take(&active(user)).map(from_item).transpose()?;
        let past: Option<PastMember> = take(&past(user)).map(from_item).transpose()?;
        let mut periods = past.map(|past| past.periods).unwrap_or_default();
        periods.extend(active.map(|member| Period {
            joined_seq: member.joined_seq,
            joined_at: member.joined_at,
            left: None,
        }));
        if periods.is_empty() {
            return Ok(None);
        }
        Ok(Some(View { conversation, role: active.map(|member| member.role), periods: Periods::new(periods) }))
    }

    /// The items that exist, all as they were at one moment. A transaction that meets a write is asked for again.
    async fn get_together(&self, keys: [Item; 3]) -> Result<Vec<Item>, StoreError> {
        let gets: Vec<TransactGetItem> = keys
            .into_iter()
            .map(|key| {
                let get = Get::builder().table_name(&self.table).set_key(Some(key)).build();
                Ok(TransactGetItem::builder().get(get.map_err(StoreError::building)?).build())
            })
            .collect::<Result<_, StoreError>>()?;
        let mut round = 0;
        loop {
            let result = self.client.transact_get_items().set_transact_items(Some(gets.clone())).send().await;
            match result {
                Ok(page) => {
                    return Ok(page.responses.unwrap_or_default().into_iter().filter_map(|got| got.item).collect());
                }
                Err(error) if round < MAX_ROUNDS && is_conflict(&error) => back_off(round).await,
                Err(error) => return Err(StoreError::dynamodb(error)),
            }
            round += 1;
        }
    }

    /// The conversation as the projection has it.
    pub(crate) async fn conversation(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<ConversationItem>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, CONVERSATION.to_owned())))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item.map(from_item).transpose()?)
    }

    /// Up to `limit` conversations that the user is or was in, in the order of their ids, after `after`. Eventually
    /// consistent, as indexes are.
    pub async fn of_user(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let mut found: Vec<ConversationId> = Vec::new();
        let mut start = None;
        loop {
            // Every id is text that sorts after the empty one. A user has up to two items per conversation.
            let after = after.map_or_else(|| "0".to_owned(), |id| id.to_string());
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(BY_USER)
                .key_condition_expression("user_id = :user AND conversation_id > :after")
                .expression_attribute_values(":user", AttributeValue::S(user.to_string()))
                .expression_attribute_values(":after", AttributeValue::S(after))
                .projection_expression("conversation_id")
                .limit(i32::try_from(2 * limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            for item in page.items.unwrap_or_default() {
                if let Some(AttributeValue::S(id)) = item.get("conversation_id") {
                    found.push(id.parse().map_err(|_| StoreError::Inconsistent(format!("conversation id {id}")))?);
                }
            }
            found.dedup();
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Puts `#conversation`, on the condition that it shows the version before.
    pub(crate) fn put_conversation(&self, item: &ConversationItem) -> Result<Put, StoreError> {
        let mut attributes: Item = to_item(item)?;
        attributes.insert("entry".to_owned(), AttributeValue::S(CONVERSATION.to_owned()));
        let put = Put::builder().table_name(&self.table).set_item(Some(attributes));
        let put = if item.version == 1 {
            put.condition_expression("attribute_not_exists(conversation_id)")
        } else {
            put.condition_expression("version = :before")
                .expression_attribute_values(":before", AttributeValue::N((item.version - 1).to_string()))
        };
        put.build().map_err(StoreError::building)
    }

    /// Puts `a#<user>`.
    pub(crate) fn put_active(&self, member: &ActiveMember) -> Result<Put, StoreError> {
        let mut attributes: Item = to_item(member)?;
        attributes.insert("entry".to_owned(), AttributeValue::S(active(member.user_id)));
        Put::builder().table_name(&self.table).set_item(Some(attributes)).build().map_err(StoreError::building)
    }
}

fn is_conflict<R>(error: &SdkError<TransactGetItemsError, R>) -> bool {
    matches!(error.as_service_error(), Some(TransactGetItemsError::TransactionCanceledException(_)))
}

fn key(conversation: ConversationId, entry: String) -> Item {
    HashMap::from([
        ("conversation_id".to_owned(), AttributeValue::S(conversation.to_string())),
        ("entry".to_owned(), AttributeValue::S(entry)),
    ])
}

fn active(user: UserId) -> String {
    format!("a#{user}")
}

fn past(user: UserId) -> String {
    format!("p#{user}")
}

fn entry_of(item: &Item) -> Option<&str> {
    match item.get("entry") {
        Some(AttributeValue::S(entry)) => Some(entry),
        _ => None,
    }
}
