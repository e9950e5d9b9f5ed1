//! Erased users: the item of the log that says so, and the proof that nothing of theirs follows it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use domain::{ConversationId, Period, Seq, Timestamp, UserId};
use serde::Deserialize;
use serde_dynamo::from_item;

use super::write::update_item;
use super::{CONVERSATION, Members, former, key, millis};
use crate::StoreError;

/// A user who is in a conversation no more.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LeftMember {
    /// The membership periods, oldest first.
    pub periods: Vec<Period>,
    #[serde(default)]
    erased_seq: Option<Seq>,
    #[serde(default, with = "millis::optional")]
    erased_at: Option<Timestamp>,
}

/// The item of the log that says that a user is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedAt {
    pub seq: Seq,
    pub at: Timestamp,
}

impl LeftMember {
    /// Returns the item that says that the user is erased, if it is there.
    pub fn erased(&self) -> Option<ErasedAt> {
        self.erased_seq.zip(self.erased_at).map(|(seq, at)| ErasedAt { seq, at })
    }
}

impl Members {
    /// Reads the past memberships of a user, consistently; `None` if there are none. Cost: a read unit.
    pub async fn left(&self, conversation: ConversationId, user: UserId) -> Result<Option<LeftMember>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, former(user))))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item.map(from_item).transpose()?)
    }

    /// Returns the writes that go with the item which says that a user is erased. It counts as a change of the members: whoever writes
    /// after it has read the members again, and found the user deleted. Refused if there is such an item.
    pub fn mark_erased(
        &self,
        conversation: ConversationId,
        user: UserId,
        erased: ErasedAt,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        let seq = AttributeValue::N(erased.seq.to_string());
        let mark = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(conversation, former(user))))
            .condition_expression("attribute_exists(entry) AND attribute_not_exists(erased_seq)")
            .update_expression("SET erased_seq = :seq, erased_at = :at")
            .expression_attribute_values(":seq", seq.clone())
            .expression_attribute_values(":at", AttributeValue::N(erased.at.epoch_millis().to_string()));
        let change = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(conversation, CONVERSATION.to_owned())))
            .condition_expression("members_seq < :seq")
            .update_expression("SET members_seq = :seq")
            .expression_attribute_values(":seq", seq);
        Ok([update_item(mark)?, update_item(change)?])
    }
}
