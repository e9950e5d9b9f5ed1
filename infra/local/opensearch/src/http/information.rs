//! Requests about the cluster.

use serde_json::{Value, json};

use super::{Answer, Call, ok};
use crate::error::ApiError;

/// The version whose documents this engine follows.
const VERSION: &str = "2.19.0";

/// Answers `GET /` with the version that the engine follows.
pub(super) fn root(call: Call) -> Answer {
    call.parameters.finish()?;
    ok(json!({
        "name": crate::NODE,
        "cluster_name": crate::CLUSTER,
        "cluster_uuid": crate::CLUSTER,
        "version": {
            "distribution": "opensearch",
            "number": VERSION,
            "build_type": "local",
            "build_snapshot": false,
            "minimum_wire_compatibility_version": "7.10.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "The OpenSearch Project: https://opensearch.org/",
    }))
}

/// Answers `GET /_cluster/health`, which is always green.
pub(super) fn health(mut call: Call) -> Answer {
    // It never waits: all there is is active.
    call.parameters.take("wait_for_status");
    call.parameters.finish()?;
    let shards = call.cluster.indices(None)?.len();
    ok(json!({
        "cluster_name": crate::CLUSTER,
        "status": "green",
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "discovered_master": true,
        "discovered_cluster_manager": true,
        "active_primary_shards": shards,
        "active_shards": shards,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }))
}

/// Answers `GET /_cat/indices?format=json`; other formats are refused.
pub(super) fn indices(mut call: Call, names: Option<&str>) -> Answer {
    if call.parameters.take("format").as_deref() != Some("json") {
        return Err(ApiError::not_emulated("[_cat] without [format=json]"));
    }
    let is_bytes = call.parameters.take("bytes").is_some_and(|unit| unit == "b");
    call.parameters.finish()?;
    let mut rows = Vec::new();
    for index in call.cluster.indices(names)? {
        let bytes = index.size()?;
        let size = if is_bytes { bytes.to_string() } else { written(bytes) };
        let engine = index.engine();
        rows.push(json!({
            "health": "green",
            "status": "open",
            "index": index.name,
            "uuid": index.uuid,
            "pri": "1",
            "rep": index.settings().replicas().to_string(),
            "docs.count": engine.count()?.to_string(),
            "docs.deleted": engine.tombstones(&engine.searcher())?.to_string(),
            "store.size": size,
            "pri.store.size": size,
        }));
    }
    ok(Value::Array(rows))
}

/// A size as people read it.
fn written(bytes: u64) -> String {
    let units = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{}{name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes}b"),
    }
}
