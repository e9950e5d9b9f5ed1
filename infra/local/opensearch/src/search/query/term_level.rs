//! Queries whose values are not analysed.

use serde_json::Value;

use super::clause::{self, Parameters};
use super::{Kind, Limit, Query};
use crate::error::ApiError;

pub(super) fn prefix(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("prefix", "value", body)?;
    parameters.finish(|parameters| {
        insensitive(parameters)?;
        Ok(Kind::Prefix { field, value: parameters.required("value")? })
    })
}

pub(super) fn term(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("term", "value", body)?;
    parameters.finish(|parameters| {
        insensitive(parameters)?;
        Ok(Kind::Term { field, value: parameters.required("value")? })
    })
}

fn insensitive(parameters: &mut Parameters) -> Result<(), ApiError> {
    match parameters.take("case_insensitive") {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(other) => Err(ApiError::not_emulated(format!("[case_insensitive] with {other}"))),
    }
}

/// Its field has a list, beside which only `boost` may stand.
pub(super) fn terms(body: &Value) -> Result<Query, ApiError> {
    let malformed = |reason: String| ApiError::parsing(format!("[terms] {reason}"));
    let entries =
        body.as_object().ok_or_else(|| malformed("query malformed, no start_object after query name".to_owned()))?;
    let mut found = None;
    let mut boost = 1.0;
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("boost", value) => boost = clause::boost(value)?,
            (_, Value::Array(values)) if found.is_none() => found = Some((key.clone(), values)),
            (_, Value::Array(_)) => return Err(malformed("query does not support multiple fields".to_owned())),
            (_, Value::Object(_)) => return Err(ApiError::not_emulated("a lookup of [terms]")),
            (other, _) => return Err(malformed(format!("query does not support [{other}]"))),
        }
    }
    let missing = || {
        malformed(
            "query requires a field name, followed by array of terms or a document lookup specification".to_owned(),
        )
    };
    let (field, values) = found.ok_or_else(missing)?;
    if values.iter().any(Value::is_null) {
        return Err(ApiError::illegal_argument("No value specified for terms query"));
    }
    Ok(Query { kind: Kind::Terms { field, values: values.clone() }, boost })
}

pub(super) fn range(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("range", "", body)?;
    parameters.finish(|parameters| {
        let (lower, upper) = (limit(parameters, "gte", "gt"), limit(parameters, "lte", "lt"));
        let format = parameters.take("format").map(|format| crate::mapping::text(&format)).transpose();
        Ok(Kind::Range { field, lower, upper, format: format.map_err(ApiError::illegal_argument)? })
    })
}

/// Takes an end of a range, which `null` leaves open. Of both keys the exclusive one counts.
fn limit(parameters: &mut Parameters, included: &str, excluded: &str) -> Limit {
    let included = parameters.take(included).filter(|value| !value.is_null());
    let excluded = parameters.take(excluded).filter(|value| !value.is_null());
    excluded.map(Limit::Excluded).or(included.map(Limit::Included)).unwrap_or_default()
}

pub(super) fn exists(body: &Value) -> Result<Query, ApiError> {
    Parameters::of("exists", body)?.finish(|parameters| {
        let missing = || ApiError::parsing("[exists] must be provided with a [field]");
        let field = parameters.take("field").and_then(|field| field.as_str().map(str::to_owned));
        Ok(Kind::Exists { field: field.filter(|field| !field.is_empty()).ok_or_else(missing)? })
    })
}

pub(super) fn ids(body: &Value) -> Result<Query, ApiError> {
    Parameters::of("ids", body)?.finish(|parameters| {
        let missing = || ApiError::content("[ids] requires [values]");
        let values = parameters.take("values").ok_or_else(missing)?;
        let items = match &values {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let ids = items.iter().map(crate::mapping::text).collect::<Result<_, _>>();
        Ok(Kind::Ids { ids: ids.map_err(ApiError::parsing)? })
    })
}
