//! Aliases: further names of indices.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ApiError;

/// One index of an alias.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_write_index: Option<bool>,
}

/// The indices of each alias.
pub(crate) type Aliases = BTreeMap<String, BTreeMap<String, Membership>>;

/// A change of aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Add { index: String, alias: String, membership: Membership },
    Remove { index: String, alias: String, must_exist: bool },
    RemoveIndex { index: String },
}

impl Change {
    /// Reads the body of `POST /_aliases`.
    pub(crate) fn read_all(body: &Value) -> Result<Vec<Self>, ApiError> {
        let malformed = || ApiError::content("[aliases] an object with [actions] is expected");
        let body = body.as_object().ok_or_else(malformed)?;
        if let Some(key) = body.keys().find(|key| *key != "actions") {
            return Err(ApiError::content(format!("[aliases] unknown field [{key}]")));
        }
        let actions = body.get("actions").and_then(Value::as_array).ok_or_else(malformed)?;
        let mut changes = Vec::new();
        for action in actions {
            let entries = action.as_object().filter(|entries| entries.len() == 1);
            for (kind, value) in entries.ok_or_else(malformed)? {
                read(kind, value, &mut changes)?;
            }
        }
        if changes.is_empty() {
            return Err(ApiError::illegal_argument("No action specified"));
        }
        Ok(changes)
    }

    /// Reads `aliases` of a new index.
    pub(crate) fn of_index(index: &str, aliases: &Value) -> Result<Vec<Self>, ApiError> {
        let malformed = || ApiError::parse("[aliases] has to be an object");
        let changes = aliases.as_object().ok_or_else(malformed)?.iter().map(|(alias, options)| {
            let mut membership = Membership::default();
            for (key, value) in options.as_object().ok_or_else(malformed)? {
                option(&mut membership, key, value)?;
            }
            Ok(Self::Add { index: index.to_owned(), alias: alias.clone(), membership })
        });
        changes.collect()
    }
}

fn option(membership: &mut Membership, key: &str, value: &Value) -> Result<(), ApiError> {
    match key {
        "is_write_index" => {
            let wrong = || ApiError::content(format!("[is_write_index] is not a boolean: {value}"));
            membership.is_write_index = Some(value.as_bool().ok_or_else(wrong)?);
            Ok(())
        }
        other => Err(ApiError::not_emulated(format!("[{other}] of an alias"))),
    }
}

fn read(kind: &str, value: &Value, changes: &mut Vec<Change>) -> Result<(), ApiError> {
    let (mut indices, mut aliases) = (Vec::new(), Vec::new());
    let (mut membership, mut must_exist) = (Membership::default(), false);
    let fields = value.as_object().ok_or_else(|| ApiError::content(format!("[{kind}] is not an object")))?;
    for (key, value) in fields {
        match key.as_str() {
            "index" | "indices" => indices.extend(texts(key, value)?),
            "alias" | "aliases" => aliases.extend(texts(key, value)?),
            "must_exist" => must_exist = value.as_bool().unwrap_or_default(),
            other => option(&mut membership, other, value)?,
        }
    }
    if indices.is_empty() {
        return Err(ApiError::illegal_argument("One of [index] or [indices] is required"));
    }
    if aliases.is_empty() && kind != "remove_index" {
        return Err(ApiError::illegal_argument("One of [alias] or [aliases] is required"));
    }
    match kind {
        "remove_index" => changes.extend(indices.into_iter().map(|index| Change::RemoveIndex { index })),
        "add" | "remove" => {
            for index in indices {
                changes.extend(aliases.iter().map(|alias| {
                    let (index, alias) = (index.clone(), alias.clone());
                    if kind == "add" {
                        Change::Add { index, alias, membership }
                    } else {
                        Change::Remove { index, alias, must_exist }
                    }
                }));
            }
        }
        other => return Err(ApiError::content(format!("[alias_action] unknown field [{other}]"))),
    }
    Ok(())
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, ApiError> {
    let wrong = || ApiError::content(format!("[{key}] is not a text: {value}"));
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// Carries changes of aliases out, all or none. Indices that are removed are left to the caller.
pub(crate) fn apply(aliases: &Aliases, changes: &[Change], exists: impl Fn(&str) -> bool) -> Result<Aliases, ApiError> {
    let mut after = aliases.clone();
    let mut not_found = Vec::new();
    for change in changes {
        match change {
            Change::Add { index, alias, membership } => {
                if !exists(index) {
                    return Err(ApiError::no_such_index(index));
                }
                super::names::check_alias(alias)?;
                if exists(alias) {
                    return Err(ApiError::new(
                        StatusCode::BAD_REQUEST,
                        "invalid_alias_name_exception",
                        format!(
                            "Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias"
                        ),
                    ));
                }
                after.entry(alias.clone()).or_default().insert(index.clone(), *membership);
            }
            Change::Remove { index, alias, must_exist } => {
                if !exists(index) {
                    return Err(ApiError::no_such_index(index));
                }
                if after.get_mut(alias).and_then(|indices| indices.remove(index)).is_none() {
                    if *must_exist {
                        return Err(missing(alias));
                    }
                    not_found.push(alias.as_str());
                }
            }
            Change::RemoveIndex { index } => {
                if !exists(index) {
                    return Err(ApiError::no_such_index(index));
                }
                for indices in after.values_mut() {
                    indices.remove(index);
                }
            }
        }
    }
    // Beside other changes, what is not there need not be removed.
    if !changes.is_empty() && not_found.len() == changes.len() {
        return Err(missing(&not_found.join(",")));
    }
    after.retain(|_, indices| !indices.is_empty());
    for (alias, indices) in &after {
        let writers = indices.iter().filter(|(_, membership)| membership.is_write_index == Some(true));
        let writers: Vec<_> = writers.map(|(index, _)| index.as_str()).collect();
        if writers.len() > 1 {
            let reason = format!("alias [{alias}] has more than one write index [{}]", writers.join(","));
            return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "illegal_state_exception", reason));
        }
    }
    Ok(after)
}

fn missing(alias: &str) -> ApiError {
    let error =
        ApiError::new(StatusCode::NOT_FOUND, "aliases_not_found_exception", format!("aliases [{alias}] missing"));
    error.with("resource.type", "aliases").with("resource.id", alias)
}

/// Returns the aliases of an index, as answers have them.
pub(crate) fn described(aliases: &Aliases, index: &str) -> Value {
    let of_index = aliases.iter().filter_map(|(alias, indices)| {
        let membership = indices.get(index)?;
        Some((alias.clone(), json!(membership)))
    });
    Value::Object(of_index.collect())
}
