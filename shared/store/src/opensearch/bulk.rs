//! Changes of documents, many in one request.

use domain::Seq;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::answer::{ErrorType, failed};
use super::{Document, DocumentId, MessageIndex, WRITE_ALIAS, WRITE_TIMEOUT};
use crate::StoreError;

/// A change of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Puts the document, unless the index has a newer version.
    Put(Document),
    /// Deletes the document of a message that was deleted by the event at `version`.
    Delete { id: DocumentId, version: Seq },
}

impl Change {
    pub const fn id(&self) -> DocumentId {
        match self {
            Self::Put(document) => document.id(),
            Self::Delete { id, .. } => *id,
        }
    }

    pub const fn version(&self) -> Seq {
        match self {
            Self::Put(document) => document.version,
            Self::Delete { version, .. } => *version,
        }
    }
}

/// Outcome of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The index shows this version, or a newer one.
    Done,
    /// The index was busy; the same change may succeed later.
    Busy,
    /// The index does not take the change. It has OpenSearch's type of the error.
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Item {
    Index(Outcome),
    Delete(Outcome),
}

#[derive(Deserialize)]
struct Outcome {
    status: u16,
    error: Option<ErrorType>,
}

/// OpenSearch answered with another number of outcomes than changes.
#[derive(Debug, thiserror::Error)]
#[error("{answered} outcomes of {asked} changes")]
struct WrongCount {
    asked: usize,
    answered: usize,
}

impl MessageIndex {
    /// Carries out changes, each for itself, and returns their outcomes in order. Cost: one request.
    pub async fn write(&self, changes: &[Change]) -> Result<Vec<Written>, StoreError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("/{WRITE_ALIAS}/_bulk");
        let content_type = Some("application/x-ndjson");
        let answer = self.client.send(Method::POST, &path, content_type, lines(changes)?, WRITE_TIMEOUT).await?;
        let answer: Answer = answer.read()?;
        if answer.items.len() != changes.len() {
            return Err(failed(WrongCount { asked: changes.len(), answered: answer.items.len() }));
        }
        Ok(answer.items.into_iter().map(written).collect())
    }
}

/// Returns the body of the request: for each change a line with the action, and for a document a line with it.
fn lines(changes: &[Change]) -> Result<Vec<u8>, StoreError> {
    let mut body = Vec::new();
    for change in changes {
        let about =
            json!({"_id": change.id().to_string(), "version": change.version(), "version_type": "external_gte"});
        match change {
            Change::Put(document) => {
                serde_json::to_writer(&mut body, &json!({"index": about}))?;
                body.push(b'\n');
                serde_json::to_writer(&mut body, document)?;
            }
            Change::Delete { .. } => serde_json::to_writer(&mut body, &json!({"delete": about}))?,
        }
        body.push(b'\n');
    }
    Ok(body)
}

fn written(item: Item) -> Written {
    let (Item::Index(outcome) | Item::Delete(outcome)) = item;
    match outcome.status {
        // A newer version is there, or there is nothing to delete.
        200..=299 | 404 | 409 if outcome.error.as_ref().is_none_or(|error| error.kind == VERSION_CONFLICT) => {
            Written::Done
        }
        429 | 500..=599 => Written::Busy,
        _ => Written::Refused(outcome.error.map_or_else(|| outcome.status.to_string(), |error| error.kind)),
    }
}

/// The error of a change that is older than what the index has.
const VERSION_CONFLICT: &str = "version_conflict_engine_exception";

#[cfg(test)]
mod tests {
    use domain::{ConversationId, Timestamp, UserId};
    use serde_json::{Value, from_value};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_change_has_its_lines() {
        let (conversation_id, seq) = (ConversationId(Uuid::nil()), Seq(7));
        let document = Document {
            conversation_id,
            seq,
            sender_id: UserId(Uuid::max()),
            sent_at: Timestamp::from_epoch_millis(1_764_000_000_123),
            version: Seq(9),
            terms: "hello wor ld".to_owned(),
            files: String::new(),
            has: Vec::new(),
            mentions: Vec::new(),
        };
        let id = DocumentId { conversation_id, seq: Seq(8) };
        let body = lines(&[Change::Put(document), Change::Delete { id, version: Seq(12) }]).unwrap();
        let lines: Vec<Value> =
            body.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let about = |seq: u64, version: u64| json!({"_id": format!("{conversation_id}#{seq}"), "version": version, "version_type": "external_gte"});
        assert_eq!(
            lines,
            [
                json!({"index": about(7, 9)}),
                json!({"conversation_id": conversation_id, "seq": 7, "sender_id": Uuid::max(), "sent_at": 1_764_000_000_123_u64, "version": 9, "terms": "hello wor ld"}),
                json!({"delete": about(8, 12)}),
            ]
        );
        assert_eq!(body.last(), Some(&b'\n'));
        assert_eq!(format!("{id}").parse(), Ok(id));
    }

    #[test]
    fn an_outcome_is_done_busy_or_refused() {
        let error = |kind: &str| json!({"type": kind, "reason": "r"});
        for (item, expected) in [
            (json!({"index": {"_id": "a", "status": 201, "result": "created"}}), Written::Done),
            (json!({"delete": {"_id": "a", "status": 404, "result": "not_found"}}), Written::Done),
            (json!({"index": {"_id": "a", "status": 409, "error": error(VERSION_CONFLICT)}}), Written::Done),
            (
                json!({"index": {"_id": "a", "status": 429, "error": error("rejected_execution_exception")}}),
                Written::Busy,
            ),
            (
                json!({"index": {"_id": "a", "status": 503, "error": error("unavailable_shards_exception")}}),
                Written::Busy,
            ),
            (
                json!({"index": {"_id": "a", "status": 400, "error": error("mapper_parsing_exception")}}),
                Written::Refused("mapper_parsing_exception".to_owned()),
            ),
            (
                json!({"index": {"_id": "a", "status": 404, "error": error("index_not_found_exception")}}),
                Written::Refused("index_not_found_exception".to_owned()),
            ),
        ] {
            assert_eq!(written(from_value(item.clone()).unwrap()), expected, "{item}");
        }
    }
}
