//! The relay's writes: the parts of one transaction.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use domain::membership::{Departure, Effect};
use domain::period::Left;
use domain::{ConversationId, Period, Role, Seq, Timestamp, UserId};
use serde_dynamo::{from_item, to_attribute_value};

use super::{ActiveMember, CONVERSATION, ConversationItem, Members, active, former, key};
use crate::StoreError;

/// The seq, time and version of a change, to which its items in this table refer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub conversation_id: ConversationId,
    /// The version that the change makes.
    pub version: u64,
    /// Seq of the change's item, or the head if it has none.
    pub seq: Seq,
    /// The first seq that the added users see.
    pub first_visible: Seq,
    pub at: Timestamp,
    /// True if the seq is that of the change's own item.
    pub logged: bool,
}

impl Members {
    /// Begins a conversation's projection, on the condition that it has none.
    pub fn begin(&self, item: &ConversationItem) -> Result<TransactWriteItem, StoreError> {
        self.put_conversation(item, None)
    }

    /// Moves `#conversation` to the version of `stamp`, on the condition that it has the previous version. `shards` is the new
    /// number of subscription shards, if it changes.
    pub fn advance(
        &self,
        stamp: Stamp,
        effect: &Effect<'_>,
        shards: Option<u32>,
    ) -> Result<TransactWriteItem, StoreError> {
        let number = |n: i128| AttributeValue::N(n.to_string());
        let mut set = vec![
            "version = :version",
            "changed_seq = :seq",
            "changed_at = :at",
            "member_count = member_count + :growth",
        ];
        let mut remove = Vec::new();
        let mut values = HashMap::from([
            (":version".to_owned(), number(stamp.version.into())),
            (":before".to_owned(), number(i128::from(stamp.version) - 1)),
            (":seq".to_owned(), number(stamp.seq.0.into())),
            (":at".to_owned(), number(stamp.at.epoch_millis().into())),
            (":growth".to_owned(), number(effect.growth().into())),
        ]);
        if stamp.logged {
            set.push("members_seq = :seq");
        }
        if let Some(shards) = shards {
            set.push("subscription_shards = :shards");
            values.insert(":shards".to_owned(), number(shards.into()));
        }
        if let Some(title) = effect.title {
            set.push("title = :title");
            values.insert(":title".to_owned(), AttributeValue::S(title.to_owned()));
        }
        match effect.topic {
            Some(Some(topic)) => {
                set.push("topic = :topic");
                values.insert(":topic".to_owned(), AttributeValue::S(topic.to_owned()));
            }
            Some(None) => remove.push("topic"),
            None => {}
        }
        match effect.custom {
            Some(Some(custom)) => {
                set.push("custom = :custom");
                values.insert(":custom".to_owned(), to_attribute_value(custom)?);
            }
            Some(None) => remove.push("custom"),
            None => {}
        }
        if let Some(pinned_seqs) = effect.pinned_seqs {
            set.push("pinned_seqs = :pinned_seqs");
            values.insert(":pinned_seqs".to_owned(), to_attribute_value(pinned_seqs)?);
        }
        match effect.retention_days {
            Some(Some(days)) => {
                set.push("retention_days = :retention_days");
                values.insert(":retention_days".to_owned(), number(days.into()));
            }
            Some(None) => remove.push("retention_days"),
            None => {}
        }
        match effect.left {
            Some(departure) => {
                set.push("departed = :departed");
                values.insert(":departed".to_owned(), AttributeValue::S(departure.user_id.to_string()));
            }
            None => remove.push("departed"),
        }
        if effect.closed {
            set.push("closed = :closed");
            values.insert(":closed".to_owned(), AttributeValue::Bool(true));
        }
        if let Some(blocked_by) = effect.blocked_by {
            set.push("blocked_by = :blocked_by");
            values.insert(":blocked_by".to_owned(), to_attribute_value(blocked_by)?);
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(stamp.conversation_id, CONVERSATION.to_owned())))
            .condition_expression("version = :before")
            .update_expression(format!("SET {}{}", set.join(", "), removal(&remove)))
            .set_expression_attribute_values(Some(values));
        update_item(update)
    }

    /// Returns the writes for all users that the change concerns. `leaving` is the item of the leaving user before the change.
    pub fn move_members(
        &self,
        stamp: Stamp,
        effect: &Effect<'_>,
        leaving: Option<ActiveMember>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut writes = Vec::new();
        for member in &effect.joined {
            writes.push(self.put_active(&ActiveMember {
                conversation_id: stamp.conversation_id,
                user_id: member.user_id,
                role: member.role,
                joined_seq: stamp.first_visible,
                joined_at: stamp.at,
                muted_until: member.muted_until,
            })?);
        }
        if let Some(departure) = effect.left {
            let member = leaving.ok_or_else(|| {
                StoreError::Inconsistent(format!("the user {} leaves without being a member", departure.user_id))
            })?;
            writes.extend(self.end_period(stamp, departure, member)?);
        }
        if let Some((user, role)) = effect.role {
            writes.push(self.set_role(stamp.conversation_id, user, role)?);
        }
        if let Some((user, until)) = effect.muted {
            writes.push(self.set_muted(stamp.conversation_id, user, until)?);
        }
        Ok(writes)
    }

    /// `a#<user>` as it is, read consistently.
    pub async fn active(&self, conversation: ConversationId, user: UserId) -> Result<Option<ActiveMember>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, active(user))))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item.map(from_item).transpose()?)
    }

    /// Deletes the active member's item and adds its membership period to the past ones.
    fn end_period(
        &self,
        stamp: Stamp,
        departure: Departure,
        member: ActiveMember,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        let user = departure.user_id;
        let delete =
            Delete::builder().table_name(&self.table).set_key(Some(key(stamp.conversation_id, active(user)))).build();
        let delete = delete.map_err(StoreError::building)?;
        let left = Some(Left { seq: stamp.seq, at: stamp.at });
        let period = Period { joined_seq: member.joined_seq, joined_at: member.joined_at, left };
        let deleted = if departure.user_deleted { ", user_deleted = :deleted" } else { "" };
        let mut former = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(stamp.conversation_id, former(user))))
            .update_expression(format!(
                "SET user_id = :user, periods = list_append(if_not_exists(periods, :none), :period){deleted}"
            ))
            .expression_attribute_values(":user", AttributeValue::S(user.to_string()))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":period", to_attribute_value([period])?);
        if departure.user_deleted {
            former = former.expression_attribute_values(":deleted", AttributeValue::Bool(true));
        }
        Ok([TransactWriteItem::builder().delete(delete).build(), update_item(former)?])
    }

    fn set_role(
        &self,
        conversation: ConversationId,
        user: UserId,
        role: Role,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(conversation, active(user))))
            .condition_expression("attribute_exists(conversation_id)")
            .update_expression("SET #role = :role")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", AttributeValue::S(role.as_str().to_owned()));
        update_item(update)
    }

    fn set_muted(
        &self,
        conversation: ConversationId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(conversation, active(user))))
            .condition_expression("attribute_exists(conversation_id)");
        let update = match until {
            Some(until) => update
                .update_expression("SET muted_until = :until")
                .expression_attribute_values(":until", AttributeValue::N(until.epoch_millis().to_string())),
            None => update.update_expression("REMOVE muted_until"),
        };
        update_item(update)
    }
}

/// The clause that removes attributes; empty for none.
fn removal(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!(" REMOVE {}", names.join(", ")) }
}

pub(super) fn update_item(
    update: aws_sdk_dynamodb::types::builders::UpdateBuilder,
) -> Result<TransactWriteItem, StoreError> {
    update.build().map(|update| TransactWriteItem::builder().update(update).build()).map_err(StoreError::building)
}
