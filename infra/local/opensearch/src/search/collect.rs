//! The first hits of a query in one index.

use std::collections::BinaryHeap;
use std::time::Instant;

use tantivy::query::{BooleanQuery, EnableScoring, Occur, Query as EngineQuery, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, Searcher, SegmentReader};

use super::segment::SegmentKey;
use super::sort::{By, Criterion, Key};
use crate::engine::Engine;
use crate::error::ApiError;
use crate::mapping::FieldType;

/// The part of a search that is the same in each index.
pub(super) struct Wanted<'a> {
    pub(super) criteria: &'a [Criterion],
    /// Most hits that are kept: `from` and `size` together.
    pub(super) limit: usize,
    pub(super) after: Option<Vec<Key>>,
    pub(super) min_score: Option<f32>,
    pub(super) with_scores: bool,
    pub(super) deadline: Option<Instant>,
}

/// A hit, which is read later.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) keys: Vec<Key>,
    pub(super) score: f32,
    pub(super) address: DocAddress,
}

/// The hits of an index.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// The best hits, in the order of the search.
    pub(super) hits: Vec<Hit>,
    pub(super) total: u64,
    pub(super) max_score: Option<f32>,
    /// True if the time was over before the end.
    pub(super) is_timed_out: bool,
}

/// Leaves tombstones out of a query.
pub(super) fn without_tombstones(
    engine: &Engine,
    searcher: &Searcher,
    query: Box<dyn EngineQuery>,
) -> Result<Box<dyn EngineQuery>, ApiError> {
    let term = engine.layout.tombstones();
    if searcher.doc_freq(&term)? == 0 {
        return Ok(query);
    }
    let tombstones = TermQuery::new(term, IndexRecordOption::Basic);
    Ok(Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::MustNot, Box::new(tombstones))])))
}

/// Runs a query and keeps the first hits.
pub(super) fn run(
    searcher: &Searcher,
    query: &dyn EngineQuery,
    kinds: &[Option<FieldType>],
    wanted: &Wanted<'_>,
) -> Result<Collected, ApiError> {
    let scoring = wanted.with_scores || wanted.min_score.is_some();
    let weight = query.weight(if scoring {
        EnableScoring::enabled_from_searcher(searcher)
    } else {
        EnableScoring::disabled_from_searcher(searcher)
    })?;
    let mut collected = Collected::default();
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        if wanted.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            collected.is_timed_out = true;
            break;
        }
        let keys =
            wanted.criteria.iter().zip(kinds).map(|(criterion, kind)| SegmentKey::open(criterion, *kind, segment));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut top = Top::new(&keys, wanted)?;
        if scoring {
            weight.for_each(segment, &mut |doc, score| top.offer(segment, doc, score))?;
        } else {
            weight.for_each_no_score(segment, &mut |docs| docs.iter().for_each(|doc| top.offer(segment, *doc, 0.0)))?;
        }
        collected.total += top.total;
        if top.total > 0 && wanted.with_scores {
            collected.max_score = Some(collected.max_score.unwrap_or(f32::MIN).max(top.max_score));
        }
        for Entry { numbers, doc, score } in top.heap.into_sorted_vec() {
            let keys = keys.iter().zip(numbers).map(|(key, number)| key.key(number, score));
            let address = DocAddress { segment_ord, doc_id: doc };
            collected.hits.push(Hit { keys: keys.collect::<Result<_, _>>()?, score, address });
        }
    }
    // Hits that are equal stay in the order of the index.
    collected.hits.sort_by(|one, other| super::compare(wanted.criteria, &one.keys, &other.keys));
    collected.hits.truncate(wanted.limit);
    Ok(collected)
}

/// The first hits of a segment.
struct Top<'a> {
    keys: &'a [SegmentKey],
    after: Option<Vec<i64>>,
    limit: usize,
    min_score: Option<f32>,
    /// The last of them on top.
    heap: BinaryHeap<Entry>,
    total: u64,
    max_score: f32,
}

/// A hit by its numbers; its score is no part of the order.
#[derive(Debug)]
struct Entry {
    numbers: Vec<i64>,
    doc: u32,
    score: f32,
}

impl<'a> Top<'a> {
    fn new(keys: &'a [SegmentKey], wanted: &Wanted<'_>) -> Result<Self, ApiError> {
        let after =
            wanted.after.as_ref().map(|after| keys.iter().zip(after).map(|(key, after)| key.of_key(after)).collect());
        let (limit, min_score) = (wanted.limit, wanted.min_score);
        Ok(Self {
            keys,
            after: after.transpose()?,
            limit,
            min_score,
            heap: BinaryHeap::new(),
            total: 0,
            max_score: f32::MIN,
        })
    }

    fn offer(&mut self, segment: &SegmentReader, doc: u32, score: f32) {
        if segment.is_deleted(doc) || self.min_score.is_some_and(|least| score < least) {
            return;
        }
        self.total += 1;
        self.max_score = self.max_score.max(score);
        if self.limit == 0 || self.after.as_ref().is_some_and(|after| !self.comes_after(doc, score, after)) {
            return;
        }
        if self.heap.len() == self.limit {
            // Of equal hits the earlier one stays.
            if self.heap.peek().is_some_and(|last| !self.comes_before(doc, score, &last.numbers)) {
                return;
            }
            self.heap.pop();
        }
        let numbers = self.keys.iter().map(|key| key.of(doc, score)).collect();
        self.heap.push(Entry { numbers, doc, score });
    }

    /// Compares number by number, since the first mostly decides.
    fn comes_before(&self, doc: u32, score: f32, numbers: &[i64]) -> bool {
        let order = self.keys.iter().zip(numbers).map(|(key, number)| key.of(doc, score).cmp(number));
        order.into_iter().find(|order| order.is_ne()).is_some_and(std::cmp::Ordering::is_lt)
    }

    fn comes_after(&self, doc: u32, score: f32, numbers: &[i64]) -> bool {
        let order = self.keys.iter().zip(numbers).map(|(key, number)| key.of(doc, score).cmp(number));
        order.into_iter().find(|order| order.is_ne()).is_some_and(std::cmp::Ordering::is_gt)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.numbers.cmp(&other.numbers).then(self.doc.cmp(&other.doc))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// Returns true if an order needs scores.
pub(super) fn needs_scores(criteria: &[Criterion]) -> bool {
    criteria.iter().any(|criterion| criterion.by == By::Score)
}
