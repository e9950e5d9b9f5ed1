//! Table `messages`: the index of archived segments, and the rows of a segment as they are stored.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `conversation_id` | S | partition key |
//! | `seq` | N | sort key: minus the first seq of the segment, so that no read of a log meets it |
//! | `last_seq` | N | last seq of the segment |
//! | `first_sent_at`, `last_sent_at` | N | times of its first and last item |
//! | `generation` | N | 1 for the first chunk of a segment; one more for each that takes its place |
//! | `object_key` | S | the object that has the chunk |
//! | `sha256` | S | its SHA-256, in base64 |
//! | `bytes` | N | its size |
//!
//! An index item lies beside the rows that it stands for, so a restored table has either. It has no `kind`: the filters of the
//! stream pass it over. A row of an archived segment that was put back has the attribute `restored`.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use domain::period::SeqRange;
use domain::{ConversationId, Seq, Timestamp};
use serde::{Deserialize, Serialize};
use serde_dynamo::{from_item, from_items, to_item};
use serde_json::Value;

use super::messages::{items_of, key};
use super::{Item, millis};
use crate::StoreError;

/// Attribute of a row that was put back from a chunk.
const RESTORED: &str = "restored";

/// An archived segment, as the index has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkItem {
    pub conversation_id: ConversationId,
    /// Minus its first seq.
    #[serde(rename = "seq")]
    pub place: i64,
    pub last_seq: Seq,
    #[serde(with = "millis")]
    pub first_sent_at: Timestamp,
    #[serde(with = "millis")]
    pub last_sent_at: Timestamp,
    pub generation: u64,
    pub object_key: String,
    pub sha256: String,
    pub bytes: u64,
}

impl ChunkItem {
    /// Creates the item of a segment, whose object is named later.
    pub fn new(
        conversation_id: ConversationId,
        segment: SeqRange,
        times: (Timestamp, Timestamp),
        generation: u64,
    ) -> Self {
        Self {
            conversation_id,
            place: place(segment.first),
            last_seq: segment.last,
            first_sent_at: times.0,
            last_sent_at: times.1,
            generation,
            object_key: String::new(),
            sha256: String::new(),
            bytes: 0,
        }
    }

    /// Returns the seqs of the segment.
    pub fn segment(&self) -> SeqRange {
        SeqRange { first: Seq(self.place.unsigned_abs()), last: self.last_seq }
    }
}

/// A row of a log as it is stored, whichever version wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    pub seq: Seq,
    pub sent_at: Timestamp,
    /// Seq of the newest event about the message; `None` if there is none.
    pub amended: Option<Seq>,
    /// True if the row was put back from a chunk.
    pub restored: bool,
    /// JSON of all attributes, but for the mark of a row that was put back.
    pub json: String,
}

/// Rows of a segment, as many as were asked for.
#[derive(Clone, Debug)]
pub struct StoredRows {
    pub rows: Vec<StoredRow>,
    /// Seq at which the rest begins; `None` if these are all.
    pub next: Option<Seq>,
}

/// The attributes of a row that the archive itself needs.
#[derive(Deserialize)]
struct Facts {
    seq: Seq,
    #[serde(with = "millis")]
    sent_at: Timestamp,
    #[serde(default)]
    amended: Option<Amended>,
}

#[derive(Deserialize)]
struct Amended {
    seq: Seq,
}

impl StoredRow {
    /// Reads a row out of its attributes.
    pub fn of(mut attributes: Value) -> Result<Self, StoreError> {
        let restored = attributes.as_object_mut().is_some_and(|attributes| attributes.remove(RESTORED).is_some());
        let Facts { seq, sent_at, amended } = Facts::deserialize(&attributes)?;
        let json = serde_json::to_string(&attributes)?;
        Ok(Self { seq, sent_at, amended: amended.map(|amended| amended.seq), restored, json })
    }
}

/// The index of archived segments, and the rows of segments.
#[derive(Clone, Debug)]
pub struct Chunks {
    client: Client,
    /// Name of the table `messages`.
    table: String,
}

impl Chunks {
    /// The index in the table `messages` with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads the index item of the segment that begins at this seq, consistently. Cost: one read unit.
    pub async fn get(&self, conversation: ConversationId, first: Seq) -> Result<Option<ChunkItem>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(conversation, place(first))))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(found.item.map(from_item).transpose()?)
    }

    /// Reads the index items of the segments that begin in a range, newest segment first, consistently. Cost: a read unit for some
    /// thirteen segments.
    pub async fn within(&self, conversation: ConversationId, range: SeqRange) -> Result<Vec<ChunkItem>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("conversation_id = :conversation AND seq BETWEEN :last AND :first")
                .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
                .expression_attribute_values(":last", AttributeValue::N(place(range.last).to_string()))
                .expression_attribute_values(":first", AttributeValue::N(place(range.first).to_string()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            found.extend(from_items::<_, ChunkItem>(page.items.unwrap_or_default())?);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Reads the index item of the oldest segment of a conversation, consistently. Cost: one read unit.
    pub async fn oldest(&self, conversation: ConversationId) -> Result<Option<ChunkItem>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :conversation AND seq < :zero")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
            .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
            // They have negative seqs.
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(page.items.unwrap_or_default().into_iter().next().map(from_item).transpose()?)
    }

    /// Puts an index item in the place of the one with the generation before, or of none. Returns false if that is not there: a
    /// repeated request finds its own.
    pub async fn put(&self, chunk: &ChunkItem) -> Result<bool, StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(to_item(chunk)?));
        let put = match chunk.generation {
            0 | 1 => put.condition_expression("attribute_not_exists(conversation_id)"),
            generation => put
                .condition_expression("generation = :before")
                .expression_attribute_values(":before", AttributeValue::N((generation - 1).to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    /// Reads rows consistently, oldest first, until they have this many bytes. Cost: a read unit for each 4 KB, and one request for each
    /// megabyte.
    pub async fn rows(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        max_bytes: usize,
    ) -> Result<StoredRows, StoreError> {
        let (mut rows, mut bytes, mut start) = (Vec::new(), 0, None);
        loop {
            let page = items_of(&self.client, &self.table, conversation, range)
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::dynamodb)?;
            for item in page.items.unwrap_or_default() {
                let row = StoredRow::of(from_item::<_, Value>(item)?)?;
                bytes += row.json.len();
                if bytes > max_bytes && !rows.is_empty() {
                    return Ok(StoredRows { rows, next: Some(row.seq) });
                }
                rows.push(row);
            }
            match page.last_evaluated_key {
                Some(last) => start = Some(last),
                None => return Ok(StoredRows { rows, next: None }),
            }
        }
    }

    /// Deletes a row, if the newest event about it is still this one. Returns false if there is a newer one. Safe to repeat. Cost:
    /// a write unit for each KB.
    pub async fn delete_row(
        &self,
        conversation: ConversationId,
        seq: Seq,
        amended: Option<Seq>,
    ) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(conversation, seq)));
        let delete = match amended {
            None => delete.condition_expression("attribute_not_exists(amended)"),
            Some(amended) => delete
                .condition_expression("attribute_not_exists(conversation_id) OR amended.seq = :amended")
                .expression_attribute_values(":amended", AttributeValue::N(amended.to_string())),
        };
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }

    /// Puts a row back as this chunk has it, unless there is one, or another chunk has taken the place of this one. Returns false if
    /// nothing was put. Cost: twice the write units of the row, and two.
    pub async fn restore(&self, attributes: &Value, chunk: &ChunkItem) -> Result<bool, StoreError> {
        let mut row: Item = to_item(attributes)?;
        row.insert(RESTORED.to_owned(), AttributeValue::Bool(true));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(conversation_id)")
            .build()
            .map_err(StoreError::building)?;
        let unchanged = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key(chunk.conversation_id, chunk.place)))
            .condition_expression("generation = :generation")
            .expression_attribute_values(":generation", AttributeValue::N(chunk.generation.to_string()))
            .build()
            .map_err(StoreError::building)?;
        let writes = [
            TransactWriteItem::builder().put(put).build(),
            TransactWriteItem::builder().condition_check(unchanged).build(),
        ];
        match self.client.transact_write_items().set_transact_items(Some(writes.into())).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => Ok(false),
                _ => Err(StoreError::dynamodb(error)),
            },
        }
    }
}

/// Returns the sort key of the index item of the segment that begins at this seq.
fn place(first: Seq) -> i64 {
    i64::try_from(first.0).map_or(i64::MIN, |first| -first)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use domain::message::Edit;
    use domain::reaction::{Emoji, Reactions};
    use domain::{Content, MessageKind, UserId};

    use super::*;
    use crate::dynamodb::LogItem;

    #[test]
    fn attributes_of_any_version_stay_as_they_are() {
        let content = Content::new("Ä \"quoted\" text".to_owned(), Some(Seq(3)), Vec::new()).unwrap();
        let (conversation, sender) = (ConversationId::generate(), UserId::from_token("i", "s"));
        let item = LogItem::new(conversation, Seq(9), sender, Timestamp::now(), Seq(1), MessageKind::Text(content));
        let mut stored: Item = to_item(&item).unwrap();
        let later = AttributeValue::M(HashMap::from([
            ("large".to_owned(), AttributeValue::N("9007199254740991".to_owned())),
            ("flag".to_owned(), AttributeValue::Bool(true)),
            ("none".to_owned(), AttributeValue::Null(true)),
        ]));
        stored.insert("of_a_later_version".to_owned(), AttributeValue::L(vec![later]));
        let row = StoredRow::of(from_item(stored.clone()).unwrap()).unwrap();
        assert_eq!((row.seq, row.amended, row.restored), (Seq(9), None, false));
        let read: Value = serde_json::from_str(&row.json).unwrap();
        assert_eq!(to_item::<_, Item>(&read).unwrap(), stored);
        assert_eq!(serde_json::from_str::<LogItem>(&row.json).unwrap(), item);
    }

    #[test]
    fn rows_that_were_never_in_the_table_are_as_if_they_had_been() {
        let (conversation, sender) = (ConversationId::generate(), UserId::from_token("i", "s"));
        let text = |text: &str| Content::new(text.to_owned(), Some(Seq(3)), vec![sender]).unwrap();
        let item = LogItem::new(conversation, Seq(9), sender, Timestamp::now(), Seq(1), MessageKind::Text(text("a")));
        let edited_at = Timestamp::now();
        let edits = vec![Edit { seq: Seq(9), edited_at, text: "b".to_owned(), mentions: vec![sender], custom: None }];
        let mut reactions = Reactions::default();
        reactions.add(Emoji::parse("👍").unwrap(), sender, Seq(9));
        let amended = LogItem { edits, reactions, file_count: Some(2), ..item.clone() };
        let deleted_at = Some(Timestamp::now());
        let kind = MessageKind::Deleted { deleted_by: Some(sender), deleted_seq: Some(Seq(9)), deleted_at };
        let deleted = LogItem::new(conversation, Seq(9), sender, Timestamp::now(), Seq(1), kind);
        for item in [item, amended, deleted] {
            let stored: Item = to_item(&item).unwrap();
            let of_table = StoredRow::of(from_item(stored).unwrap()).unwrap();
            assert_eq!(StoredRow::of(serde_json::to_value(&item).unwrap()).unwrap(), of_table);
        }
    }

    #[test]
    fn index_items_lie_before_every_log() {
        let segment = SeqRange { first: Seq(1001), last: Seq(2000) };
        let now = Timestamp::now();
        let item = ChunkItem::new(ConversationId::generate(), segment, (now, now), 1);
        let stored: Item = to_item(&item).unwrap();
        assert_eq!(stored["seq"], AttributeValue::N("-1001".to_owned()));
        assert_eq!(from_item::<_, ChunkItem>(stored).unwrap().segment(), segment);
    }
}
