//! Queries of one field: terms, phrases, prefixes and ranges.

use std::ops::Bound;

use serde_json::Value;
use tantivy::Term;
use tantivy::query::{
    ConstScoreQuery, EmptyQuery, InvertedIndexRangeQuery, PhrasePrefixQuery, PhraseQuery, Query as EngineQuery,
    RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::Limit;
use crate::cluster::Settings;
use crate::engine::Engine;
use crate::error::ApiError;
use crate::mapping::{self, FieldMapping, FieldType};

/// A query of the engine.
pub(super) type Compiled = Box<dyn EngineQuery>;

/// A query on its way, with what it is made from.
pub(super) struct Compiler<'a> {
    pub(super) engine: &'a Engine,
    pub(super) settings: &'a Settings,
    /// Terms and ranges so far.
    pub(super) leaves: usize,
}

/// A field that the mapping has.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) field: Field,
    pub(super) mapping: &'a FieldMapping,
}

pub(super) fn constant(query: impl EngineQuery, score: f32) -> Compiled {
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}

pub(super) fn nothing() -> Compiled {
    Box::new(EmptyQuery)
}

impl Compiler<'_> {
    /// A term whose frequency counts.
    pub(super) fn scored(&mut self, known: Known<'_>, term: Term) -> Compiled {
        self.leaves += 1;
        match known.mapping.kind {
            FieldType::Text => Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            FieldType::Keyword => Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
            _ => constant(RangeQuery::new(Bound::Included(term.clone()), Bound::Included(term)), 1.0),
        }
    }

    pub(super) fn phrase(&mut self, known: Known<'_>, text: &Value, slop: u32) -> Result<Compiled, ApiError> {
        let mut terms = terms_of(known, text)?;
        if terms.len() < 2 {
            return Ok(terms.pop().map_or_else(nothing, |term| self.scored(known, term)));
        }
        self.leaves += terms.len();
        let mut phrase = PhraseQuery::new(terms);
        phrase.set_slop(slop);
        Ok(Box::new(phrase))
    }

    pub(super) fn phrase_prefix(
        &mut self,
        known: Known<'_>,
        text: &Value,
        slop: u32,
        max_expansions: u32,
    ) -> Result<Compiled, ApiError> {
        if known.mapping.kind != FieldType::Text {
            return Err(only_on("phrase prefix queries on text fields", known));
        }
        let terms = terms_of(known, text)?;
        if slop > 0 && terms.len() > 1 {
            return Err(ApiError::not_emulated("[slop] of [match_phrase_prefix]"));
        }
        if terms.is_empty() {
            return Ok(nothing());
        }
        self.leaves += terms.len();
        let mut phrase = PhrasePrefixQuery::new(terms);
        phrase.set_max_expansions(max_expansions);
        Ok(Box::new(phrase))
    }

    pub(super) fn prefix(&mut self, known: Known<'_>, prefix: &Term) -> Result<Compiled, ApiError> {
        if !matches!(known.mapping.kind, FieldType::Text | FieldType::Keyword) {
            return Err(only_on("prefix queries on keyword, text and wildcard fields", known));
        }
        self.leaves += 1;
        let end = after_prefix(prefix.serialized_value_bytes());
        let upper = end.map_or(Bound::Unbounded, |end| {
            let mut term = Term::from_field_text(known.field, "");
            term.append_bytes(&end);
            Bound::Excluded(term)
        });
        Ok(constant(InvertedIndexRangeQuery::new(Bound::Included(prefix.clone()), upper), 1.0))
    }

    pub(super) fn range(
        &mut self,
        known: Known<'_>,
        lower: &Limit,
        upper: &Limit,
        format: Option<&str>,
    ) -> Result<Compiled, ApiError> {
        self.leaves += 1;
        let bound = |limit: &Limit| -> Result<Bound<Term>, ApiError> {
            let read = |value: &Value| match known.mapping.kind {
                FieldType::Date => {
                    let millis = mapping::date(value, format.or(known.mapping.format.as_deref()));
                    Ok(Term::from_field_i64(known.field, millis.map_err(ApiError::parse)?))
                }
                _ => exact(known, value),
            };
            Ok(match limit {
                Limit::Open => Bound::Unbounded,
                Limit::Included(value) => Bound::Included(read(value)?),
                Limit::Excluded(value) => Bound::Excluded(read(value)?),
            })
        };
        let bounds = (bound(lower)?, bound(upper)?);
        Ok(match (bounds, known.mapping.kind) {
            ((Bound::Unbounded, Bound::Unbounded), _) => {
                constant(TermQuery::new(self.engine.layout.has(known.name), IndexRecordOption::Basic), 1.0)
            }
            ((lower, upper), FieldType::Text | FieldType::Keyword) => {
                constant(InvertedIndexRangeQuery::new(lower, upper), 1.0)
            }
            ((lower, upper), _) => constant(RangeQuery::new(lower, upper), 1.0),
        })
    }
}

/// The terms of a text: analysed, or the value of a field that is no text.
pub(super) fn terms_of(known: Known<'_>, value: &Value) -> Result<Vec<Term>, ApiError> {
    match known.mapping.kind {
        FieldType::Text => {
            let text = mapping::text(value).map_err(ApiError::illegal_argument)?;
            let terms = known.mapping.analyzer().terms(&text);
            Ok(terms.iter().map(|term| Term::from_field_text(known.field, term)).collect())
        }
        _ => Ok(vec![exact(known, value)?]),
    }
}

/// The term of a value that is not analysed.
pub(super) fn exact(known: Known<'_>, value: &Value) -> Result<Term, ApiError> {
    let failed = |cause: String| ApiError::failed_query(ApiError::illegal_argument(cause));
    let field = known.field;
    Ok(match known.mapping.kind {
        FieldType::Text | FieldType::Keyword => Term::from_field_text(field, &mapping::text(value).map_err(failed)?),
        FieldType::Long => {
            let number = |cause| ApiError::new(axum::http::StatusCode::BAD_REQUEST, "number_format_exception", cause);
            Term::from_field_i64(field, mapping::long(value).map_err(|cause| ApiError::failed_query(number(cause)))?)
        }
        FieldType::Date => {
            let millis = mapping::date(value, known.mapping.format.as_deref());
            Term::from_field_i64(field, millis.map_err(|cause| ApiError::failed_query(ApiError::parse(cause)))?)
        }
        FieldType::Boolean => {
            let value = mapping::boolean(value).map_err(|cause| {
                failed(
                    cause
                        .replace("Failed to parse value", "Can't parse boolean value")
                        .replace(" as only", ", expected"),
                )
            })?;
            Term::from_field_i64(field, i64::from(value))
        }
    })
}

fn only_on(what: &str, known: Known<'_>) -> ApiError {
    let (name, kind) = (known.name, known.mapping.kind.name());
    ApiError::query_shard(format!("Can only use {what} - not on [{name}] which is of type [{kind}]"))
}

/// The first bytes after all that begin with a prefix; `None` where nothing comes after them.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
