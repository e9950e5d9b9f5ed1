//! Requests about documents: bulk writes, and reads by id.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::parameters::Refresh;
use super::{Answer, Call, ok};
use crate::bulk::{self, Defaults};
use crate::engine::Found;
use crate::error::ApiError;
use crate::search::{SourceFilter, filtered};

/// `POST /_bulk`, `POST /{index}/_bulk`
pub(super) fn bulk(mut call: Call, index: Option<&str>) -> Answer {
    let refresh = call.parameters.refresh()?;
    let require_alias = call.parameters.flag("require_alias")?;
    let (took, body) = (call.started, call.body.clone());
    call.parameters.finish()?;
    let body = std::str::from_utf8(&body).map_err(|error| ApiError::parse(error.to_string()))?;
    let mut outcome = bulk::run(&call.cluster, body, &Defaults { index, require_alias })?;
    if refresh == Refresh::Now {
        for index in &outcome.written {
            index.refresh()?;
        }
    }
    outcome.took = u64::try_from(took.elapsed().as_millis()).unwrap_or(u64::MAX);
    ok(outcome)
}

/// A document that was found.
#[derive(Serialize)]
struct Answered<'a> {
    _index: &'a str,
    _id: &'a str,
    _version: i64,
    _seq_no: i64,
    _primary_term: u64,
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    _source: Option<Box<RawValue>>,
}

/// Answers `GET /{index}/_doc/{id}`: the newest state, refreshed or not.
pub(super) fn get(mut call: Call, name: &str, id: &str) -> Answer {
    // Reads see every write, refreshed or not.
    let realtime = call.parameters.take("realtime");
    if realtime.is_some_and(|realtime| realtime != "true") {
        return Err(ApiError::not_emulated("[realtime] with [false]"));
    }
    let filter = match call.parameters.take("_source") {
        None => SourceFilter::All,
        Some(fields) if fields == "true" || fields == "false" => SourceFilter::read(&json!(fields == "true"))?,
        Some(fields) => SourceFilter::read(&json!(fields.split(',').collect::<Vec<_>>()))?,
    };
    call.parameters.finish()?;
    let index = call.cluster.single(name)?;
    let Some(Found { version, seq_no, source }) = index.engine().get(id)? else {
        let body = json!({ "_index": index.name, "_id": id, "found": false });
        return Ok((StatusCode::NOT_FOUND, Json(body)).into_response());
    };
    ok(Answered {
        _index: &index.name,
        _id: id,
        _version: version,
        _seq_no: seq_no,
        _primary_term: 1,
        found: true,
        _source: filtered(source, &filter)?,
    })
}
