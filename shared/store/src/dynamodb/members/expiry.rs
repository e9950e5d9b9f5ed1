//! The part of a conversation that has expired.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ConversationId, Seq};

use super::{CONVERSATION, Members, key};
use crate::StoreError;

impl Members {
    /// Hides everything up to a seq from everybody, unless more is hidden already. Safe to repeat. Cost: one write unit.
    pub async fn expire(&self, conversation: ConversationId, expired_seq: Seq) -> Result<(), StoreError> {
        let expired = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, CONVERSATION.to_owned())))
            .update_expression("SET expired_seq = :expired")
            .condition_expression(
                "attribute_exists(entry) AND (attribute_not_exists(expired_seq) OR expired_seq < :expired)",
            )
            .expression_attribute_values(":expired", AttributeValue::N(expired_seq.to_string()))
            .send()
            .await;
        match expired {
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            expired => expired.map(drop).map_err(StoreError::dynamodb),
        }
    }
}
