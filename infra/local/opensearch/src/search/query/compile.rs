//! Queries for one index: with its mapping they become queries of the engine.

use std::ops::Bound;

use serde_json::Value;
use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, RangeQuery, TermQuery, TermSetQuery};
use tantivy::schema::IndexRecordOption;

use super::leaf::{self, Compiled, Compiler, Known, constant, nothing};
use super::{Bool, Kind, Minimum, Operator, Query};
use crate::cluster::Settings;
use crate::engine::Engine;
use crate::error::ApiError;
use crate::mapping::{self, FieldType};

/// Clauses of one query, and terms and ranges of all of it together: `indices.query.bool.max_clause_count`.
const MAX_CLAUSE_COUNT: usize = 1024;

/// Turns a query into one of the engine.
pub(in crate::search) fn compile(engine: &Engine, settings: &Settings, query: &Query) -> Result<Compiled, ApiError> {
    let mut compiler = Compiler { engine, settings, leaves: 0 };
    let built = compiler.query(query)?;
    // As Lucene counts them: one more than the limit passes.
    if compiler.leaves > MAX_CLAUSE_COUNT + 1 {
        let reason = format!("Query contains too many nested clauses; maxClauseCount is set to {MAX_CLAUSE_COUNT}");
        return Err(ApiError::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "too_many_nested_clauses", reason));
    }
    Ok(built)
}

impl Compiler<'_> {
    fn query(&mut self, Query { kind, boost }: &Query) -> Result<Compiled, ApiError> {
        let compiled = match kind {
            Kind::MatchAll => constant(AllQuery, 1.0),
            Kind::MatchNone => nothing(),
            Kind::Bool(query) => self.boolean(query)?,
            Kind::Constant(query) => Box::new(ConstScoreQuery::new(self.query(query)?, 1.0)),
            Kind::Ids { ids } => self.ids(ids.iter().map(String::as_str)),
            Kind::Term { field, value } if field == "_id" => {
                let id = mapping::text(value).map_err(ApiError::illegal_argument)?;
                self.ids([id.as_str()].into_iter())
            }
            Kind::Exists { field } => {
                self.leaves += 1;
                constant(TermQuery::new(self.engine.layout.has(field), IndexRecordOption::Basic), 1.0)
            }
            Kind::Match { field, text, operator, minimum } => self.on(field, |compiler, known| {
                let terms = leaf::terms_of(known, text)?;
                let clauses = terms.into_iter().map(|term| compiler.scored(known, term)).collect();
                joined(clauses, *operator, *minimum)
            })?,
            Kind::BoolPrefix { field, text, operator, minimum } => self.on(field, |compiler, known| {
                let mut terms = leaf::terms_of(known, text)?;
                let Some(last) = terms.pop() else { return Ok(nothing()) };
                let mut clauses: Vec<_> = terms.into_iter().map(|term| compiler.scored(known, term)).collect();
                clauses.push(compiler.prefix(known, &last)?);
                joined(clauses, *operator, *minimum)
            })?,
            Kind::Phrase { field, text, slop } => {
                self.on(field, |compiler, known| compiler.phrase(known, text, *slop))?
            }
            Kind::PhrasePrefix { field, text, slop, max_expansions } => {
                self.on(field, |compiler, known| compiler.phrase_prefix(known, text, *slop, *max_expansions))?
            }
            Kind::Prefix { field, value } => self.on(field, |compiler, known| {
                let prefix =
                    mapping::text(value).map_err(|cause| ApiError::failed_query(ApiError::illegal_argument(cause)))?;
                compiler.prefix(known, &Term::from_field_text(known.field, &prefix))
            })?,
            Kind::Term { field, value } => self.on(field, |compiler, known| compiler.term(known, value))?,
            Kind::Terms { field, values } => self.terms(field, values)?,
            Kind::Range { field, lower, upper, format } => {
                self.on(field, |compiler, known| compiler.range(known, lower, upper, format.as_deref()))?
            }
        };
        #[allow(clippy::float_cmp, reason = "the default, not a result")]
        Ok(if *boost == 1.0 { compiled } else { Box::new(BoostQuery::new(compiled, *boost)) })
    }

    /// Compiles a query of a field. Nothing matches a field that the mapping lacks.
    fn on(
        &mut self,
        name: &str,
        compile: impl FnOnce(&mut Self, Known<'_>) -> Result<Compiled, ApiError>,
    ) -> Result<Compiled, ApiError> {
        if name.starts_with('_') {
            return Err(ApiError::not_emulated(format!("a query of [{name}]")));
        }
        let engine = self.engine;
        let Some((mapping, field)) = engine.mapping.fields.get(name).zip(engine.layout.field(name)) else {
            return Ok(nothing());
        };
        if !mapping.is_indexed() {
            let cause = ApiError::illegal_argument(format!("Cannot search on field [{name}] since it is not indexed."));
            return Err(ApiError::failed_query(cause));
        }
        compile(self, Known { name, field, mapping })
    }

    fn boolean(&mut self, query: &Bool) -> Result<Compiled, ApiError> {
        let Bool { must, filter, should, must_not, minimum } = query;
        let count = must.len() + filter.len() + should.len() + must_not.len();
        if count == 0 {
            return Ok(constant(AllQuery, 1.0));
        }
        check_clauses(count)?;
        let mut clauses = Vec::new();
        for query in must {
            clauses.push((Occur::Must, self.query(query)?));
        }
        for query in filter {
            clauses.push((Occur::Must, Box::new(ConstScoreQuery::new(self.query(query)?, 0.0)) as Compiled));
        }
        let has_required = !clauses.is_empty();
        for query in should {
            clauses.push((Occur::Should, self.query(query)?));
        }
        for query in must_not {
            clauses.push((Occur::MustNot, self.query(query)?));
        }
        if !has_required && should.is_empty() {
            clauses.push((Occur::Must, constant(AllQuery, 0.0)));
        }
        let required = match minimum {
            Some(minimum) => minimum.of(should.len()).max(usize::from(!has_required && !should.is_empty())),
            None => usize::from(!has_required && !should.is_empty()),
        };
        if required > should.len() {
            return Ok(nothing());
        }
        Ok(Box::new(BooleanQuery::with_minimum_required_clauses(clauses, required)))
    }

    fn ids<'a>(&mut self, ids: impl Iterator<Item = &'a str>) -> Compiled {
        self.leaves += 1;
        constant(TermSetQuery::new(ids.map(|id| self.engine.layout.id(id))), 1.0)
    }

    fn term(&mut self, known: Known<'_>, value: &Value) -> Result<Compiled, ApiError> {
        let term = leaf::exact(known, value)?;
        Ok(self.scored(known, term))
    }

    fn terms(&mut self, field: &str, values: &[Value]) -> Result<Compiled, ApiError> {
        let limit = self.settings.max_terms_count();
        if values.len() > limit {
            let count = values.len();
            let cause = ApiError::illegal_argument(format!(
                "The number of terms [{count}] used in the Terms Query request has exceeded the allowed maximum of [{limit}]. This \
                 maximum can be set by changing the [index.max_terms_count] index level setting."
            ));
            return Err(ApiError::failed_query(cause));
        }
        if field == "_id" {
            let ids =
                values.iter().map(mapping::text).collect::<Result<Vec<_>, _>>().map_err(ApiError::illegal_argument)?;
            return Ok(self.ids(ids.iter().map(String::as_str)));
        }
        self.on(field, |compiler, known| {
            compiler.leaves += 1;
            let terms = values.iter().map(|value| leaf::exact(known, value)).collect::<Result<Vec<_>, _>>()?;
            if terms.is_empty() {
                return Ok(nothing());
            }
            Ok(match known.mapping.kind {
                FieldType::Text | FieldType::Keyword => constant(TermSetQuery::new(terms), 1.0),
                _ => {
                    let ranges = terms.into_iter().map(|term| {
                        Box::new(RangeQuery::new(Bound::Included(term.clone()), Bound::Included(term))) as Compiled
                    });
                    constant(BooleanQuery::union(ranges.collect()), 1.0)
                }
            })
        })
    }
}

fn check_clauses(count: usize) -> Result<(), ApiError> {
    if count <= MAX_CLAUSE_COUNT {
        return Ok(());
    }
    let cause = ApiError::new(
        axum::http::StatusCode::BAD_REQUEST,
        "too_many_clauses",
        format!("maxClauseCount is set to {MAX_CLAUSE_COUNT}"),
    );
    Err(ApiError::failed_query(cause))
}

/// Joins the terms of one text.
fn joined(mut clauses: Vec<Compiled>, operator: Operator, minimum: Option<Minimum>) -> Result<Compiled, ApiError> {
    check_clauses(clauses.len())?;
    if clauses.len() < 2 {
        return Ok(clauses.pop().unwrap_or_else(nothing));
    }
    if operator == Operator::And {
        return Ok(Box::new(BooleanQuery::intersection(clauses)));
    }
    let required = minimum.map_or(1, |minimum| minimum.of(clauses.len())).max(1);
    if required > clauses.len() {
        return Ok(nothing());
    }
    Ok(Box::new(BooleanQuery::union_with_minimum_required_clauses(clauses, required)))
}
