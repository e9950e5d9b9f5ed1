//! Queries as requests have them, before they meet a mapping.

mod clause;
pub(super) mod compile;
mod full_text;
mod leaf;
mod term_level;

use serde_json::{Map, Value};

use crate::error::ApiError;
use clause::Parameters;

/// A query with the factor of its score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    kind: Kind,
    boost: f32,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    MatchAll,
    MatchNone,
    Bool(Bool),
    Match { field: String, text: Value, operator: Operator, minimum: Option<Minimum> },
    Phrase { field: String, text: Value, slop: u32 },
    PhrasePrefix { field: String, text: Value, slop: u32, max_expansions: u32 },
    BoolPrefix { field: String, text: Value, operator: Operator, minimum: Option<Minimum> },
    Prefix { field: String, value: Value },
    Term { field: String, value: Value },
    Terms { field: String, values: Vec<Value> },
    Range { field: String, lower: Limit, upper: Limit, format: Option<String> },
    Exists { field: String },
    Ids { ids: Vec<String> },
    Constant(Box<Query>),
}

/// An end of a range.
#[derive(Debug, Clone, Default, PartialEq)]
enum Limit {
    #[default]
    Open,
    Included(Value),
    Excluded(Value),
}

/// The words of a text that have to occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

/// A query of queries.
#[derive(Debug, Clone, Default, PartialEq)]
struct Bool {
    must: Vec<Query>,
    filter: Vec<Query>,
    should: Vec<Query>,
    must_not: Vec<Query>,
    minimum: Option<Minimum>,
}

/// The number of clauses that have to match, negative if counted from all, or as a share of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Minimum {
    Count(i64),
    Percent(i64),
}

impl Minimum {
    fn read(value: &Value) -> Result<Self, ApiError> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let wrong = || ApiError::not_emulated(format!("[minimum_should_match] with [{text}]"));
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().map(Self::Percent).map_err(|_| wrong()),
            None => text.parse().map(Self::Count).map_err(|_| wrong()),
        }
    }

    /// Returns the number for so many clauses.
    fn of(self, clauses: usize) -> usize {
        let all = i64::try_from(clauses).unwrap_or(i64::MAX);
        let count = match self {
            Self::Count(count) => count,
            Self::Percent(percent) => all.saturating_mul(percent) / 100,
        };
        usize::try_from(if count < 0 { all + count } else { count }).unwrap_or_default()
    }
}

impl Query {
    /// The query of a search that has none.
    pub(crate) fn match_all() -> Self {
        Self { kind: Kind::MatchAll, boost: 1.0 }
    }

    /// Reads `{"<name>": {…}}`: an object with one key, the name of a query.
    pub(crate) fn read(value: &Value) -> Result<Self, ApiError> {
        let malformed = || ApiError::parsing("[_na] query malformed, must start with start_object");
        let query = value.as_object().ok_or_else(malformed)?;
        let mut entries = query.iter();
        let empty = || ApiError::illegal_argument("query malformed, empty clause found");
        let (name, body) = entries.next().ok_or_else(empty)?;
        if let Some((second, _)) = entries.next() {
            let reason = format!("[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]: [{second}]");
            return Err(ApiError::parsing(reason));
        }
        match name.as_str() {
            "match_all" => Parameters::of("match_all", body)?.finish(|_| Ok(Kind::MatchAll)),
            "match_none" => Parameters::of("match_none", body)?.finish(|_| Ok(Kind::MatchNone)),
            "bool" => boolean(body),
            "constant_score" => Parameters::of("constant_score", body)?.finish(|parameters| {
                let filter = parameters.take("filter");
                let missing = || ApiError::parsing("[constant_score] requires a 'filter' element");
                Ok(Kind::Constant(Box::new(Self::read(&filter.ok_or_else(missing)?)?)))
            }),
            "match" => full_text::matches(body),
            "match_phrase" => full_text::phrase(body),
            "match_phrase_prefix" => full_text::phrase_prefix(body),
            "match_bool_prefix" => full_text::bool_prefix(body),
            "prefix" => term_level::prefix(body),
            "term" => term_level::term(body),
            "terms" => term_level::terms(body),
            "range" => term_level::range(body),
            "exists" => term_level::exists(body),
            "ids" => term_level::ids(body),
            other => {
                Err(ApiError::parsing(format!("unknown query [{other}]: it does not exist, or it is not emulated")))
            }
        }
    }
}

fn boolean(body: &Value) -> Result<Query, ApiError> {
    let malformed = || ApiError::parsing("[bool] query malformed, no start_object after query name");
    let mut query = Bool::default();
    let mut boost = 1.0;
    for (key, value) in body.as_object().ok_or_else(malformed)? {
        match key.as_str() {
            "must" => query.must = clauses(value)?,
            "filter" => query.filter = clauses(value)?,
            "should" => query.should = clauses(value)?,
            "must_not" => query.must_not = clauses(value)?,
            "minimum_should_match" if !value.is_null() => query.minimum = Some(Minimum::read(value)?),
            "minimum_should_match" => {}
            "adjust_pure_negative" if *value == Value::Bool(true) => {}
            "boost" => boost = clause::boost(value)?,
            other => return Err(ApiError::content(format!("[bool] unknown field [{other}], or it is not emulated"))),
        }
    }
    Ok(Query { kind: Kind::Bool(query), boost })
}

fn clauses(value: &Value) -> Result<Vec<Query>, ApiError> {
    match value {
        Value::Array(items) => items.iter().map(Query::read).collect(),
        one => Ok(vec![Query::read(one)?]),
    }
}

/// The parameters of a field: its value alone, or an object that has it under a name.
type FieldParameters = Map<String, Value>;
