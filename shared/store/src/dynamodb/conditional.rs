//! Updates on a condition.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};

use super::Item;
use crate::StoreError;

/// Returns the attributes that an update returns, none unless it asks for them; `None` if its condition did not hold.
pub(super) fn unless_refused(
    updated: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Option<Item>, StoreError> {
    match updated {
        Ok(updated) => Ok(Some(updated.attributes.unwrap_or_default())),
        Err(error) if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
            Ok(None)
        }
        Err(error) => Err(StoreError::dynamodb(error)),
    }
}
