//! Bodies of `_search` and `_count`.

use std::time::Duration;

use serde_json::Value;

use super::query::Query;
use super::sort::{self, Criterion};
use crate::error::ApiError;

/// Hits that are counted exactly unless a request says otherwise.
const COUNTED_HITS: u64 = 10_000;

const DEFAULT_SIZE: usize = 10;

/// The body of a search, with OpenSearch's defaults for what it leaves out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(super) query: Query,
    pub(super) size: usize,
    pub(super) from: usize,
    /// Empty where the best come first.
    pub(super) sort: Vec<Criterion>,
    pub(super) search_after: Option<Vec<Value>>,
    pub(super) total: Total,
    pub(super) source: SourceFilter,
    pub(super) timeout: Option<Duration>,
    pub(super) min_score: Option<f32>,
    pub(super) track_scores: bool,
    pub(super) with_versions: bool,
}

/// The number up to which hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Total {
    Exact,
    UpTo(u64),
    Unknown,
}

/// The part of the source that hits have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceFilter {
    All,
    None,
    Fields(Vec<String>),
}

impl Request {
    /// Reads the body of a search; `None` is one without a body.
    pub(crate) fn read(body: Option<&Value>) -> Result<Self, ApiError> {
        let mut request = Self {
            query: Query::match_all(),
            size: DEFAULT_SIZE,
            from: 0,
            sort: Vec::new(),
            search_after: None,
            total: Total::UpTo(COUNTED_HITS),
            source: SourceFilter::All,
            timeout: None,
            min_score: None,
            track_scores: false,
            with_versions: false,
        };
        let Some(body) = body else { return Ok(request) };
        for (key, value) in body.as_object().ok_or_else(|| ApiError::parsing("Expected [START_OBJECT]"))? {
            let wrong = || ApiError::illegal_argument(format!("[{key}] cannot be {value}"));
            match key.as_str() {
                "query" => request.query = Query::read(value)?,
                "size" => request.size = number("size", value)?,
                "from" => request.from = number("from", value)?,
                "sort" => request.sort = sort::read(value)?,
                "search_after" => {
                    let values = value.as_array().filter(|values| !values.is_empty());
                    request.search_after = Some(values.ok_or_else(wrong)?.clone());
                }
                "track_total_hits" => request.total = total(value).ok_or_else(wrong)?,
                "track_scores" => request.track_scores = value.as_bool().ok_or_else(wrong)?,
                "version" => request.with_versions = value.as_bool().ok_or_else(wrong)?,
                "_source" => request.source = SourceFilter::read(value)?,
                "timeout" => request.timeout = Some(timeout(value)?),
                #[allow(clippy::cast_possible_truncation, reason = "scores have this precision")]
                "min_score" => request.min_score = Some(value.as_f64().ok_or_else(wrong)? as f32),
                other => {
                    let token = token(value);
                    return Err(ApiError::parsing(format!(
                        "Unknown key for a {token} in [{other}], or it is not emulated."
                    )));
                }
            }
        }
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), ApiError> {
        let Some(after) = &self.search_after else { return Ok(()) };
        if self.from > 0 {
            return Err(ApiError::validation("`from` parameter must be set to 0 when `search_after` is used."));
        }
        if self.sort.is_empty() {
            return Err(ApiError::illegal_argument("Sort must contain at least one field."));
        }
        if after.len() != self.sort.len() {
            let (values, fields) = (after.len(), self.sort.len());
            return Err(ApiError::illegal_argument(format!(
                "search_after has {values} value(s) but sort has {fields}."
            )));
        }
        Ok(())
    }
}

/// Reads the body of a count.
pub(crate) fn read_count(body: Option<&Value>) -> Result<Query, ApiError> {
    let Some(body) = body else { return Ok(Query::match_all()) };
    let mut query = Query::match_all();
    for (key, value) in body.as_object().ok_or_else(|| ApiError::parsing("Expected [START_OBJECT]"))? {
        match key.as_str() {
            "query" => query = Query::read(value)?,
            other => return Err(ApiError::parsing(format!("request does not support [{other}]"))),
        }
    }
    Ok(query)
}

impl SourceFilter {
    pub(crate) fn read(value: &Value) -> Result<Self, ApiError> {
        let field = |value: &Value| match value.as_str() {
            Some(field) if field.contains('*') => {
                Err(ApiError::not_emulated(format!("the pattern [{field}] of [_source]")))
            }
            Some(field) => Ok(field.to_owned()),
            None => Err(ApiError::parsing(format!("Unknown key for a {} in [_source].", token(value)))),
        };
        match value {
            Value::Bool(true) => Ok(Self::All),
            Value::Bool(false) => Ok(Self::None),
            Value::String(_) => Ok(Self::Fields(vec![field(value)?])),
            Value::Array(fields) => Ok(Self::Fields(fields.iter().map(field).collect::<Result<_, _>>()?)),
            _ => Err(ApiError::not_emulated("[_source] with includes and excludes")),
        }
    }
}

fn number(key: &str, value: &Value) -> Result<usize, ApiError> {
    let number = crate::mapping::long(value).map_err(ApiError::illegal_argument)?;
    usize::try_from(number)
        .map_err(|_| ApiError::illegal_argument(format!("[{key}] parameter cannot be negative, found [{number}]")))
}

fn total(value: &Value) -> Option<Total> {
    match value {
        Value::Bool(true) => Some(Total::Exact),
        Value::Bool(false) => Some(Total::Unknown),
        Value::Number(number) => match number.as_i64()? {
            -1 => Some(Total::Unknown),
            limit => u64::try_from(limit).ok().map(Total::UpTo),
        },
        _ => None,
    }
}

fn timeout(value: &Value) -> Result<Duration, ApiError> {
    let text = value.as_str().unwrap_or_default();
    crate::cluster::duration(text).ok_or_else(|| {
        ApiError::illegal_argument(format!(
            "failed to parse setting [timeout] with value [{text}] as a time value: unit is missing or unrecognized"
        ))
    })
}

/// The name of a value's first token, which errors have.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(_) => "VALUE_BOOLEAN",
        Value::Number(_) => "VALUE_NUMBER",
        Value::String(_) => "VALUE_STRING",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}
