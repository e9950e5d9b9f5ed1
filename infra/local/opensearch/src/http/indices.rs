//! Requests about indices and aliases.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::{Answer, Call, ok};
use crate::cluster::Settings;
use crate::cluster::aliases::{self, Change};
use crate::error::{ApiError, Shards};
use crate::mapping::Mapping;

/// Answers `PUT /{index}`: settings, mappings and aliases are optional.
pub(super) fn create(mut call: Call, name: &str) -> Answer {
    // There is one shard, which is there at once.
    call.parameters.take("wait_for_active_shards");
    let body = call.json()?.unwrap_or_else(|| json!({}));
    call.parameters.finish()?;
    let (mut settings, mut mapping, mut aliases) = (Settings::default(), Mapping::default(), Vec::new());
    for (key, value) in body.as_object().ok_or_else(|| ApiError::parse("request body is not an object"))? {
        match key.as_str() {
            "settings" => settings = Settings::read(value)?,
            "mappings" => mapping = Mapping::read(value)?,
            "aliases" => aliases = Change::of_index(name, value)?,
            other => return Err(ApiError::parse(format!("unknown key [{other}] for create index"))),
        }
    }
    call.cluster.create(name, settings, mapping, &aliases)?;
    ok(json!({ "acknowledged": true, "shards_acknowledged": true, "index": name }))
}

/// Answers `GET /{index}` for a list of names and aliases.
pub(super) fn describe(call: Call, names: &str) -> Answer {
    let all = call.cluster.aliases();
    call.parameters.finish()?;
    let indices = call.cluster.indices(Some(names))?;
    let described = indices.iter().map(|index| {
        let description = index.description();
        let described = json!({
            "aliases": aliases::described(&all, &index.name),
            "mappings": description.mapping.described(),
            "settings": description.settings.described(&index.name, &description.uuid, description.created),
        });
        (index.name.clone(), described)
    });
    ok(Value::Object(described.collect()))
}

/// Answers `HEAD /{index}`: 404 if one of the names is unknown.
pub(super) fn exists(call: Call, names: &str) -> Answer {
    call.parameters.finish()?;
    call.cluster.indices(Some(names)).map(|_| StatusCode::OK.into_response())
}

/// Answers `DELETE /{index}`: by own names alone, all or none.
pub(super) fn delete(mut call: Call, names: &str) -> Answer {
    let ignores = call.parameters.flag("ignore_unavailable")?;
    call.parameters.finish()?;
    if names.contains('*') || names == "_all" {
        return Err(ApiError::not_emulated(format!("deleting by the pattern [{names}]")));
    }
    let mut names: Vec<String> = names.split(',').map(str::to_owned).collect();
    if ignores {
        names.retain(|name| call.cluster.indices(Some(name)).is_ok());
    }
    call.cluster.delete(&names)?;
    ok(json!({ "acknowledged": true }))
}

/// Answers `GET /{index}/_mapping` for a list of names and aliases.
pub(super) fn mapping(call: Call, names: &str) -> Answer {
    call.parameters.finish()?;
    let indices = call.cluster.indices(Some(names))?;
    let described = indices.iter().map(|index| {
        let mapping = index.description().mapping.described();
        (index.name.clone(), json!({ "mappings": mapping }))
    });
    ok(Value::Object(described.collect()))
}

/// Answers `PUT /{index}/_mapping`, which adds fields and changes none.
pub(super) fn add_fields(call: Call, names: &str) -> Answer {
    let fields = Mapping::read(&call.required_json()?)?;
    call.parameters.finish()?;
    for index in call.cluster.indices(Some(names))? {
        call.cluster.add_fields(&index, &fields)?;
    }
    ok(json!({ "acknowledged": true }))
}

/// Answers `POST /{index}/_refresh`, after all earlier writes are searchable.
pub(super) fn refresh(call: Call, names: Option<&str>) -> Answer {
    call.parameters.finish()?;
    let indices = call.cluster.indices(names)?;
    for index in &indices {
        index.refresh()?;
    }
    ok(json!({ "_shards": Shards::written(indices.len()) }))
}

/// Answers `POST /_aliases`: all changes of the body or none.
pub(super) fn change_aliases(call: Call) -> Answer {
    let changes = Change::read_all(&call.required_json()?)?;
    call.parameters.finish()?;
    call.cluster.change_aliases(&changes)?;
    ok(json!({ "acknowledged": true }))
}

/// `GET /_alias/{name}`, `GET /{index}/_alias/{name}`
pub(super) fn aliases(call: Call, indices: Option<&str>, names: Option<&str>) -> Answer {
    let all = call.cluster.aliases();
    call.parameters.finish()?;
    let wanted: Option<Vec<&str>> = names.map(|names| names.split(',').collect());
    if let Some(pattern) = names.filter(|names| names.contains('*')) {
        return Err(ApiError::not_emulated(format!("the pattern [{pattern}]")));
    }
    let mut found = Map::new();
    for index in call.cluster.indices(indices)? {
        let mut of_index = aliases::described(&all, &index.name);
        if let (Some(wanted), Some(entries)) = (&wanted, of_index.as_object_mut()) {
            entries.retain(|alias, _| wanted.contains(&alias.as_str()));
            if entries.is_empty() {
                continue;
            }
        }
        found.insert(index.name.clone(), json!({ "aliases": of_index }));
    }
    let is_found = |alias: &&str| found.values().any(|index| index["aliases"].get(*alias).is_some());
    let missing: Vec<&str> = wanted.into_iter().flatten().filter(|alias| !is_found(alias)).collect();
    if missing.is_empty() {
        return ok(Value::Object(found));
    }
    let plural = if missing.len() == 1 { "alias" } else { "aliases" };
    found.insert("error".to_owned(), format!("{plural} [{}] missing", missing.join(",")).into());
    found.insert("status".to_owned(), 404.into());
    Ok((StatusCode::NOT_FOUND, Json(Value::Object(found))).into_response())
}
