//! Removing the receipts of a user.

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use domain::{ConversationId, ReceiptKind, UserId};

use super::{Watermarks, older_partition, watermark_key};
use crate::StoreError;
use crate::dynamodb::Item;
use crate::dynamodb::batch::write_all;

impl Watermarks {
    /// Removes all receipts of a user in a conversation. Safe to repeat. Cost: four requests, a write unit for each kind, and one for
    /// each older receipt.
    pub async fn remove(&self, conversation: ConversationId, user: UserId) -> Result<(), StoreError> {
        for kind in [ReceiptKind::Delivered, ReceiptKind::Read] {
            let table = self.table(kind);
            let mut older = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(older_partition(conversation, user)))
                .projection_expression("pk, sk")
                .consistent_read(true)
                .into_paginator()
                .items()
                .send();
            let mut writes = vec![removal(watermark_key(conversation, user))?];
            while let Some(key) = older.try_next().await.map_err(StoreError::dynamodb)? {
                writes.push(removal(key)?);
            }
            write_all(&self.client, table, writes).await?;
        }
        Ok(())
    }
}

fn removal(key: Item) -> Result<WriteRequest, StoreError> {
    let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(StoreError::building)?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}
