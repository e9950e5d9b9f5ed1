//! The order of hits: what a request asks for, and the values by which hits are compared.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::mapping::{self, FieldType, Mapping};

/// One criterion of the order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Criterion {
    pub(crate) by: By,
    pub(crate) is_descending: bool,
    /// True if documents without a value come first.
    missing_first: bool,
    /// The type in indices that lack the field.
    unmapped: Option<FieldType>,
}

/// The values that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Score,
    /// The order in the index.
    Document,
    Field(String),
}

/// A value by which hits are compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Score(f32),
    Long(i64),
    /// `None` where the document has no value.
    Text(Option<String>),
}

/// Reads `sort`: names, objects, or a list of both.
pub(crate) fn read(value: &Value) -> Result<Vec<Criterion>, ApiError> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut criteria = Vec::new();
    for item in items {
        match item {
            Value::String(field) => criteria.push(criterion(field, &Value::Null)?),
            // The order of keys is lost when a body is read.
            Value::Object(fields) if fields.len() > 1 => {
                return Err(ApiError::not_emulated("a [sort] with several fields in one object"));
            }
            Value::Object(fields) => {
                for (field, options) in fields {
                    criteria.push(criterion(field, options)?);
                }
            }
            other => return Err(ApiError::illegal_argument(format!("malformed sort format: {other}"))),
        }
    }
    Ok(criteria)
}

fn criterion(field: &str, options: &Value) -> Result<Criterion, ApiError> {
    let by = match field {
        "_score" => By::Score,
        "_doc" => By::Document,
        _ if field.starts_with('_') => return Err(ApiError::not_emulated(format!("sorting by [{field}]"))),
        field => By::Field(field.to_owned()),
    };
    let mut criterion = Criterion { is_descending: by == By::Score, by, missing_first: false, unmapped: None };
    let order = |text: &Value| match text.as_str() {
        Some(order) if order.eq_ignore_ascii_case("asc") => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("desc") => Ok(true),
        _ => Err(ApiError::illegal_argument(format!("No enum constant of [order] for {text}"))),
    };
    match options {
        Value::Null => {}
        Value::String(_) => criterion.is_descending = order(options)?,
        Value::Object(options) => {
            for (key, value) in options {
                match (key.as_str(), value.as_str()) {
                    ("order", _) => criterion.is_descending = order(value)?,
                    ("missing", Some("_last")) => criterion.missing_first = false,
                    ("missing", Some("_first")) => criterion.missing_first = true,
                    ("unmapped_type", Some("keyword")) => criterion.unmapped = Some(FieldType::Keyword),
                    ("unmapped_type", Some("long")) => criterion.unmapped = Some(FieldType::Long),
                    ("unmapped_type", Some("date")) => criterion.unmapped = Some(FieldType::Date),
                    ("unmapped_type", Some("boolean")) => criterion.unmapped = Some(FieldType::Boolean),
                    _ => {
                        return Err(ApiError::content(format!(
                            "[field_sort] unknown field [{key}], or {value} is not emulated"
                        )));
                    }
                }
            }
        }
        other => return Err(ApiError::illegal_argument(format!("malformed sort format: {other}"))),
    }
    Ok(criterion)
}

impl Criterion {
    /// The order where a request asks for none.
    pub(crate) fn best_first() -> Self {
        Self { by: By::Score, is_descending: true, missing_first: false, unmapped: None }
    }

    /// Returns the type of its field in an index.
    pub(crate) fn kind(&self, mapping: &Mapping) -> Result<Option<FieldType>, ApiError> {
        let By::Field(name) = &self.by else { return Ok(None) };
        let field = mapping.fields.get(name);
        match field.map(|field| field.kind).or(self.unmapped) {
            None => Err(ApiError::query_shard(format!("No mapping found for [{name}] in order to sort on"))),
            Some(FieldType::Text) => Err(ApiError::illegal_argument(format!(
                "Text fields are not optimised for operations that require per-document field data like aggregations and sorting, \
                 so these operations are disabled by default. Please use a keyword field instead. Alternatively, set \
                 fielddata=true on [{name}] in order to load field data by uninverting the inverted index. Note that this can \
                 use significant memory."
            ))),
            kind => Ok(kind),
        }
    }

    /// The number in the place of a value that is missing.
    pub(crate) fn missing_number(&self) -> i64 {
        if self.missing_first == self.is_descending { i64::MAX } else { i64::MIN }
    }

    /// Reads a value of `search_after`.
    pub(crate) fn after(&self, value: &Value, kind: Option<FieldType>) -> Result<Key, ApiError> {
        let name = match &self.by {
            By::Field(name) => name.as_str(),
            By::Score => "_score",
            By::Document => "_doc",
        };
        let failed = |cause: String| {
            let reason = format!("Failed to parse search_after value for field [{name}].");
            ApiError::illegal_argument(reason).caused_by(ApiError::illegal_argument(cause))
        };
        match (&self.by, kind) {
            (By::Score, _) => {
                let score = value.as_f64().or_else(|| value.as_str()?.parse().ok());
                #[allow(clippy::cast_possible_truncation, reason = "scores have this precision")]
                score.map(|score| Key::Score(score as f32)).ok_or_else(|| failed(value.to_string()))
            }
            (By::Field(_), Some(FieldType::Keyword)) if value.is_null() => Ok(Key::Text(None)),
            (By::Field(_), Some(FieldType::Keyword)) => match value {
                Value::String(text) => Ok(Key::Text(Some(text.clone()))),
                other => Err(failed(format!("Expected a text, found {other}"))),
            },
            (By::Field(_), _) if value.is_null() => Ok(Key::Long(self.missing_number())),
            (By::Field(_), Some(FieldType::Date)) => mapping::date(value, None).map(Key::Long).map_err(failed),
            (By::Field(_), Some(FieldType::Boolean)) if value.is_boolean() => {
                mapping::boolean(value).map(|value| Key::Long(i64::from(value))).map_err(failed)
            }
            _ => mapping::long(value).map(Key::Long).map_err(failed),
        }
    }

    /// Compares two hits of different segments or indices.
    pub(crate) fn compare(&self, one: &Key, other: &Key) -> Ordering {
        let order = match (one, other) {
            (Key::Score(one), Key::Score(other)) => one.total_cmp(other),
            (Key::Long(one), Key::Long(other)) => one.cmp(other),
            (Key::Text(Some(one)), Key::Text(Some(other))) => one.cmp(other),
            (Key::Text(one), Key::Text(other)) => {
                let last = if self.missing_first { Ordering::Less } else { Ordering::Greater };
                return match (one, other) {
                    (None, Some(_)) => last,
                    (Some(_), None) => last.reverse(),
                    _ => Ordering::Equal,
                };
            }
            // A field that is a number in one index and a text in another has no order of its own.
            _ => Ordering::Equal,
        };
        if self.is_descending { order.reverse() } else { order }
    }
}

impl Key {
    /// Returns the value in the `sort` of a hit.
    pub(crate) fn described(&self) -> Value {
        match self {
            Self::Score(score) => json!(score),
            Self::Long(long) => json!(long),
            Self::Text(text) => json!(text),
        }
    }
}
