//! Queries of exact values, and queries of queries.

use serde_json::{Value, json};

use crate::harness::Engine;

const NONE: [&str; 0] = [];

async fn index(engine: &Engine) -> String {
    let index = engine
        .index(json!({
            "room": { "type": "keyword" }, "n": { "type": "long" }, "at": { "type": "date", "format": "epoch_millis" },
            "has": { "type": "keyword" }, "done": { "type": "boolean" }, "t": { "type": "text", "analyzer": "whitespace" },
        }))
        .await;
    let documents = [
        json!({ "room": "a", "n": 1, "at": 1000, "has": ["file", "link"], "done": true, "t": "x y" }),
        json!({ "room": "a", "n": 2, "at": 2000, "has": [], "done": false, "t": "x" }),
        json!({ "room": "b", "n": -3, "at": 3000, "has": "link", "t": "y" }),
        json!({ "room": "abc", "n": 4_611_686_018_427_387_905_i64, "at": 4000, "has": null }),
    ];
    engine.fill(&index, &documents).await;
    index
}

#[tokio::test]
async fn terms_match_exactly() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases: [(Value, &[&str]); 13] = [
        (json!({ "term": { "room": "a" } }), &["1", "2"]),
        (json!({ "term": { "room": { "value": "b", "boost": 2 } } }), &["3"]),
        (json!({ "term": { "room": "A" } }), &NONE),
        (json!({ "term": { "has": "link" } }), &["1", "3"]),
        (json!({ "term": { "n": 4_611_686_018_427_387_905_i64 } }), &["4"]),
        (json!({ "term": { "n": 4_611_686_018_427_387_904_i64 } }), &NONE),
        (json!({ "term": { "done": false } }), &["2"]),
        (json!({ "terms": { "room": ["b", "abc", "other"] } }), &["3", "4"]),
        (json!({ "terms": { "n": [1, -3] } }), &["1", "3"]),
        (json!({ "terms": { "room": [] } }), &NONE),
        (json!({ "match": { "room": "a" } }), &["1", "2"]),
        (json!({ "prefix": { "room": "a" } }), &["1", "2", "4"]),
        (json!({ "prefix": { "room": { "value": "ab" } } }), &["4"]),
    ];
    for (query, expected) in cases {
        assert_eq!(engine.found(&index, query.clone()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn ranges_have_their_ends_or_not() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases: [(Value, &[&str]); 9] = [
        (json!({ "n": { "gte": 1, "lte": 2 } }), &["1", "2"]),
        (json!({ "n": { "gt": 1 } }), &["2", "4"]),
        (json!({ "n": { "lt": 1 } }), &["3"]),
        (json!({ "n": { "gt": -3, "lt": 2 } }), &["1"]),
        (json!({ "n": { "gte": 3, "lte": 2 } }), &NONE),
        (json!({ "at": { "gte": 2000, "lt": 4000 } }), &["2", "3"]),
        (json!({ "at": { "gte": "3000" } }), &["3", "4"]),
        (json!({ "room": { "gt": "a", "lte": "b" } }), &["3", "4"]),
        (json!({ "other": { "gte": 1 } }), &NONE),
    ];
    for (range, expected) in cases {
        assert_eq!(engine.found(&index, json!({ "range": range })).await, expected, "{range}");
    }
}

#[tokio::test]
async fn fields_exist_and_documents_have_ids() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases: [(Value, &[&str]); 8] = [
        (json!({ "exists": { "field": "has" } }), &["1", "3"]),
        (json!({ "exists": { "field": "t" } }), &["1", "2", "3"]),
        (json!({ "exists": { "field": "done" } }), &["1", "2"]),
        (json!({ "exists": { "field": "other" } }), &NONE),
        (json!({ "ids": { "values": ["4", "1", "9"] } }), &["1", "4"]),
        (json!({ "term": { "_id": "2" } }), &["2"]),
        (json!({ "match_all": {} }), &["1", "2", "3", "4"]),
        (json!({ "match_none": {} }), &NONE),
    ];
    for (query, expected) in cases {
        assert_eq!(engine.found(&index, query.clone()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn queries_are_joined() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let (a, b, x) =
        (json!({ "term": { "room": "a" } }), json!({ "term": { "room": "b" } }), json!({ "match": { "t": "x" } }));
    let first = json!({ "term": { "n": 1 } });
    let cases: [(Value, &[&str]); 13] = [
        (json!({ "must": [x], "filter": [a] }), &["1", "2"]),
        (json!({ "filter": a, "must_not": first }), &["2"]),
        (json!({ "should": [a, b] }), &["1", "2", "3"]),
        (json!({ "should": [a, first], "minimum_should_match": 2 }), &["1"]),
        (json!({ "should": [a, first], "minimum_should_match": "100%" }), &["1"]),
        (json!({ "should": [a, first], "minimum_should_match": -1 }), &["1", "2"]),
        (json!({ "should": [a], "minimum_should_match": 2 }), &NONE),
        (json!({ "must": [a], "should": [b] }), &["1", "2"]),
        (json!({ "must": [a], "should": [first], "minimum_should_match": 1 }), &["1"]),
        (json!({ "must_not": [a] }), &["3", "4"]),
        (json!({}), &["1", "2", "3", "4"]),
        (json!({ "must": { "bool": { "should": [first, b] } }, "must_not": b }), &["1"]),
        (json!({ "filter": [{ "bool": { "must_not": { "exists": { "field": "t" } } } }] }), &["4"]),
    ];
    for (query, expected) in cases {
        assert_eq!(engine.found(&index, json!({ "bool": query })).await, expected, "{query}");
    }
}

#[tokio::test]
async fn filters_do_not_score() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let scores = |answer: Value| -> Vec<f64> {
        let hits = answer["hits"]["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| hit["_score"].as_f64().unwrap()).collect()
    };
    let filtered = json!({ "query": { "bool": { "filter": { "term": { "room": "a" } } } } });
    assert_eq!(scores(engine.search(&index, filtered).await.ok()), [0.0, 0.0]);
    let constant = json!({ "query": { "constant_score": { "filter": { "term": { "room": "a" } }, "boost": 3 } } });
    assert_eq!(scores(engine.search(&index, constant).await.ok()), [3.0, 3.0]);
    assert_eq!(scores(engine.search(&index, json!({})).await.ok()), [1.0; 4]);
}

#[tokio::test]
async fn a_count_counts_what_a_query_finds() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let path = format!("/{index}/_count");
    let answer = engine.post(&path, json!({ "query": { "term": { "room": "a" } } })).await.ok();
    assert_eq!((&answer["count"], &answer["_shards"]["failed"]), (&json!(2), &json!(0)));
    assert_eq!(engine.get(&path).await.ok()["count"], 4);
    let refused = engine.post(&path, json!({ "size": 1 })).await;
    refused.fails(400, "parsing_exception", "request does not support [size]");
}
