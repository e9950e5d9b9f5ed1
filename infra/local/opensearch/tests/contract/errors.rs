//! Errors, with OpenSearch's types and statuses.

use serde_json::{Value, json};

use crate::harness::Engine;

async fn index(engine: &Engine) -> String {
    let index = engine
        .index(json!({
            "k": { "type": "keyword" }, "t": { "type": "text" }, "n": { "type": "long" },
            "d": { "type": "date", "format": "epoch_millis" }, "b": { "type": "boolean" },
        }))
        .await;
    engine.fill(&index, &[json!({ "k": "x", "t": "x", "n": 1 })]).await;
    index
}

#[tokio::test]
async fn a_search_of_nothing_is_not_found() {
    let engine = Engine::start().await;
    let answer = engine.search("contract-nowhere", json!({})).await;
    answer.fails(404, "index_not_found_exception", "no such index [contract-nowhere]");
    assert_eq!(answer.body["error"]["resource.id"], "contract-nowhere");
    let ignored = engine.post("/contract-nowhere/_search?ignore_unavailable=true", json!({})).await.ok();
    assert_eq!(ignored["hits"]["total"]["value"], 0);
}

#[tokio::test]
async fn what_a_search_does_not_know_is_refused() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases = [
        (json!({ "unheard_of": {} }), "parsing_exception", "Unknown key for a START_OBJECT in [unheard_of]"),
        (json!({ "unheard_of": 1 }), "parsing_exception", "Unknown key for a VALUE_NUMBER in [unheard_of]"),
        (json!({ "query": { "unheard_of": {} } }), "parsing_exception", "unknown query [unheard_of]"),
        (
            json!({ "query": { "bool": { "unheard_of": [] } } }),
            "x_content_parse_exception",
            "[bool] unknown field [unheard_of]",
        ),
        (
            json!({ "query": { "match": { "t": { "query": "x", "unheard_of": 1 } } } }),
            "parsing_exception",
            "[match] query does not support [unheard_of]",
        ),
        (
            json!({ "query": { "match": { "k": "y", "t": "x" } } }),
            "parsing_exception",
            "[match] query doesn't support multiple fields, found [k] and [t]",
        ),
        (
            json!({ "query": { "term": { "k": { "value": "x", "unheard_of": 1 } } } }),
            "parsing_exception",
            "[term] query does not support [unheard_of]",
        ),
        (
            json!({ "query": { "range": { "n": { "gte": 1, "unheard_of": 1 } } } }),
            "parsing_exception",
            "[range] query does not support [unheard_of]",
        ),
        (json!({ "query": {} }), "illegal_argument_exception", "query malformed, empty clause found"),
        (
            json!({ "query": { "match_all": {}, "match_none": {} } }),
            "parsing_exception",
            "[match_all] malformed query, expected [END_OBJECT] but found [FIELD_NAME]",
        ),
    ];
    for (body, kind, reason) in cases {
        engine.search(&index, body).await.fails(400, kind, reason);
    }
    let broken = engine.raw(&format!("/{index}/_search"), "application/json", "{\"query\": ").await;
    assert_eq!(broken.status, 400, "{}", broken.body);
    let parameter = engine.post(&format!("/{index}/_search?unheard_of=1"), json!({})).await;
    parameter.fails(400, "illegal_argument_exception", "contains unrecognized parameter: [unheard_of]");
}

#[tokio::test]
async fn queries_that_do_not_fit_their_field_fail_the_search() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let cases = [
        (
            json!({ "term": { "n": "many" } }),
            "query_shard_exception",
            "failed to create query: For input string: \\\"many\\\"",
        ),
        (
            json!({ "range": { "d": { "gte": "yesterday" } } }),
            "parse_exception",
            "failed to parse date field [yesterday]",
        ),
        (
            json!({ "prefix": { "n": "1" } }),
            "query_shard_exception",
            "Can only use prefix queries on keyword, text and wildcard fields",
        ),
    ];
    for (query, kind, reason) in cases {
        let answer = engine.search(&index, json!({ "query": query })).await;
        answer.fails(400, kind, reason);
        let error = &answer.body["error"];
        assert_eq!(error["type"], "search_phase_execution_exception");
        assert_eq!((&error["phase"], &error["reason"]), (&json!("query"), &json!("all shards failed")));
        assert_eq!(error["failed_shards"][0]["index"], json!(index));
    }
}

#[tokio::test]
async fn orders_that_do_not_exist_fail_the_search() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let missing = engine.search(&index, json!({ "sort": ["unheard_of"] })).await;
    missing.fails(400, "query_shard_exception", "No mapping found for [unheard_of] in order to sort on");
    let text = engine.search(&index, json!({ "sort": ["t"] })).await;
    text.fails(
        400,
        "illegal_argument_exception",
        "Text fields are not optimised for operations that require per-document field data",
    );
    let unmapped = json!({ "sort": [{ "unheard_of": { "order": "asc", "unmapped_type": "long" } }] });
    assert_eq!(engine.search(&index, unmapped).await.ids(), ["1"]);
}

#[tokio::test]
async fn pages_after_a_hit_need_their_order() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let search = |body: Value| engine.search(&index, body);
    let answer = search(json!({ "sort": ["n", "k"], "search_after": [1] })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.to_string().contains("search_after has 1 value(s) but sort has 2."), "{}", answer.body);
    let answer = search(json!({ "search_after": [1] })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.to_string().contains("Sort must contain at least one field."), "{}", answer.body);
    let answer = search(json!({ "sort": ["n"], "from": 1, "search_after": [1] })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.body.to_string().contains("`from` parameter must be set to 0 when `search_after` is used."),
        "{}",
        answer.body
    );
    let answer = search(json!({ "sort": ["n"], "search_after": ["many"] })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.to_string().contains("Failed to parse search_after value for field [n]."), "{}", answer.body);
}
