//! Everything that the archive has of one conversation, and checks that table and bucket agree.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ConversationId;
use serde_dynamo::from_item;
use store::dynamodb::{ChunkItem, StoredRow};

use crate::{Cloud, aws};

/// A snapshot, taken piece by piece: whole only where nothing changes meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredArchive {
    /// The index, oldest segment first.
    pub segments: Vec<ChunkItem>,
    /// Rows of archived segments, with changes that no chunk has yet.
    pub rows: Vec<StoredRow>,
    /// Keys of the conversation's objects.
    pub objects: BTreeSet<String>,
}

impl StoredArchive {
    /// Reads everything that the archive has of this conversation.
    ///
    /// # Panics
    ///
    /// If something cannot be read.
    pub async fn of(cloud: &Cloud, conversation: ConversationId) -> Self {
        let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
        let index = dynamodb
            .query()
            .table_name(aws::MESSAGES)
            .key_condition_expression("conversation_id = :conversation AND seq < :first")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
            .expression_attribute_values(":first", AttributeValue::N("0".to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .expect("the index");
        let segments: Vec<ChunkItem> =
            index.into_iter().map(|item| from_item(item).expect("an item of the index")).collect();
        let chunks = aws::chunks(cloud);
        let mut rows = Vec::new();
        for segment in &segments {
            let read = chunks.rows(conversation, segment.segment(), usize::MAX).await.expect("the rows of a segment");
            rows.extend(read.rows);
        }
        let objects = aws::chunk_objects(cloud).list(&format!("{conversation}/")).await.expect("the objects");
        Self { segments, rows, objects: objects.into_iter().map(|object| object.key).collect() }
    }

    /// Checks that the index names every object, and that each one is as the index has it.
    ///
    /// # Panics
    ///
    /// Where they do not.
    pub async fn check(&self, cloud: &Cloud) {
        let named: BTreeSet<String> = self.segments.iter().map(|segment| segment.object_key.clone()).collect();
        assert_eq!(self.objects, named, "objects, and those that the index names");
        let objects = aws::chunk_objects(cloud);
        for ChunkItem { object_key, sha256, bytes, .. } in &self.segments {
            let object = objects.get(object_key).await.expect("an answer").expect("an object");
            assert_eq!(
                (&store::chunk_objects::checksum(&object), object.len() as u64),
                (sha256, *bytes),
                "{object_key}"
            );
        }
    }
}
