//! A conversation and its first members, as writers need them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items};

use super::{ActiveMember, CONVERSATION, ConversationItem, Members, active, entry_of, key};
use crate::StoreError;
use crate::dynamodb::Item;
use crate::dynamodb::batch::get_all;
use crate::dynamodb::retry::back_off;

/// Just after every `a#…`.
const AFTER_ACTIVE: &str = "a$";

/// Most members that a [`Roster`] holds: up to 100 recipients are notified inline, and one more shows that there are too many.
pub const ROSTER_MEMBERS: usize = 101;

/// Most reads of a roster that lie in the middle of a transaction. Its items change within milliseconds.
const MAX_TORN_READS: u32 = 4;

/// A conversation and its first [`ROSTER_MEMBERS`] members, as a sender needs them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    pub conversation: ConversationItem,
    /// Active members in the order of their ids.
    pub members: Vec<ActiveMember>,
}

impl Roster {
    /// Builds a roster from members that were read with the conversation. No such read is isolated from transactions: the user
    /// who has just left may be among them, and one who has just joined may be missing.
    fn new(conversation: ConversationItem, members: Vec<Item>) -> Result<Self, StoreError> {
        let mut members: Vec<ActiveMember> = from_items(members)?;
        members.retain(|member| Some(member.user_id) != conversation.departed);
        Ok(Self { conversation, members })
    }

    pub fn user_ids(&self) -> Vec<UserId> {
        self.members.iter().map(|member| member.user_id).collect()
    }

    /// Returns false if the read lies in the middle of a transaction: it has the conversation of one version and members of another.
    pub fn is_whole(&self) -> bool {
        self.is_cut_off() || u32::try_from(self.members.len()) == Ok(self.conversation.member_count)
    }

    /// Returns true if there may be more members than these.
    pub fn is_cut_off(&self) -> bool {
        self.members.len() >= ROSTER_MEMBERS
    }

    /// Returns the member with this user id.
    pub fn member(&self, user: UserId) -> Option<&ActiveMember> {
        self.members.iter().find(|member| member.user_id == user)
    }

    /// Returns true if the user is among the members.
    pub fn has(&self, user: UserId) -> bool {
        self.member(user).is_some()
    }
}

impl Members {
    /// Reads a conversation of any kind and its first members in one request; `None` if it does not exist. Reads again if the
    /// number of members is not the conversation's, as in the middle of a transaction.
    pub async fn roster(&self, conversation: ConversationId, consistent: bool) -> Result<Option<Roster>, StoreError> {
        let mut round = 0;
        loop {
            let read = self.read_roster(conversation, consistent).await?;
            round += 1;
            if round == MAX_TORN_READS || read.as_ref().is_none_or(Roster::is_whole) {
                return Ok(read);
            }
            back_off(round).await;
        }
    }

    async fn read_roster(&self, conversation: ConversationId, consistent: bool) -> Result<Option<Roster>, StoreError> {
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
        // `#` sorts before every member, so the conversation is the first item or absent.
        let Some(first) = items.next().filter(|item| entry_of(item) == Some(CONVERSATION)) else { return Ok(None) };
        Roster::new(from_item(first)?, items.collect()).map(Some)
    }

    /// Reads the roster that a message of `sender` needs, in one request. For a public conversation it holds only the sender,
    /// since members are notified only if they subscribe.
    pub async fn roster_for(
        &self,
        sender: UserId,
        conversation: ConversationId,
        consistent: bool,
    ) -> Result<Option<Roster>, StoreError> {
        if conversation.is_public() {
            self.pass(conversation, sender, consistent).await
        } else {
            self.roster(conversation, consistent).await
        }
    }

    /// Reads the conversation, and the user if they are an active member. Cost: one request of one read unit, or two units if
    /// consistent.
    pub async fn pass(
        &self,
        conversation: ConversationId,
        user: UserId,
        consistent: bool,
    ) -> Result<Option<Roster>, StoreError> {
        let keys = [CONVERSATION.to_owned(), active(user)].map(|entry| key(conversation, entry));
        let mut items = get_all(&self.client, &self.table, keys.to_vec(), consistent).await?;
        let Some(at) = items.iter().position(|item| entry_of(item) == Some(CONVERSATION)) else { return Ok(None) };
        let conversation: ConversationItem = from_item(items.swap_remove(at))?;
        Roster::new(conversation, items).map(Some)
    }

    /// Reads consistently which of these users are active members, in no order. Cost: one read unit per user, one request per
    /// hundred users.
    pub async fn among(&self, conversation: ConversationId, users: &[UserId]) -> Result<Vec<ActiveMember>, StoreError> {
        let users: BTreeSet<UserId> = users.iter().copied().collect();
        let keys = users.into_iter().map(|user| key(conversation, active(user))).collect();
        Ok(from_items(get_all(&self.client, &self.table, keys, true).await?)?)
    }
}
