//! Documents: the values of their fields, as the mapping has them.

use serde_json::{Map, Value};
use tantivy::tokenizer::Token;

use super::{DOCUMENT_TYPE, Dynamic, FieldMapping, FieldType, Mapping, values};
use crate::error::ApiError;

/// Longest value of a keyword field in bytes: Lucene's longest term.
const MAX_KEYWORD_BYTES: usize = 32_766;

/// Fields that OpenSearch gives documents itself.
const METADATA: [&str; 6] = ["_id", "_index", "_routing", "_source", "_type", "_version"];

/// The values of one field of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldValues {
    Keywords(Vec<String>),
    Tokens(Vec<Token>),
    /// Whole numbers, milliseconds since the epoch, or 0 and 1.
    Longs(Vec<i64>),
}

/// A document that its mapping admits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Names and values of the mapped fields that it has.
    pub(crate) fields: Vec<(String, FieldValues)>,
}

impl Document {
    /// Reads the source of a document.
    pub(crate) fn read(mapping: &Mapping, id: &str, source: &str) -> Result<Self, ApiError> {
        let source: Value = serde_json::from_str(source)
            .map_err(|error| ApiError::mapper("failed to parse").caused_by(ApiError::parse(error.to_string())))?;
        let Value::Object(source) = source else {
            let cause = ApiError::parse("the source of a document is not an object");
            return Err(ApiError::mapper("failed to parse").caused_by(cause));
        };
        Ok(Self { fields: fields(mapping, id, &source)? })
    }
}

fn fields(mapping: &Mapping, id: &str, source: &Map<String, Value>) -> Result<Vec<(String, FieldValues)>, ApiError> {
    let mut fields = Vec::new();
    for (name, value) in source {
        if METADATA.contains(&name.as_str()) {
            let reason = format!(
                "Field [{name}] is a metadata field and cannot be added inside a document. Use the index API request parameters."
            );
            return Err(ApiError::mapper("failed to parse").caused_by(ApiError::mapper(reason)));
        }
        let Some(field) = mapping.fields.get(name) else {
            refuse_unmapped(mapping, name)?;
            continue;
        };
        let mut leaves = Vec::new();
        flatten(value, &mut leaves);
        if !leaves.is_empty() {
            fields.extend(read(name, field, &leaves, id)?.map(|values| (name.clone(), values)));
        }
    }
    Ok(fields)
}

fn refuse_unmapped(mapping: &Mapping, name: &str) -> Result<(), ApiError> {
    match mapping.dynamic.unwrap_or_default() {
        Dynamic::False => Ok(()),
        Dynamic::Strict => Err(ApiError::strict_mapping(format!(
            "mapping set to strict, dynamic introduction of [{name}] within [{DOCUMENT_TYPE}] is not allowed"
        ))),
        Dynamic::True => Err(ApiError::not_emulated(format!("dynamic mapping of the field [{name}]"))),
    }
}

/// Collects the values of a field: a list has several, `null` is none.
fn flatten<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| flatten(item, leaves)),
        other => leaves.push(other),
    }
}

fn read(name: &str, field: &FieldMapping, leaves: &[&Value], id: &str) -> Result<Option<FieldValues>, ApiError> {
    let failed = |value: &Value, cause: String| {
        let (kind, preview) = (field.kind.name(), values::text(value).unwrap_or_else(|_| value.to_string()));
        let reason = format!(
            "failed to parse field [{name}] of type [{kind}] in document with id '{id}'. Preview of field's value: '{preview}'"
        );
        ApiError::mapper(reason).caused_by(ApiError::illegal_argument(cause))
    };
    let longs = |read: &dyn Fn(&Value) -> Result<i64, String>| {
        let longs = leaves.iter().map(|value| read(value).map_err(|cause| failed(value, cause)));
        Ok(Some(FieldValues::Longs(longs.collect::<Result<_, ApiError>>()?)))
    };
    match field.kind {
        FieldType::Long => longs(&values::long),
        FieldType::Date => longs(&|value| values::date(value, field.format.as_deref())),
        FieldType::Boolean => longs(&|value| values::boolean(value).map(i64::from)),
        FieldType::Text | FieldType::Keyword => {
            let texts = leaves.iter().map(|value| values::text(value).map_err(|cause| failed(value, cause)));
            let mut texts = texts.collect::<Result<Vec<_>, ApiError>>()?;
            if field.kind == FieldType::Text {
                return Ok(Some(FieldValues::Tokens(field.analyzer().tokens(&texts))));
            }
            if let Some(limit) = field.ignore_above {
                texts.retain(|text| text.chars().count() <= limit);
            }
            if let Some(long) = texts.iter().find(|text| text.len() > MAX_KEYWORD_BYTES) {
                let reason = format!(
                    "Document contains at least one immense term in field=\"{name}\" (whose UTF8 encoding is longer than the max \
                     length {MAX_KEYWORD_BYTES}), all of which were skipped: {} bytes",
                    long.len()
                );
                return Err(ApiError::illegal_argument(reason));
            }
            texts.sort_unstable();
            texts.dedup();
            Ok((!texts.is_empty()).then_some(FieldValues::Keywords(texts)))
        }
    }
}
