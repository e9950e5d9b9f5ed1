//! Table `members`: the facts about a conversation and its members that the message path needs.
//!
//! A projection of the relational source of truth. Only `chat::membership::Relay` writes it, each version of a conversation
//! once; the retention writes `expired_seq`, the erasure `erased_seq` and `members_seq`, and an import what a conversation begins with.
//!
//! | `conversation_id` (S, partition key) | `entry` (S, sort key) | |
//! |---|---|---|
//! | conversation | `#conversation` | see [`ConversationItem`] |
//! | conversation | `a#<user>` | an active member: `user_id`, `role`, `joined_seq`, `joined_at`, `muted_until` |
//! | conversation | `p#<user>` | the ended membership periods of a user: `user_id`, `periods`, `user_deleted` if the
//! account is deleted, and `erased_seq` and `erased_at` if what the user wrote is erased |
//! | `blocks#<user>` | id of another user | the user blocks the other one |
//! | `blockers#<user>` | id of another user | the user is blocked by the other one |
//!
//! The partition key of a block is no conversation, and its items have no other attributes, so that no index has them.
//!
//! Sorted like this, one query reads the conversation and its first members. Index `by_user` (`user_id`,
//! `conversation_id`) lists a user's conversations.

mod blocks;
mod entries;
mod erasure;
mod expiry;
mod of_user;
mod presence;
mod roster;
mod write;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Get, TransactGetItem};
use domain::{ConversationId, ConversationType, Custom, HistoryPolicy, Period, Periods, Role, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items};

use super::retry::back_off;
use super::{Item, millis};
use crate::StoreError;

pub use erasure::{ErasedAt, LeftMember};
pub use of_user::OfUser;
pub use presence::Entry;
pub use roster::{ROSTER_MEMBERS, Roster};
pub use write::Stamp;

/// Sort key of the conversation itself.
pub(super) const CONVERSATION: &str = "#conversation";

/// Before the id of a former member.
const FORMER: &str = "p#";

/// Before the id of an active member.
const ACTIVE: &str = "a#";

/// Attempts before a transaction that conflicts with writes fails.
const MAX_ROUNDS: u32 = 8;

/// Name of the index of a user's conversations.
const BY_USER: &str = "by_user";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationItem {
    pub conversation_id: ConversationId,
    #[serde(rename = "type")]
    pub kind: ConversationType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// Seqs of the pinned messages, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned_seqs: Vec<Seq>,
    #[serde(default)]
    pub history: HistoryPolicy,
    /// Days for which messages are kept, if the conversation has a time of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Everything up to this seq has expired: nobody sees it, and it is deleted. It never falls, and only the retention moves it.
    #[serde(default, skip_serializing_if = "Seq::is_zero")]
    pub expired_seq: Seq,
    /// The two of a private conversation, the smaller id first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<[UserId; 2]>,
    /// The users of a private conversation who block the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<UserId>,
    #[serde(default)]
    pub closed: bool,
    /// The user who left or was removed by the newest change. A query or a batch may return this with the user's item from
    /// before the change: neither is isolated from transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departed: Option<UserId>,
    /// Number of active members.
    pub member_count: u32,
    /// Number of shards of the subscriptions of a public conversation, see [`domain::subscription`]. It never falls.
    #[serde(default = "one_shard", skip_serializing_if = "is_one_shard")]
    pub subscription_shards: u32,
    /// Version of the relational truth that this shows.
    pub version: u64,
    /// Seq of the newest log item that a membership change wrote: later writers must have read that change.
    pub members_seq: Seq,
    /// Seq of the newest change; the head at that time if the change wrote no item.
    pub changed_seq: Seq,
    /// Time of the newest change.
    #[serde(with = "millis")]
    pub changed_at: Timestamp,
}

fn one_shard() -> u32 {
    1
}

// The signature that serde requires.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one_shard(shards: &u32) -> bool {
    *shards == one_shard()
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveMember {
    pub conversation_id: ConversationId,
    pub user_id: UserId,
    pub role: Role,
    /// First visible seq: the seq of the item that added the member, or the one after the head at that time.
    pub joined_seq: Seq,
    /// Start of the membership period: the time of that item.
    #[serde(with = "millis")]
    pub joined_at: Timestamp,
    /// End of the mute.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub muted_until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormerMember {
    pub conversation_id: ConversationId,
    pub user_id: UserId,
    /// The ended membership periods, oldest first.
    pub periods: Vec<Period>,
    /// True if the account is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub user_deleted: bool,
}

/// The part of a conversation that one user may see.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberView {
    pub conversation: ConversationItem,
    /// The current membership period; `None` for a former member.
    pub active: Option<ActiveMember>,
    /// The visible periods: the membership periods, or more by the conversation's history policy, without what has expired. Never
    /// empty, although all of them may show nothing.
    pub periods: Periods,
    /// True if the user was deleted: then nothing may be shown.
    pub user_deleted: bool,
}

#[derive(Clone, Debug)]
pub struct Members {
    client: Client,
    table: String,
}

impl MemberView {
    /// Returns the seq up to which everything has expired, as far as it concerns the user: a former member does not learn how long the
    /// conversation is.
    pub fn expired_seq(&self) -> Seq {
        self.periods.until(self.conversation.expired_seq)
    }

    /// Returns the seq from which on the user may see something: that of the last item before it.
    pub fn start(&self) -> Seq {
        let joined = self.active.map_or(Seq::ZERO, |member| member.joined_seq.previous());
        joined.max(self.expired_seq())
    }

    /// Returns the view of the system: it sees everything, and has the rights of an owner.
    fn of_system(conversation: ConversationItem) -> Self {
        let active = ActiveMember {
            conversation_id: conversation.conversation_id,
            user_id: UserId::SYSTEM,
            role: Role::Owner,
            joined_seq: Seq(1),
            joined_at: Timestamp::MIN,
            muted_until: None,
        };
        let periods = Periods::all().after_expiry(conversation.expired_seq);
        Self { conversation, active: Some(active), periods, user_deleted: false }
    }
}

impl Members {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Up to `limit` active members in the order of their ids, after `after`: one consistent request, a unit for each 4 KB.
    pub async fn list(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<ActiveMember>, StoreError> {
        // The item after which the list begins need not exist.
        let start = after.map(|user| key(conversation, active(user)));
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :conversation AND begins_with(entry, :active)")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
            .expression_attribute_values(":active", AttributeValue::S(ACTIVE.to_owned()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(from_items(page.items.unwrap_or_default())?)
    }

    /// Returns the user's view of the conversation; `None` if they were never a member. Cost: one request of up to six read
    /// units, as a transaction, since any other read could return the conversation from after a membership change and the
    /// member from before it. The system has a view of every conversation.
    pub async fn view(&self, conversation: ConversationId, user: UserId) -> Result<Option<MemberView>, StoreError> {
        if user.is_system() {
            return Ok(self.conversation(conversation).await?.map(MemberView::of_system));
        }
        let keys = [CONVERSATION.to_owned(), active(user), former(user)];
        let mut items = self.get_together(keys.map(|entry| key(conversation, entry))).await?;
        let mut take = |entry: &str| {
            let at = items.iter().position(|item| entry_of(item) == Some(entry))?;
            Some(items.swap_remove(at))
        };
        let Some(item) = take(CONVERSATION) else { return Ok(None) };
        let conversation: ConversationItem = from_item(item)?;
        let active: Option<ActiveMember> = take(&active(user)).map(from_item).transpose()?;
        let former: Option<FormerMember> = take(&former(user)).map(from_item).transpose()?;
        let user_deleted = former.as_ref().is_some_and(|former| former.user_deleted);
        let mut periods = former.map(|former| former.periods).unwrap_or_default();
        periods.extend(active.map(|member| Period {
            joined_seq: member.joined_seq,
            joined_at: member.joined_at,
            left: None,
        }));
        let periods = Periods::visible(periods, conversation.history).after_expiry(conversation.expired_seq);
        Ok((!periods.is_empty()).then_some(MemberView { conversation, active, periods, user_deleted }))
    }

    /// Reads the existing items in one transaction, which is retried if it conflicts with a write.
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
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Option<ConversationItem>, StoreError> {
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
                    found
                        .push(id.parse().map_err(|_| {
                            StoreError::Inconsistent(format!("the conversation id {id} is not a UUID"))
                        })?);
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
}

fn is_conflict<R>(error: &SdkError<TransactGetItemsError, R>) -> bool {
    matches!(error.as_service_error(), Some(TransactGetItemsError::TransactionCanceledException(_)))
}

fn key(conversation: ConversationId, entry: String) -> Item {
    entry_key(conversation.to_string(), entry)
}

fn entry_key(partition: String, entry: String) -> Item {
    HashMap::from([
        ("conversation_id".to_owned(), AttributeValue::S(partition)),
        ("entry".to_owned(), AttributeValue::S(entry)),
    ])
}

pub(super) fn active(user: UserId) -> String {
    format!("{ACTIVE}{user}")
}

pub(super) fn former(user: UserId) -> String {
    format!("{FORMER}{user}")
}

fn entry_of(item: &Item) -> Option<&str> {
    match item.get("entry") {
        Some(AttributeValue::S(entry)) => Some(entry),
        _ => None,
    }
}
