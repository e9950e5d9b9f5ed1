//! Searches: the query of a request, and what it found.

use domain::period::SeqRange;
use domain::search::{Clause, Has, MessageQuery, SearchCursor, SearchOrder};
use domain::{ConversationId, Timestamp, UserId};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::busy;
use super::{DocumentId, MessageIndex, READ_ALIAS, SEARCH_TIMEOUT};
use crate::StoreError;

/// The fields with terms.
const FIELDS: [&str; 2] = ["terms", "files"];

/// Error of a search before the first message.
const NO_INDEX: &str = "index_not_found_exception";

/// What to search for, and where.
#[derive(Clone, Debug)]
pub struct Find<'a> {
    /// The words; `None` for every message.
    pub query: Option<&'a MessageQuery>,
    pub scope: &'a Scope,
    pub sender_id: Option<UserId>,
    /// Sent later than this.
    pub after: Option<Timestamp>,
    /// Sent earlier than this.
    pub before: Option<Timestamp>,
    pub has: Option<Has>,
    pub order: SearchOrder,
}

/// The conversations, or parts of them, in which to search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Conversations of which all seqs count.
    pub whole: Vec<ConversationId>,
    /// Conversations of which only these seqs count.
    pub parts: Vec<(ConversationId, Vec<SeqRange>)>,
}

/// A document that matches the terms of a search. The message need not: the index is late, and knows no membership.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub id: DocumentId,
    /// Position among all documents that match, from which a search goes on.
    pub position: SearchCursor,
}

#[derive(Deserialize)]
struct Answer {
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Deserialize)]
struct Shards {
    failed: u64,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    sort: Vec<Value>,
}

/// Only a part of the index was searched.
#[derive(Debug, thiserror::Error)]
#[error("OpenSearch searched a part of the index: timed out {timed_out}, {failed} shards failed")]
struct Partly {
    timed_out: bool,
    failed: u64,
}

impl MessageIndex {
    /// Finds up to `size` documents after `after`, in order. Fewer are the last ones. Cost: one request.
    ///
    /// Complete for the terms: a phrase that ends with a beginning is asked for as the phrase before it and a term with that beginning
    /// anywhere, since engines expand a beginning within a phrase to a few terms only.
    pub async fn find(
        &self,
        find: &Find<'_>,
        after: Option<SearchCursor>,
        size: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let path = format!("/{READ_ALIAS}/_search");
        let answer = self.client.send_json(Method::POST, &path, &find.body(after, size), SEARCH_TIMEOUT).await?;
        if answer.is_refused_as(NO_INDEX) {
            return Ok(Vec::new());
        }
        let Answer { timed_out, shards, hits } = answer.read()?;
        if timed_out || shards.failed > 0 {
            return Err(busy(Partly { timed_out, failed: shards.failed }));
        }
        hits.hits.iter().map(|hit| found(hit, find.order)).collect()
    }
}

fn found(hit: &Hit, order: SearchOrder) -> Result<Found, StoreError> {
    let malformed = || StoreError::Inconsistent(format!("the index has a document {:?} of another form", hit.id));
    let (score, rest) = match (order, hit.sort.as_slice()) {
        (SearchOrder::Newest, rest) => (None, rest),
        (SearchOrder::Best, [score, rest @ ..]) => (Some(score.as_f64().ok_or_else(malformed)?), rest),
        (SearchOrder::Best, []) => return Err(malformed()),
    };
    let [millis, conversation_id] = rest else { return Err(malformed()) };
    let sent_at = millis.as_i64().and_then(|millis| Timestamp::of_epoch_millis(millis).ok()).ok_or_else(malformed)?;
    let conversation_id = conversation_id.as_str().and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
    let id = hit.id.parse().map_err(|_| malformed())?;
    Ok(Found { id, position: SearchCursor { score, sent_at, conversation_id } })
}

impl Find<'_> {
    fn body(&self, after: Option<SearchCursor>, size: usize) -> Value {
        let clauses: Vec<Value> =
            self.query.iter().flat_map(|query| query.clauses()).map(|of| clause(of, self.order)).collect();
        let mut filter = vec![self.scope.filter()];
        filter.extend(self.sender_id.map(|sender| json!({"term": {"sender_id": sender}})));
        filter.extend(self.has.map(|has| json!({"term": {"has": has}})));
        if self.after.is_some() || self.before.is_some() {
            let mut range = serde_json::Map::new();
            range.extend(self.after.map(|after| ("gt".to_owned(), after.epoch_millis().into())));
            range.extend(self.before.map(|before| ("lt".to_owned(), before.epoch_millis().into())));
            filter.push(json!({"range": {"sent_at": range}}));
        }
        let by_time = [json!({"sent_at": "desc"}), json!({"conversation_id": "desc"})];
        let (query, sort) = match self.order {
            SearchOrder::Newest => {
                filter.extend(clauses);
                (json!({"bool": {"filter": filter}}), by_time.to_vec())
            }
            SearchOrder::Best => {
                let sort = std::iter::once(json!({"_score": "desc"})).chain(by_time).collect();
                (json!({"bool": {"filter": filter, "must": clauses}}), sort)
            }
        };
        let mut body = json!({
            "query": query,
            "sort": sort,
            "size": size,
            "_source": false,
            "track_total_hits": false,
            "timeout": format!("{}ms", SEARCH_TIMEOUT.as_millis()),
        });
        if let Some(SearchCursor { score, sent_at, conversation_id }) = after {
            let by_time = [json!(sent_at.epoch_millis()), json!(conversation_id)];
            body["search_after"] = score.map(Value::from).into_iter().chain(by_time).collect();
        }
        body
    }
}

impl Scope {
    /// Returns true if nothing lies in it.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.parts.is_empty()
    }

    fn filter(&self) -> Value {
        let whole = json!({"terms": {"conversation_id": self.whole}});
        if self.parts.is_empty() {
            return whole;
        }
        let parts = self.parts.iter().map(|(id, ranges)| {
            let ranges: Vec<Value> =
                ranges.iter().map(|range| json!({"range": {"seq": {"gte": range.first, "lte": range.last}}})).collect();
            json!({"bool": {"filter": [{"term": {"conversation_id": id}}, any(ranges)]}})
        });
        let mut scopes: Vec<Value> = parts.collect();
        scopes.extend((!self.whole.is_empty()).then_some(whole));
        any(scopes)
    }
}

/// Returns the query of a clause, which occurs in one of the fields.
///
/// In the order `best` a message counts by itself: a clause has one point for each field in which it occurs, and another one if its
/// beginning is a whole word there. The engine's own scores would tell how often a word occurs in conversations of others.
fn clause(clause: &Clause, order: SearchOrder) -> Value {
    let in_fields = |clause: &Clause| FIELDS.iter().map(|field| in_field(field, clause)).collect::<Vec<_>>();
    match order {
        SearchOrder::Newest => any(in_fields(clause)),
        SearchOrder::Best => {
            let whole = clause
                .prefix
                .as_ref()
                .map(|prefix| Clause { terms: clause.terms.iter().chain([prefix]).cloned().collect(), prefix: None });
            let points = in_fields(clause).into_iter().chain(whole.iter().flat_map(in_fields));
            any(points.map(|query| json!({"constant_score": {"filter": query}})).collect())
        }
    }
}

fn in_field(field: &str, Clause { terms, prefix }: &Clause) -> Value {
    let terms = match terms.as_slice() {
        [] => None,
        [term] => Some(json!({"term": {field: term}})),
        // Terms have no white space, so that the analyzer `whitespace` finds them again.
        terms => Some(json!({"match_phrase": {field: terms.join(" ")}})),
    };
    let prefix = prefix.as_ref().map(|prefix| json!({"prefix": {field: prefix}}));
    match (terms, prefix) {
        (Some(terms), Some(prefix)) => json!({"bool": {"must": [terms, prefix]}}),
        (terms, prefix) => terms.or(prefix).unwrap_or_else(|| json!({"match_none": {}})),
    }
}

/// Returns the query that one of these matches.
fn any(mut queries: Vec<Value>) -> Value {
    match queries.pop() {
        None => json!({"match_none": {}}),
        Some(query) if queries.is_empty() => query,
        Some(query) => {
            queries.push(query);
            json!({"bool": {"should": queries, "minimum_should_match": 1}})
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Seq;
    use uuid::Uuid;

    use super::*;

    const CONVERSATION: ConversationId = ConversationId(Uuid::nil());

    fn find<'a>(query: Option<&'a MessageQuery>, scope: &'a Scope, order: SearchOrder) -> Find<'a> {
        Find { query, scope, sender_id: None, after: None, before: None, has: None, order }
    }

    #[test]
    fn words_phrases_and_beginnings_are_asked_for_in_both_fields() {
        let scope = Scope { whole: vec![CONVERSATION], parts: Vec::new() };
        let query = MessageQuery::parse("Hello \"brown fox\" a.b").unwrap();
        let body = find(query.as_ref(), &scope, SearchOrder::Newest).body(None, 21);
        let either = |of: &dyn Fn(&str) -> Value| json!({"bool": {"should": [of("terms"), of("files")], "minimum_should_match": 1}});
        assert_eq!(
            body["query"]["bool"]["filter"],
            json!([
                {"terms": {"conversation_id": [CONVERSATION]}},
                either(&|field| json!({"term": {field: "hello"}})),
                either(&|field| json!({"match_phrase": {field: "brown fox"}})),
                either(&|field| json!({"bool": {"must": [{"term": {field: "a"}}, {"prefix": {field: "b"}}]}})),
            ])
        );
        assert_eq!(body["sort"], json!([{"sent_at": "desc"}, {"conversation_id": "desc"}]));
        assert_eq!((body["size"].clone(), body.get("search_after")), (json!(21), None));
    }

    #[test]
    fn filters_and_a_position_narrow_a_search() {
        let ranges = vec![SeqRange { first: Seq(2), last: Seq(5) }];
        let scope = Scope { whole: Vec::new(), parts: vec![(CONVERSATION, ranges)] };
        let time = Timestamp::from_epoch_millis(1_000);
        let find = Find {
            sender_id: Some(UserId(Uuid::nil())),
            after: Some(time),
            before: Some(time.next()),
            has: Some(Has::File),
            ..find(None, &scope, SearchOrder::Best)
        };
        let position = SearchCursor { score: Some(1.5), sent_at: time, conversation_id: CONVERSATION };
        let body = find.body(Some(position), 3);
        assert_eq!(
            body["query"]["bool"],
            json!({"must": [], "filter": [
                {"bool": {"filter": [{"term": {"conversation_id": CONVERSATION}}, {"range": {"seq": {"gte": 2, "lte": 5}}}]}},
                {"term": {"sender_id": UserId(Uuid::nil())}},
                {"term": {"has": "file"}},
                {"range": {"sent_at": {"gt": 1_000, "lt": 1_001}}},
            ]})
        );
        assert_eq!(body["search_after"], json!([1.5, 1_000, CONVERSATION]));
    }

    #[test]
    fn a_whole_word_is_better_than_a_beginning() {
        let query = MessageQuery::parse("brown fox").unwrap();
        let body = find(query.as_ref(), &Scope::default(), SearchOrder::Best).body(None, 1);
        let point = |query: Value| json!({"constant_score": {"filter": query}});
        let either = |points: &[Value]| json!({"bool": {"should": points, "minimum_should_match": 1}});
        assert_eq!(
            body["query"]["bool"]["must"],
            json!([
                either(&[point(json!({"term": {"terms": "brown"}})), point(json!({"term": {"files": "brown"}}))]),
                either(&[
                    point(json!({"prefix": {"terms": "fox"}})),
                    point(json!({"prefix": {"files": "fox"}})),
                    point(json!({"term": {"terms": "fox"}})),
                    point(json!({"term": {"files": "fox"}})),
                ]),
            ])
        );
    }

    #[test]
    fn a_position_comes_from_the_sort_values() {
        let hit = |id: &str, sort: Value| Hit { id: id.to_owned(), sort: serde_json::from_value(sort).unwrap() };
        let id = format!("{CONVERSATION}#7");
        let at = found(&hit(&id, json!([0.25, 1_000, CONVERSATION])), SearchOrder::Best).unwrap();
        assert_eq!((at.id.seq, at.position.score), (Seq(7), Some(0.25)));
        assert!(found(&hit(&id, json!([1_000, CONVERSATION])), SearchOrder::Newest).is_ok());
        for (id, sort) in [("x", json!([1_000, CONVERSATION])), (id.as_str(), json!([1_000])), (&id, json!(["a", "b"]))]
        {
            assert!(found(&hit(id, sort), SearchOrder::Newest).is_err());
        }
    }
}
