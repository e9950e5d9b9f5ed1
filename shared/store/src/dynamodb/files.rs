//! Table `files`: ready files, so that attaching one needs no SQL, and the messages that reference them.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `file_id` | S | partition key |
//! | `owner_id`, `conversation_id` | S | the user who may attach it, and the conversation |
//! | `name`, `content_type`, `size`, `width`, `height` | | the attachment that messages show |
//! | `carried_by` | NS | seqs of the messages that reference it, as far as the stream of `messages` has been read |
//! | `released_at` | N | time of expiry: no message references it, and no send can reference it any more |
//! | `removing` | BOOL | its deletion is decided |
//! | `accepted` | BOOL | SQL has the status `ready`, too: an item is written before the status |
//!
//! The log cannot tell whether a file may be deleted: a message that references it may be in progress, and so may the stream
//! record of another. So a file expires first, and every later send refuses it. Then a grace period passes, in which earlier
//! sends complete and renew the file.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::{Attachment, ConversationId, FileId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items, to_item};

use super::batch::get_all;
use super::conditional::unless_refused;
use super::{Item, millis};
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileItem {
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The user who may attach it.
    pub owner_id: UserId,
    pub conversation_id: ConversationId,
    /// Messages that are known to reference the file. Never written as a whole.
    #[serde(rename = "carried_by", default, skip_serializing)]
    pub referenced_by: Vec<Seq>,
    /// Time of the expiry; `None` for a file that has not expired.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub released_at: Option<Timestamp>,
    /// True once SQL has the status `ready`. Items of the version before lack it. Never written as a whole.
    #[serde(default, skip_serializing)]
    pub accepted: bool,
}

/// Most messages that reference one file, approximately: an item is limited to 400 KB.
const MAX_REFERENCES: usize = 1000;

impl FileItem {
    /// Returns true if this user may attach the file to a message in this conversation.
    pub fn may_be_attached(&self, user: UserId, conversation: ConversationId) -> bool {
        let matches = self.owner_id == user && self.conversation_id == conversation;
        matches && self.released_at.is_none() && self.referenced_by.len() < MAX_REFERENCES
    }
}

#[derive(Clone, Debug)]
pub struct FileItems {
    client: Client,
    table: String,
}

impl FileItems {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Returns the ready ones among these files, in no order. Read consistently, since a client that learns that a file is
    /// ready sends it at once. Cost: one read unit each; no request for an empty list.
    pub async fn get(&self, files: &[FileId]) -> Result<Vec<FileItem>, StoreError> {
        let keys = files.iter().map(|file| key(*file)).collect();
        Ok(from_items(get_all(&self.client, &self.table, keys, true).await?)?)
    }

    /// Registers a file as attachable, unless it is registered already.
    pub async fn put(&self, file: &FileItem) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(to_item(file)?));
        match put.condition_expression("attribute_not_exists(file_id)").send().await {
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            result => result.map(drop).map_err(StoreError::dynamodb),
        }
    }

    /// Adds a message's reference to a file, which keeps it. Returns false for a file that is already being deleted.
    pub async fn add_reference(&self, file: FileId, seq: Seq) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("ADD carried_by :seq REMOVE released_at");
        let update = update.expression_attribute_values(":seq", AttributeValue::Ns(vec![seq.to_string()]));
        let update = update.condition_expression("attribute_exists(file_id) AND attribute_not_exists(removing)");
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Removes a message's reference to a file. Returns true if it was the last one: then the file has to expire.
    pub async fn remove_reference(&self, file: FileId, seq: Seq) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("DELETE carried_by :seq");
        let update = update.expression_attribute_values(":seq", AttributeValue::Ns(vec![seq.to_string()]));
        let update = update.condition_expression("attribute_exists(file_id)").return_values(ReturnValue::AllNew);
        let left = unless_refused(update.send().await)?;
        Ok(left.is_some_and(|left| !left.contains_key("carried_by")))
    }

    /// Expires a file; afterwards no send can reference it. Returns false if a message references it, or if the file does not
    /// exist.
    pub async fn expire(&self, file: FileId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("SET released_at = if_not_exists(released_at, :now)");
        let update = update.expression_attribute_values(":now", AttributeValue::N(now.epoch_millis().to_string()));
        let update = update.condition_expression("attribute_exists(file_id) AND attribute_not_exists(carried_by)");
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Records that SQL has the status `ready`. Does nothing for a file that is deleted meanwhile. Cost: one write unit.
    pub async fn mark_accepted(&self, file: FileId) -> Result<(), StoreError> {
        let update = self.update(file).update_expression("SET accepted = :true");
        let update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        unless_refused(update.condition_expression("attribute_exists(file_id)").send().await).map(drop)
    }

    /// Decides to delete a file that expired before `before` and that no message has referenced since. Returns true if it is to
    /// be deleted, also if that was decided before.
    pub async fn decide_deletion(&self, file: FileId, before: Timestamp) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("SET removing = :true");
        let update = update
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":before", AttributeValue::N(before.epoch_millis().to_string()));
        let update = update.condition_expression("attribute_not_exists(carried_by) AND released_at <= :before");
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Forgets a file: the last thing that is done to it. Safe to repeat.
    pub async fn delete(&self, file: FileId) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(file)));
        delete.send().await.map(drop).map_err(StoreError::dynamodb)
    }

    /// The file, read consistently.
    pub async fn find(&self, file: FileId) -> Result<Option<FileItem>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(file))).consistent_read(true);
        Ok(get.send().await.map_err(StoreError::dynamodb)?.item.map(from_item).transpose()?)
    }

    fn update(&self, file: FileId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(key(file)))
    }
}

fn key(file: FileId) -> Item {
    HashMap::from([("file_id".to_owned(), AttributeValue::S(file.to_string()))])
}
