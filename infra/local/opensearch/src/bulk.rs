//! Bulk requests: many writes, each with an answer of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::cluster::{Cluster, Index};
use crate::engine::{VersionType, Versioning, Write, Written};
use crate::error::ApiError;

const MAX_ID_BYTES: usize = 512;

/// Keys that an action may have.
const OPTIONS: [&str; 6] = ["_id", "_index", "require_alias", "version", "version_type", "op_type"];

/// The action of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Index,
    Create,
    Delete,
}

/// An action of a bulk request with its document.
struct Item {
    kind: Kind,
    index: String,
    id: String,
    require_alias: bool,
    /// The write, or the reason against it.
    write: Result<Write, ApiError>,
}

/// Values for all items that do not say otherwise.
pub(crate) struct Defaults<'a> {
    pub(crate) index: Option<&'a str>,
    pub(crate) require_alias: bool,
}

/// The answer to a bulk request.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) took: u64,
    errors: bool,
    items: Vec<Value>,
    /// Indices that were written to.
    #[serde(skip)]
    pub(crate) written: Vec<Arc<Index>>,
}

/// The writes to one index, each with its position in the request.
type Batch = (Arc<Index>, Vec<(usize, Write)>);

/// Carries a bulk request out. Items of one index are written in their order.
pub(crate) fn run(cluster: &Cluster, body: &str, defaults: &Defaults<'_>) -> Result<Outcome, ApiError> {
    let items = parse(body, defaults)?;
    let mut answers: Vec<Option<Value>> = Vec::new();
    answers.resize_with(items.len(), || None);
    let mut errors = false;
    let mut batches: BTreeMap<String, Batch> = BTreeMap::new();
    let mut described = Vec::with_capacity(items.len());
    for (position, Item { kind, index, id, require_alias, write }) in items.into_iter().enumerate() {
        let target = cluster.written(&index, require_alias);
        let name = target.as_ref().map_or(index, |target| target.name.clone());
        match (target, write) {
            (Ok(target), Ok(write)) => {
                batches.entry(target.uuid.clone()).or_insert((target, Vec::new())).1.push((position, write));
            }
            (Err(error), _) | (_, Err(error)) => {
                errors = true;
                answers[position] = Some(failure(kind, &name, &id, &error));
            }
        }
        described.push((kind, name, id));
    }
    let mut written = Vec::new();
    for (index, batch) in batches.into_values() {
        let (positions, writes): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let copies = 1 + index.settings().replicas();
        let outcomes = index.write(writes);
        for (number, position) in positions.into_iter().enumerate() {
            let (kind, name, id) = &described[position];
            let outcome = match &outcomes {
                Ok(outcomes) => outcomes[number].clone(),
                Err(error) => Err(error.clone()),
            };
            answers[position] = Some(match outcome {
                Ok(outcome) => success(*kind, name, id, outcome, copies),
                Err(error) => {
                    errors = true;
                    let error = match error.kind {
                        "version_conflict_engine_exception" => {
                            error.about(name).with("shard", "0").with("index_uuid", index.uuid.clone())
                        }
                        _ => error,
                    };
                    failure(*kind, name, id, &error)
                }
            });
        }
        written.push(index);
    }
    Ok(Outcome { took: 0, errors, items: answers.into_iter().flatten().collect(), written })
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Delete => "delete",
        }
    }
}

fn success(kind: Kind, index: &str, id: &str, outcome: Written, copies: usize) -> Value {
    let Written { version, seq_no, existed } = outcome;
    let (result, status) = match (kind, existed) {
        (Kind::Delete, true) => ("deleted", StatusCode::OK),
        (Kind::Delete, false) => ("not_found", StatusCode::NOT_FOUND),
        (_, true) => ("updated", StatusCode::OK),
        (_, false) => ("created", StatusCode::CREATED),
    };
    json!({ kind.name(): {
        "_index": index, "_id": id, "_version": version, "result": result,
        "_shards": { "total": copies, "successful": 1, "failed": 0 },
        "_seq_no": seq_no, "_primary_term": 1, "status": status.as_u16(),
    }})
}

fn failure(kind: Kind, index: &str, id: &str, error: &ApiError) -> Value {
    json!({ kind.name(): { "_index": index, "_id": id, "status": error.status.as_u16(), "error": error.item() } })
}

/// Reads the lines of a request: an action, and for all but deletions the source.
fn parse(body: &str, defaults: &Defaults<'_>) -> Result<Vec<Item>, ApiError> {
    if body.is_empty() {
        return Err(ApiError::parse("request body is required"));
    }
    if !body.ends_with('\n') {
        return Err(ApiError::illegal_argument("The bulk request must be terminated by a newline [\\n]"));
    }
    let mut lines = body.lines().enumerate();
    let mut items = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let (kind, options) = action(number + 1, line)?;
        let source = if kind == Kind::Delete {
            None
        } else {
            let missing = || ApiError::illegal_argument("The bulk request must be terminated by a newline [\\n]");
            Some(lines.next().map(|(_, line)| line).ok_or_else(missing)?)
        };
        items.push(item(kind, &options, source, defaults)?);
    }
    if items.is_empty() {
        return Err(ApiError::validation("no requests added"));
    }
    Ok(items)
}

fn action(number: usize, line: &str) -> Result<(Kind, Map<String, Value>), ApiError> {
    let malformed = |found: &str| {
        ApiError::illegal_argument(format!("Malformed action/metadata line [{number}], expected {found}"))
    };
    let action: Value = serde_json::from_str(line)
        .map_err(|error| ApiError::illegal_argument(format!("Malformed action/metadata line [{number}]: {error}")))?;
    let Value::Object(action) = action else { return Err(malformed("START_OBJECT")) };
    let mut entries = action.into_iter();
    let (Some((name, options)), None) = (entries.next(), entries.next()) else { return Err(malformed("one action")) };
    let kind = match name.as_str() {
        "index" => Kind::Index,
        "create" => Kind::Create,
        "delete" => Kind::Delete,
        "update" => return Err(ApiError::not_emulated("the action [update]")),
        other => return Err(malformed(&format!("field [create], [delete], [index] or [update] but found [{other}]"))),
    };
    let Value::Object(options) = options else { return Err(malformed("START_OBJECT")) };
    if let Some(key) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        let reason =
            format!("Action/metadata line [{number}] contains an unknown parameter [{key}], or it is not emulated");
        return Err(ApiError::illegal_argument(reason));
    }
    Ok((kind, options))
}

fn item(
    kind: Kind,
    options: &Map<String, Value>,
    source: Option<&str>,
    defaults: &Defaults<'_>,
) -> Result<Item, ApiError> {
    let text =
        |key: &str| options.get(key).map(|value| crate::mapping::text(value).map_err(ApiError::parse)).transpose();
    let index = text("_index")?.or_else(|| defaults.index.map(str::to_owned));
    let index = index.ok_or_else(|| ApiError::validation("index is missing"))?;
    let require_alias = options.get("require_alias").and_then(Value::as_bool).unwrap_or(defaults.require_alias);
    let kind = if kind == Kind::Index && text("op_type")?.as_deref() == Some("create") { Kind::Create } else { kind };
    let id = match text("_id")? {
        Some(id) if id.is_empty() => {
            return Err(ApiError::illegal_argument("if _id is specified it must not be empty"));
        }
        Some(id) => id,
        None if kind == Kind::Delete => return Err(ApiError::validation("id is missing")),
        None => Uuid::new_v4().simple().to_string(),
    };
    if id.len() > MAX_ID_BYTES {
        let length = id.len();
        return Err(ApiError::validation(format!(
            "id [{id}] is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {length}"
        )));
    }
    let version = match options.get("version") {
        Some(version) => Some(crate::mapping::long(version).map_err(ApiError::illegal_argument)?),
        None => None,
    };
    let version_type = text("version_type")?.map_or(Ok(VersionType::Internal), |name| name.parse())?;
    let versioning = Versioning::of(version, version_type, kind == Kind::Create)?;
    let write = match source {
        Some(source) if source.trim().is_empty() => Err(ApiError::mapper("failed to parse, document is empty")),
        source => Ok(Write { id: id.clone(), source: source.map(str::to_owned), versioning }),
    };
    Ok(Item { kind, index, id, require_alias, write })
}
