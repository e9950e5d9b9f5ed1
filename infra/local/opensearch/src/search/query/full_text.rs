//! Queries whose text is analysed.

use serde_json::Value;

use super::clause::Parameters;
use super::{Kind, Minimum, Operator, Query};
use crate::error::ApiError;

/// Terms that a prefix at the end of a phrase stands for, at most, unless set.
const MAX_EXPANSIONS: u32 = 50;

pub(super) fn matches(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("match", "query", body)?;
    parameters.finish(|parameters| {
        let text = parameters.required("query")?;
        let (operator, minimum) = (operator("match", parameters)?, minimum(parameters)?);
        zero_terms(parameters)?;
        Ok(Kind::Match { field, text, operator, minimum })
    })
}

pub(super) fn phrase(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("match_phrase", "query", body)?;
    parameters.finish(|parameters| {
        let (text, slop) = (parameters.required("query")?, parameters.number("slop", 0)?);
        zero_terms(parameters)?;
        Ok(Kind::Phrase { field, text, slop })
    })
}

pub(super) fn phrase_prefix(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("match_phrase_prefix", "query", body)?;
    parameters.finish(|parameters| {
        let (text, slop) = (parameters.required("query")?, parameters.number("slop", 0)?);
        let max_expansions = parameters.number("max_expansions", MAX_EXPANSIONS)?;
        if max_expansions == 0 {
            return Err(ApiError::illegal_argument("[match_phrase_prefix] requires positive max_expansions"));
        }
        zero_terms(parameters)?;
        Ok(Kind::PhrasePrefix { field, text, slop, max_expansions })
    })
}

pub(super) fn bool_prefix(body: &Value) -> Result<Query, ApiError> {
    let (field, parameters) = Parameters::of_field("match_bool_prefix", "query", body)?;
    parameters.finish(|parameters| {
        let text = parameters.required("query")?;
        let (operator, minimum) = (operator("match_bool_prefix", parameters)?, minimum(parameters)?);
        Ok(Kind::BoolPrefix { field, text, operator, minimum })
    })
}

fn operator(query: &str, parameters: &mut Parameters) -> Result<Operator, ApiError> {
    match parameters.take("operator") {
        None => Ok(Operator::Or),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("and") => Ok(Operator::And),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("or") => Ok(Operator::Or),
        Some(other) => Err(ApiError::illegal_argument(format!(
            "[{query}] operator needs to be either OR or AND, but not [{other}]"
        ))),
    }
}

fn minimum(parameters: &mut Parameters) -> Result<Option<Minimum>, ApiError> {
    parameters.take("minimum_should_match").as_ref().map(Minimum::read).transpose()
}

/// A text without terms matches nothing.
fn zero_terms(parameters: &mut Parameters) -> Result<(), ApiError> {
    match parameters.take("zero_terms_query") {
        None => Ok(()),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("none") => Ok(()),
        Some(other) => Err(ApiError::not_emulated(format!("[zero_terms_query] with {other}"))),
    }
}
