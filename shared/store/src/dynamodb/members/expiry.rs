//! The part of a conversation that has expired.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ConversationId, Seq};

use super::super::conditional::unless_refused;
use super::{CONVERSATION, Members, key};
use crate::StoreError;

impl Members {
    /// Hides everything up to a seq from everybody, unless more is hidden already. Safe to repeat. Cost: one write unit.
    pub async fn expire(&self, conversation: ConversationId, expired_seq: Seq) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, CONVERSATION.to_owned())))
            .update_expression("SET expired_seq = :expired")
            .condition_expression(
                "attribute_exists(entry) AND (attribute_not_exists(expired_seq) OR expired_seq < :expired)",
            )
            .expression_attribute_values(":expired", AttributeValue::N(expired_seq.to_string()));
        unless_refused(update.send().await).map(drop)
    }
}
