//! Searches and counts over one or several indices.

mod collect;
mod query;
mod request;
mod segment;
mod sort;

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tantivy::Searcher;

use crate::cluster::Index;
use crate::engine::Engine;
use crate::error::{ApiError, Shards};
use collect::{Collected, Hit, Wanted};
use request::Total;
use sort::{Criterion, Key};

pub(crate) use request::{Request, SourceFilter, read_count};

/// The answer to a search.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) took: u64,
    timed_out: bool,
    _shards: Shards,
    hits: Hits,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the name of the answer's key")]
struct Hits {
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<TotalHits>,
    max_score: Option<f32>,
    hits: Vec<AnsweredHit>,
}

#[derive(Debug, Serialize)]
struct TotalHits {
    value: u64,
    relation: &'static str,
}

#[derive(Debug, Serialize)]
struct AnsweredHit {
    _index: String,
    _id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    _version: Option<i64>,
    _score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _source: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Vec<Value>>,
}

/// One index under search: what it holds at this moment.
struct Searched {
    index: Arc<Index>,
    engine: Arc<Engine>,
    searcher: Searcher,
}

impl Searched {
    fn open(index: &Arc<Index>) -> Self {
        let engine = index.engine();
        Self { index: Arc::clone(index), searcher: engine.searcher(), engine }
    }
}

/// Searches indices, and merges what each has found.
pub(crate) fn run(indices: &[Arc<Index>], request: &Request) -> Result<Answer, ApiError> {
    let deadline = request.timeout.map(|timeout| Instant::now() + timeout);
    let best_first = [Criterion::best_first()];
    let criteria = if request.sort.is_empty() { best_first.as_slice() } else { &request.sort };
    let with_scores = request.track_scores || collect::needs_scores(criteria);
    let searched: Vec<_> = indices.iter().map(Searched::open).collect();
    let mut merged: Vec<(usize, Hit)> = Vec::new();
    let (mut total, mut max_score, mut timed_out) = (0, None::<f32>, false);
    for (number, searched) in searched.iter().enumerate() {
        let found = search_one(searched, request, criteria, with_scores, deadline);
        let Collected { hits, total: found, max_score: best, is_timed_out } =
            found.map_err(|error| error.in_search_of(&searched.index.name))?;
        total += found;
        timed_out |= is_timed_out;
        max_score = max_score.into_iter().chain(best).reduce(f32::max);
        merged.extend(hits.into_iter().map(|hit| (number, hit)));
    }
    if searched.len() > 1 {
        merged.sort_by(|(_, one), (_, other)| compare(criteria, &one.keys, &other.keys));
    }
    let page = merged.into_iter().skip(request.from).take(request.size);
    let hits =
        page.map(|(number, hit)| answered(&searched[number], &hit, request, with_scores)).collect::<Result<_, _>>()?;
    let total = match request.total {
        Total::UpTo(limit) if total > limit => Some(TotalHits { value: limit, relation: "gte" }),
        Total::Exact | Total::UpTo(_) => Some(TotalHits { value: total, relation: "eq" }),
        Total::Unknown => None,
    };
    let hits = Hits { total, max_score: max_score.filter(|_| with_scores), hits };
    Ok(Answer { took: 0, timed_out, _shards: Shards::searched(indices.len()), hits })
}

fn search_one(
    searched: &Searched,
    request: &Request,
    criteria: &[Criterion],
    with_scores: bool,
    deadline: Option<Instant>,
) -> Result<Collected, ApiError> {
    let Searched { index, engine, searcher } = searched;
    let settings = index.settings();
    let (limit, window) = (request.from.saturating_add(request.size), settings.max_result_window());
    if limit > window {
        return Err(ApiError::illegal_argument(format!(
            "Result window is too large, from + size must be less than or equal to: [{window}] but was [{limit}]. See the scroll \
             api for a more efficient way to request large data sets. This limit can be set by changing the \
             [index.max_result_window] index level setting."
        )));
    }
    let kinds = criteria.iter().map(|criterion| criterion.kind(&engine.mapping)).collect::<Result<Vec<_>, _>>()?;
    let after = request.search_after.as_ref().map(|values| {
        let keys =
            criteria.iter().zip(&kinds).zip(values).map(|((criterion, kind), value)| criterion.after(value, *kind));
        keys.collect::<Result<Vec<_>, _>>()
    });
    let query = query::compile::compile(engine, &settings, &request.query)?;
    let query = collect::without_tombstones(engine, searcher, query)?;
    let wanted =
        Wanted { criteria, limit, after: after.transpose()?, min_score: request.min_score, with_scores, deadline };
    collect::run(searcher, &*query, &kinds, &wanted)
}

/// Counts the hits of a query in indices.
pub(crate) fn count(indices: &[Arc<Index>], query: &query::Query) -> Result<u64, ApiError> {
    let mut total = 0;
    for index in indices {
        let Searched { index, engine, searcher } = Searched::open(index);
        let counted = || {
            let query = query::compile::compile(&engine, &index.settings(), query)?;
            let query = collect::without_tombstones(&engine, &searcher, query)?;
            Ok(query.count(&searcher)? as u64)
        };
        total += counted().map_err(|error: ApiError| error.in_search_of(&index.name))?;
    }
    Ok(total)
}

fn compare(criteria: &[Criterion], one: &[Key], other: &[Key]) -> Ordering {
    let orders = criteria.iter().zip(one).zip(other).map(|((criterion, one), other)| criterion.compare(one, other));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn answered(searched: &Searched, hit: &Hit, request: &Request, with_scores: bool) -> Result<AnsweredHit, ApiError> {
    let Searched { index, engine, searcher } = searched;
    let kept = engine.layout.kept(&searcher.doc(hit.address)?);
    let version = if request.with_versions { Some(engine.version(searcher, hit.address)?) } else { None };
    Ok(AnsweredHit {
        _index: index.name.clone(),
        _id: kept.id,
        _version: version,
        _score: with_scores.then_some(hit.score),
        _source: filtered(kept.source.unwrap_or_default(), &request.source)?,
        sort: (!request.sort.is_empty()).then(|| hit.keys.iter().map(Key::described).collect()),
    })
}

/// Cuts a source down to some of its fields.
pub(crate) fn filtered(source: String, filter: &SourceFilter) -> Result<Option<Box<RawValue>>, ApiError> {
    let source = match filter {
        SourceFilter::None => return Ok(None),
        SourceFilter::All => source,
        SourceFilter::Fields(fields) => {
            let mut source: Map<String, Value> = serde_json::from_str(&source).map_err(ApiError::internal)?;
            source.retain(|name, _| fields.contains(name));
            Value::Object(source).to_string()
        }
    };
    RawValue::from_string(source).map(Some).map_err(ApiError::internal)
}
