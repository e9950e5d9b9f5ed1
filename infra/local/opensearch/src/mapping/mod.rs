//! Mappings: the fields of an index and their types.

mod document;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::analysis::Analyzer;
use crate::error::ApiError;

pub(crate) use document::{Document, FieldValues};
pub(crate) use values::{boolean, date, long, text};

/// The type of documents, which errors name.
pub(crate) const DOCUMENT_TYPE: &str = "_doc";

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FieldType {
    Keyword,
    Text,
    Long,
    Date,
    Boolean,
}

impl FieldType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Long => "long",
            Self::Date => "date",
            Self::Boolean => "boolean",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Keyword, Self::Text, Self::Long, Self::Date, Self::Boolean];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// A field, with the parameters that its mapping gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldMapping {
    #[serde(rename = "type")]
    pub(crate) kind: FieldType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    analyzer: Option<Analyzer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    norms: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ignore_above: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
}

impl FieldMapping {
    /// Returns the analyzer of a text field.
    pub(crate) fn analyzer(&self) -> Analyzer {
        self.analyzer.unwrap_or(Analyzer::Standard)
    }

    pub(crate) fn is_indexed(&self) -> bool {
        self.index.unwrap_or(true)
    }

    pub(crate) fn has_norms(&self) -> bool {
        self.norms.unwrap_or(true)
    }

    fn read(name: &str, value: &Value) -> Result<Self, ApiError> {
        let Some(parameters) = value.as_object() else {
            return Err(ApiError::mapper(format!("Expected map for property [fields] on field [{name}]")));
        };
        let kind = match parameters.get("type").and_then(Value::as_str) {
            Some(kind) => FieldType::named(kind).ok_or_else(|| {
                ApiError::mapper(format!("No handler for type [{kind}] declared on field [{name}]: it is not emulated"))
            })?,
            None if parameters.contains_key("properties") => {
                return Err(ApiError::not_emulated(format!("a field [{name}] of fields")));
            }
            None => return Err(ApiError::mapper(format!("No type specified for field [{name}]"))),
        };
        let mut field = Self { kind, analyzer: None, index: None, norms: None, ignore_above: None, format: None };
        for (parameter, value) in parameters.iter().filter(|(parameter, _)| *parameter != "type") {
            let unknown = || {
                let kind = kind.name();
                let reason = format!("unknown parameter [{parameter}] on mapper [{name}] of type [{kind}]");
                ApiError::mapper(format!("{reason}, or it is not emulated"))
            };
            let wrong =
                || ApiError::mapper(format!("Failed to parse parameter [{parameter}] of field [{name}]: {value}"));
            match (parameter.as_str(), kind) {
                ("analyzer", FieldType::Text) => {
                    let analyzer = value.as_str().unwrap_or_default();
                    let missing =
                        || ApiError::mapper(format!("analyzer [{analyzer}] has not been configured in mappings"));
                    field.analyzer = Some(Analyzer::named(analyzer).ok_or_else(missing)?);
                }
                ("index", _) => field.index = Some(value.as_bool().ok_or_else(wrong)?),
                ("norms", FieldType::Text) => field.norms = Some(value.as_bool().ok_or_else(wrong)?),
                ("ignore_above", FieldType::Keyword) => {
                    let length = value.as_u64().and_then(|length| usize::try_from(length).ok());
                    field.ignore_above = Some(length.ok_or_else(wrong)?);
                }
                ("format", FieldType::Date) => field.format = Some(values::date_format(value).ok_or_else(wrong)?),
                _ => return Err(unknown()),
            }
        }
        Ok(field)
    }
}

/// The treatment of fields without a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dynamic {
    /// OpenSearch maps them; here a document that has one is refused.
    #[default]
    True,
    /// They stay in the source alone.
    False,
    /// A document that has one is refused.
    Strict,
}

/// The fields of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    /// `None` where the mapping does not say.
    pub(crate) dynamic: Option<Dynamic>,
    pub(crate) fields: BTreeMap<String, FieldMapping>,
}

impl Mapping {
    /// Reads `mappings` of an index, or the body of `PUT /{index}/_mapping`.
    pub(crate) fn read(value: &Value) -> Result<Self, ApiError> {
        let malformed = || ApiError::mapper("Failed to parse mapping [_doc]: an object is expected");
        let mut mapping = Self::default();
        for (key, value) in value.as_object().ok_or_else(malformed)? {
            match key.as_str() {
                "dynamic" => mapping.dynamic = Some(dynamic(value)?),
                "properties" => mapping.fields = properties(value)?,
                "_source" if *value == json!({ "enabled": true }) => {}
                other => {
                    let reason = format!("Root mapping definition has unsupported parameters:  [{other} : {value}]");
                    return Err(ApiError::mapper(reason));
                }
            }
        }
        Ok(mapping)
    }

    /// Returns the mapping with the fields of another one. A field keeps its type and what decides how it is indexed.
    pub(crate) fn merged(&self, other: &Self) -> Result<Self, ApiError> {
        let mut merged = self.clone();
        merged.dynamic = other.dynamic.or(self.dynamic);
        for (name, field) in &other.fields {
            if let Some(earlier) = self.fields.get(name) {
                if earlier.kind != field.kind {
                    let (from, to) = (earlier.kind.name(), field.kind.name());
                    let reason = format!("mapper [{name}] cannot be changed from type [{from}] to [{to}]");
                    return Err(ApiError::illegal_argument(reason));
                }
                let fixed = [
                    ("analyzer", earlier.analyzer() != field.analyzer()),
                    ("index", earlier.is_indexed() != field.is_indexed()),
                    ("norms", earlier.has_norms() != field.has_norms()),
                    ("format", earlier.format != field.format),
                ];
                if let Some((parameter, _)) = fixed.into_iter().find(|(_, differs)| *differs) {
                    let reason = format!(
                        "Mapper for [{name}] conflicts with existing mapper:\n\tCannot update parameter [{parameter}]"
                    );
                    return Err(ApiError::illegal_argument(reason));
                }
            }
            merged.fields.insert(name.clone(), field.clone());
        }
        Ok(merged)
    }

    /// Returns the JSON of `mappings` in answers.
    pub(crate) fn described(&self) -> Value {
        let mut described = Map::new();
        if let Some(dynamic) = self.dynamic {
            let value = match dynamic {
                Dynamic::True => "true",
                Dynamic::False => "false",
                Dynamic::Strict => "strict",
            };
            described.insert("dynamic".to_owned(), value.into());
        }
        if !self.fields.is_empty() {
            // Maps of plain values always have a JSON form.
            described.insert("properties".to_owned(), serde_json::to_value(&self.fields).unwrap_or_default());
        }
        Value::Object(described)
    }
}

fn dynamic(value: &Value) -> Result<Dynamic, ApiError> {
    match value {
        Value::Bool(true) => Ok(Dynamic::True),
        Value::Bool(false) => Ok(Dynamic::False),
        Value::String(text) => match text.as_str() {
            "true" => Ok(Dynamic::True),
            "false" => Ok(Dynamic::False),
            "strict" => Ok(Dynamic::Strict),
            other => Err(ApiError::not_emulated(format!("the value [{other}] of [dynamic]"))),
        },
        other => Err(ApiError::mapper(format!("Failed to parse [dynamic]: {other}"))),
    }
}

fn properties(value: &Value) -> Result<BTreeMap<String, FieldMapping>, ApiError> {
    let malformed = || ApiError::mapper("Expected map for property [properties]");
    let mut fields = BTreeMap::new();
    for (name, field) in value.as_object().ok_or_else(malformed)? {
        if name.is_empty() || name.starts_with('_') || name.contains('.') {
            return Err(ApiError::not_emulated(format!("a field named [{name}]")));
        }
        fields.insert(name.clone(), FieldMapping::read(name, field)?);
    }
    Ok(fields)
}
