//! The time at which a write becomes searchable.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Engine;

fn lines(index: &str, id: &str) -> [Value; 2] {
    [json!({ "index": { "_index": index, "_id": id } }), json!({ "a": "x" })]
}

async fn count(engine: &Engine, index: &str) -> u64 {
    engine.get(&format!("/{index}/_count")).await.ok()["count"].as_u64().unwrap()
}

#[tokio::test]
async fn a_write_is_searchable_after_a_refresh() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    engine.bulk("/_bulk", &lines(&index, "1")).await.ok();
    assert_eq!(count(&engine, &index).await, 0, "nothing refreshes by itself here");
    let answer = engine.post(&format!("/{index}/_refresh"), Value::Null).await.ok();
    assert_eq!(answer["_shards"]["failed"], 0);
    assert_eq!(count(&engine, &index).await, 1);
    engine.bulk("/_bulk?refresh=true", &lines(&index, "2")).await.ok();
    assert_eq!(count(&engine, &index).await, 2);
    let refused = engine.bulk("/_bulk?refresh=perhaps", &lines(&index, "3")).await;
    refused.fails(400, "illegal_argument_exception", "Unknown value for refresh: [perhaps].");
}

#[tokio::test]
async fn a_write_may_wait_until_it_is_searchable() {
    let engine = Engine::start().await;
    let index = engine.name();
    let body = json!({ "settings": { "refresh_interval": "200ms" }, "mappings": { "properties": { "a": { "type": "keyword" } } } });
    engine.put(&format!("/{index}"), body).await.ok();
    engine.bulk("/_bulk?refresh=wait_for", &lines(&index, "1")).await.ok();
    assert_eq!(count(&engine, &index).await, 1);
}

#[tokio::test]
async fn a_write_becomes_searchable_by_itself() {
    let engine = Engine::start().await;
    let index = engine.name();
    let body = json!({ "settings": { "refresh_interval": "1s" }, "mappings": { "properties": { "a": { "type": "keyword" } } } });
    engine.put(&format!("/{index}"), body).await.ok();
    engine.bulk("/_bulk", &lines(&index, "1")).await.ok();
    let started = Instant::now();
    while count(&engine, &index).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "not searchable after ten seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
