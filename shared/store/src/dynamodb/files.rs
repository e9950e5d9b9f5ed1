//! Table `files`: ready files, so that attaching one needs no SQL, and which messages carry them.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `file_id` | S | partition key |
//! | `owner_id`, `conversation_id` | S | who may attach it, and where |
//! | `name`, `content_type`, `size`, `width`, `height` | | what a message carries of it |
//! | `referenced_by` | NS | seqs of the conversation's messages that carry it: what the stream of `messages` has told so far |
//! | `released_at` | N | since when it is on its way out: no message carries it, and none can be sent that does |
//! | `removing` | BOOL | nothing keeps it any more: its bytes are going |
//!
//! Whether a file may go cannot be asked of the log at a moment: a message that carries it may be on its way there, and its news
//! from there on their way here. So a file is first released, which every send notices that begins after it; then some time
//! passes, in which those that began before it arrive, and take it back.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::{Attachment, ConversationId, FileId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items, to_item};

use super::batch::get_all;
use super::{Item, millis};
use crate::StoreError;

/// One ready file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileItem {
    /// What a message carries of it.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// Who may attach it.
    pub owner_id: UserId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Messages that are known to carry it. Never written as a whole.
    #[serde(rename = "carried_by", default, skip_serializing)]
    pub referenced_by: Vec<Seq>,
    /// Since when it is on its way out.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::optional")]
    pub released_at: Option<Timestamp>,
}

/// Most messages that carry one file, or a few more: an item has its limits.
const MAX_REFERENCES: usize = 1000;

impl FileItem {
    /// Whether this user may attach it to a message in this conversation.
    pub fn may_be_attached(&self, user: UserId, conversation: ConversationId) -> bool {
        let here = self.owner_id == user && self.conversation_id == conversation;
        here && self.released_at.is_none() && self.referenced_by.len() < MAX_REFERENCES
    }
}

/// The table.
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

    /// These files, as far as they are ready, in no order: one read unit each, read consistently, since who is told that a file
    /// is ready sends it at once. No request where there are none.
    pub async fn get(&self, files: &[FileId]) -> Result<Vec<FileItem>, StoreError> {
        let keys = files.iter().map(|file| key(*file)).collect();
        Ok(from_items(get_all(&self.client, &self.table, keys, true).await?)?)
    }

    /// Makes a file one that can be attached, unless it is there already.
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

    /// A message carries the file, which therefore stays. Whether the file is there to stay: `false` for one that is going.
    pub async fn add_reference(&self, file: FileId, seq: Seq) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("ADD carried_by :seq REMOVE released_at");
        let update = update.expression_attribute_values(":seq", AttributeValue::Ns(vec![seq.to_string()]));
        let update = update.condition_expression("attribute_exists(file_id) AND attribute_not_exists(removing)");
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// A message carries the file no more. Whether it was the last one: then the file is to be released.
    pub async fn remove_reference(&self, file: FileId, seq: Seq) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("DELETE carried_by :seq");
        let update = update.expression_attribute_values(":seq", AttributeValue::Ns(vec![seq.to_string()]));
        let update = update.condition_expression("attribute_exists(file_id)").return_values(ReturnValue::AllNew);
        let left = unless_refused(update.send().await)?;
        Ok(left.is_some_and(|left| !left.contains_key("carried_by")))
    }

    /// Sets a file that no message carries on its way out; `false` for one that a message carries, or that is not there. From here
    /// on no send takes it.
    pub async fn expire(&self, file: FileId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self.update(file).update_expression("SET released_at = if_not_exists(released_at, :now)");
        let update = update.expression_attribute_values(":now", AttributeValue::N(now.epoch_millis().to_string()));
        let update = update.condition_expression("attribute_exists(file_id) AND attribute_not_exists(carried_by)");
        Ok(unless_refused(update.send().await)?.is_some())
    }

    /// Decides that a file goes which was released before `before` and which no message has taken back since. Whether it does;
    /// also `true` where that was decided before.
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

type Updated = aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;

/// The attributes that the update returns; `None` where its condition does not hold.
fn unless_refused(result: Result<Updated, SdkError<UpdateItemError>>) -> Result<Option<Item>, StoreError> {
    match result {
        Ok(updated) => Ok(Some(updated.attributes.unwrap_or_default())),
        Err(error) if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {
            Ok(None)
        }
        Err(error) => Err(StoreError::dynamodb(error)),
    }
}

fn key(file: FileId) -> Item {
    HashMap::from([("file_id".to_owned(), AttributeValue::S(file.to_string()))])
}
