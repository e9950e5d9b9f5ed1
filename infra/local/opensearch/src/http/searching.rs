//! Requests that search: hits with their fields, and counts.

use serde_json::{Value, json};

use super::{Answer, Call, ok};
use crate::error::{ApiError, Shards};
use crate::search::{self, Request};

/// Answers `POST /{index}/_search`; without names, all indices are searched.
pub(super) fn search(mut call: Call, names: Option<&str>) -> Answer {
    let mut body = call.json()?;
    // Of the body's keys these may stand in the query of the URL.
    for key in ["size", "from", "track_total_hits", "_source", "timeout"] {
        if let Some(value) = call.parameters.take(key) {
            let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
            let wrong = || ApiError::parsing("Expected [START_OBJECT]");
            let body = body.get_or_insert_with(|| json!({})).as_object_mut().ok_or_else(wrong)?;
            body.insert(key.to_owned(), value);
        }
    }
    let request = Request::read(body.as_ref())?;
    let indices = found(&mut call, names)?;
    let mut answer = search::run(&indices, &request)?;
    answer.took = call.took();
    ok(answer)
}

/// `GET /{index}/_count`, `POST /{index}/_count`
pub(super) fn count(mut call: Call, names: Option<&str>) -> Answer {
    let query = search::read_count(call.json()?.as_ref())?;
    let indices = found(&mut call, names)?;
    let count = search::count(&indices, &query)?;
    ok(json!({ "count": count, "_shards": Shards::searched(indices.len()) }))
}

/// Finds the indices of a search; with `ignore_unavailable` those that exist.
fn found(call: &mut Call, names: Option<&str>) -> Result<Vec<std::sync::Arc<crate::cluster::Index>>, ApiError> {
    let ignores = call.parameters.flag("ignore_unavailable")?;
    std::mem::replace(&mut call.parameters, super::Parameters::read("", "")).finish()?;
    let Some(names) = names.filter(|_| ignores) else { return call.cluster.indices(names) };
    let mut indices = Vec::new();
    for name in names.split(',') {
        match call.cluster.indices(Some(name)) {
            Ok(found) => indices.extend(found),
            Err(error) if error.kind == "index_not_found_exception" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(indices)
}
