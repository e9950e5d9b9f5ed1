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
    /// Carries out changes, each for itself, and returns their outcomes in order. Cost: one request for each 4 MB.
    pub async fn write(&self, changes: &[Change]) -> Result<Vec<Written>, StoreError> {
        let path = format!("/{WRITE_ALIAS}/_bulk");
        let mut outcomes = Vec::with_capacity(changes.len());
        for Request { body, changes } in requests(changes, MAX_BODY_BYTES)? {
            let content_type = Some("application/x-ndjson");
            let answer = self.client.send(Method::POST, &path, content_type, body, WRITE_TIMEOUT).await?;
            let answer: Answer = answer.read()?;
            if answer.items.len() != changes {
                return Err(failed(WrongCount { asked: changes, answered: answer.items.len() }));
            }
            outcomes.extend(answer.items.into_iter().map(written));
        }
        Ok(outcomes)
    }
}

/// Size from which another request is made. Small domains take 10 MB, and terms can be eleven times as long as their text.
const MAX_BODY_BYTES: usize = 4 << 20;

/// A request with some of the changes.
#[derive(Debug, Default)]
struct Request {
    body: Vec<u8>,
    changes: usize,
}

/// Splits changes into requests of about `max_bytes`.
fn requests(changes: &[Change], max_bytes: usize) -> Result<Vec<Request>, StoreError> {
    let mut requests: Vec<Request> = Vec::new();
    for change in changes {
        let lines = lines(change)?;
        match requests.last_mut() {
            Some(last) if last.body.len() + lines.len() <= max_bytes => {
                last.body.extend(lines);
                last.changes += 1;
            }
            _ => requests.push(Request { body: lines, changes: 1 }),
        }
    }
    Ok(requests)
}

/// Returns the lines of a change: the action, and for a document a line with it.
fn lines(change: &Change) -> Result<Vec<u8>, StoreError> {
    let mut lines = Vec::new();
    let about = json!({"_id": change.id().to_string(), "version": change.version(), "version_type": "external"});
    match change {
        Change::Put(document) => {
            serde_json::to_writer(&mut lines, &json!({"index": about}))?;
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, document)?;
        }
        Change::Delete { .. } => serde_json::to_writer(&mut lines, &json!({"delete": about}))?,
    }
    lines.push(b'\n');
    Ok(lines)
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
        let changes = [Change::Put(document), Change::Delete { id, version: Seq(12) }];
        let [Request { body, changes: 2 }] = &requests(&changes, MAX_BODY_BYTES).unwrap()[..] else { panic!("one") };
        let lines: Vec<Value> =
            body.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let about = |seq: u64, version: u64| json!({"_id": format!("{conversation_id}#{seq}"), "version": version, "version_type": "external"});
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
        let split = requests(&changes, body.len() - 1).unwrap();
        assert_eq!(split.iter().map(|request| request.changes).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(split.iter().flat_map(|request| request.body.clone()).collect::<Vec<_>>(), *body);
        assert!(requests(&[], MAX_BODY_BYTES).unwrap().is_empty());
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
