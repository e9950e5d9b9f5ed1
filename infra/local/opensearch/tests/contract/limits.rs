//! Limits of OpenSearch's default settings.

use serde_json::{Value, json};

use crate::harness::Engine;

async fn index(engine: &Engine) -> String {
    let index = engine.index(json!({ "k": { "type": "keyword" }, "n": { "type": "long" } })).await;
    engine.fill(&index, &[json!({ "k": "t7", "n": 7 }), json!({ "k": "other", "n": 8 })]).await;
    index
}

/// So many different terms, of which one is there.
fn terms(count: usize) -> Value {
    let terms: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
    json!({ "terms": { "k": terms } })
}

/// So many clauses, of which one matches.
fn clauses(count: usize) -> Vec<Value> {
    (0..count).map(|number| json!({ "term": { "n": number } })).collect()
}

#[tokio::test]
async fn a_filter_may_have_many_terms() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    for count in [1_000, 65_536] {
        assert_eq!(engine.found(&index, json!({ "bool": { "filter": terms(count) } })).await, ["1"], "{count}");
    }
    let answer = engine.search(&index, json!({ "query": terms(65_537) })).await;
    assert_eq!(answer.status, 400);
    let reason =
        "The number of terms [65537] used in the Terms Query request has exceeded the allowed maximum of [65536].";
    assert!(answer.body.to_string().contains(reason), "{}", answer.body);
}

#[tokio::test]
async fn a_query_has_at_most_1024_clauses() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    assert_eq!(engine.found(&index, json!({ "bool": { "should": clauses(1024) } })).await, ["1", "2"]);
    let refused = |answer: crate::harness::Answer| {
        // A server error before 3.x.
        assert!([400, 500].contains(&answer.status), "{}", answer.body);
        assert!(answer.body.to_string().contains("maxClauseCount is set to 1024"), "{}", answer.body);
    };
    refused(engine.search(&index, json!({ "query": { "bool": { "should": clauses(1025) } } })).await);
    let half = json!({ "bool": { "should": clauses(600) } });
    refused(engine.search(&index, json!({ "query": { "bool": { "must": [half, half] } } })).await);
    let words = vec!["t"; 1025]
        .iter()
        .enumerate()
        .map(|(number, word)| format!("{word}{number}"))
        .collect::<Vec<_>>()
        .join(" ");
    let text = engine.index(json!({ "t": { "type": "text" } })).await;
    refused(engine.search(&text, json!({ "query": { "match": { "t": words } } })).await);
}

#[tokio::test]
async fn a_page_ends_within_the_first_10000_hits() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    assert_eq!(engine.search(&index, json!({ "size": 10_000 })).await.ids().len(), 2);
    let answer = engine.search(&index, json!({ "from": 9_999, "size": 2 })).await;
    let reason = "Result window is too large, from + size must be less than or equal to: [10000] but was [10001]";
    answer.fails(400, "illegal_argument_exception", reason);
    let answer = engine.search(&index, json!({ "size": -2 })).await;
    answer.fails(400, "illegal_argument_exception", "cannot be negative");
}

#[tokio::test]
async fn ids_have_at_most_512_bytes() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let write = |length: usize| {
        let lines = [json!({ "index": { "_index": index, "_id": "x".repeat(length) } }), json!({ "k": "x" })];
        let engine = &engine;
        async move { engine.bulk("/_bulk", &lines).await }
    };
    assert_eq!(write(512).await.ok()["items"][0]["index"]["status"], 201);
    let refused = write(513).await;
    assert!(
        refused.body.to_string().contains("is too long, must be no longer than 512 bytes but was: 513"),
        "{}",
        refused.body
    );
}
