//! Types of fields: which values each takes, and what is refused.

use serde_json::{Value, json};

use crate::harness::Engine;

/// Writes one document and returns the item of the answer.
async fn item(engine: &Engine, index: &str, source: Value) -> Value {
    let lines = [json!({ "index": { "_index": index, "_id": "1" } }), source];
    engine.bulk("/_bulk?refresh=true", &lines).await.ok()["items"][0]["index"].clone()
}

#[tokio::test]
async fn values_are_read_by_their_type() {
    let engine = Engine::start().await;
    let index = engine
        .index(json!({
            "k": { "type": "keyword" }, "n": { "type": "long" }, "b": { "type": "boolean" },
            "d": { "type": "date", "format": "epoch_millis" }, "t": { "type": "text" },
        }))
        .await;
    let source = json!({ "k": ["x", 7, true, null], "n": "42", "b": "true", "d": 1_700_000_000_000_i64, "t": ["Hello", "World"] });
    assert_eq!(item(&engine, &index, source.clone()).await["status"], 201);
    let queries = [
        json!({ "term": { "k": "7" } }),
        json!({ "term": { "k": "true" } }),
        json!({ "term": { "n": 42 } }),
        json!({ "term": { "b": true } }),
        json!({ "term": { "d": 1_700_000_000_000_i64 } }),
        json!({ "match": { "t": "world" } }),
    ];
    for query in queries {
        assert_eq!(engine.found(&index, query.clone()).await, ["1"], "{query}");
    }
    let found = engine.search(&index, json!({})).await.ok();
    assert_eq!(found["hits"]["hits"][0]["_source"], source, "the source is as it was given");
}

#[tokio::test]
async fn values_of_another_type_are_refused() {
    let engine = Engine::start().await;
    let index = engine
        .index(json!({
            "k": { "type": "keyword" }, "n": { "type": "long" }, "b": { "type": "boolean" },
            "d": { "type": "date", "format": "epoch_millis" },
        }))
        .await;
    let refused = [
        json!({ "n": "many" }),
        json!({ "b": "perhaps" }),
        json!({ "d": "yesterday" }),
        json!({ "k": { "a": 1 } }),
        json!({ "n": 1e30 }),
    ];
    for source in refused {
        let item = item(&engine, &index, source.clone()).await;
        assert_eq!(
            (&item["status"], &item["error"]["type"]),
            (&json!(400), &json!("mapper_parsing_exception")),
            "{source}: {item}"
        );
    }
    let long = item(&engine, &index, json!({ "k": "x".repeat(32_767) })).await;
    assert_eq!(
        (&long["status"], &long["error"]["type"]),
        (&json!(400), &json!("illegal_argument_exception")),
        "{long}"
    );
    assert_eq!(item(&engine, &index, json!({ "k": "x".repeat(32_766) })).await["status"], 201);
    let item = item(&engine, &index, json!({ "_id": "2" })).await;
    assert_eq!((&item["status"], &item["error"]["type"]), (&json!(400), &json!("mapper_parsing_exception")));
}

#[tokio::test]
async fn a_source_has_to_be_an_object() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "k": { "type": "keyword" } })).await;
    let body = format!("{{\"index\":{{\"_index\":\"{index}\",\"_id\":\"1\"}}}}\n{{\"k\": \n");
    let answer = engine.raw("/_bulk", "application/x-ndjson", &body).await.ok();
    let item = &answer["items"][0]["index"];
    assert_eq!((&item["status"], &item["error"]["type"]), (&json!(400), &json!("mapper_parsing_exception")), "{item}");
}

#[tokio::test]
async fn fields_that_are_not_mapped_stay_in_the_source_where_that_is_allowed() {
    let engine = Engine::start().await;
    let index = engine.name();
    let mappings = json!({ "dynamic": false, "properties": { "k": { "type": "keyword" } } });
    engine.put(&format!("/{index}"), json!({ "mappings": mappings })).await.ok();
    let source = json!({ "k": "x", "other": { "deep": [1] } });
    assert_eq!(item(&engine, &index, source.clone()).await["status"], 201);
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.ok()["_source"], source);
    assert_eq!(
        engine.found(&index, json!({ "term": { "other": "1" } })).await,
        [""; 0],
        "nothing matches an unmapped field"
    );
}
