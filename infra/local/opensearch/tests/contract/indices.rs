//! Indices: their life, their mappings, and information about them.

use serde_json::json;

use crate::harness::Engine;

#[tokio::test]
async fn an_index_is_made_described_and_deleted() {
    let engine = Engine::start().await;
    let name = engine.name();
    let body = json!({
        "settings": { "index": { "number_of_shards": 1, "number_of_replicas": 0 } },
        "mappings": { "dynamic": "strict", "properties": { "a": { "type": "keyword" }, "b": { "type": "text", "analyzer": "whitespace" } } },
        "aliases": { format!("{name}-alias"): {} },
    });
    assert_eq!(engine.head(&format!("/{name}")).await, 404);
    let answer = engine.put(&format!("/{name}"), body).await.ok();
    assert_eq!(answer, json!({ "acknowledged": true, "shards_acknowledged": true, "index": name }));
    assert_eq!(engine.head(&format!("/{name}")).await, 200);
    assert_eq!(engine.head(&format!("/{name}-alias")).await, 200);

    let described = engine.get(&format!("/{name}")).await.ok();
    let described = &described[&name];
    assert_eq!(described["aliases"], json!({ format!("{name}-alias"): {} }));
    assert_eq!(described["mappings"]["dynamic"], "strict");
    assert_eq!(described["mappings"]["properties"]["b"], json!({ "type": "text", "analyzer": "whitespace" }));
    assert_eq!(described["settings"]["index"]["number_of_shards"], "1");
    assert_eq!(described["settings"]["index"]["number_of_replicas"], "0");
    assert_eq!(described["settings"]["index"]["provided_name"], json!(name));
    assert!(described["settings"]["index"]["uuid"].is_string(), "{described}");

    assert_eq!(engine.delete(&format!("/{name}")).await.ok(), json!({ "acknowledged": true }));
    engine.get(&format!("/{name}")).await.fails(404, "index_not_found_exception", &format!("no such index [{name}]"));
    assert_eq!(engine.head(&format!("/{name}-alias")).await, 404);
}

#[tokio::test]
async fn an_index_is_made_once() {
    let engine = Engine::start().await;
    let name = engine.index(json!({ "a": { "type": "long" } })).await;
    let again = engine.put(&format!("/{name}"), json!({})).await;
    again.fails(400, "resource_already_exists_exception", &format!("index [{name}/"));
    assert_eq!(again.body["error"]["index"], json!(name));
}

#[tokio::test]
async fn names_and_bodies_are_checked() {
    let engine = Engine::start().await;
    engine.put("/Upper", json!({})).await.fails(400, "invalid_index_name_exception", "must be lowercase");
    engine.put("/-dash", json!({})).await.fails(400, "invalid_index_name_exception", "must not start with");
    let name = engine.name();
    let refused = engine.put(&format!("/{name}"), json!({ "mapping": {} })).await;
    refused.fails(400, "parse_exception", "unknown key [mapping] for create index");
    let refused = engine.put(&format!("/{name}"), json!({ "settings": { "index.unheard_of": 1 } })).await;
    refused.fails(400, "illegal_argument_exception", "unknown setting [index.unheard_of]");
    let refused = engine
        .put(&format!("/{name}"), json!({ "mappings": { "properties": { "a": { "type": "unheard_of" } } } }))
        .await;
    refused.fails(400, "mapper_parsing_exception", "No handler for type [unheard_of] declared on field [a]");
    assert_eq!(engine.head(&format!("/{name}")).await, 404);
}

#[tokio::test]
async fn fields_are_added_and_keep_their_type() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    engine.fill(&index, &[json!({ "a": "one" })]).await;
    let path = format!("/{index}/_mapping");
    engine.put(&path, json!({ "properties": { "n": { "type": "long" }, "t": { "type": "text" } } })).await.ok();
    let mapping = engine.get(&path).await.ok();
    let expected = json!({ "a": { "type": "keyword" }, "n": { "type": "long" }, "t": { "type": "text" } });
    assert_eq!(mapping[&index]["mappings"]["properties"], expected);

    let lines = [json!({ "index": { "_index": index, "_id": "2" } }), json!({ "a": "two", "n": 7, "t": "Hello" })];
    assert_eq!(engine.bulk("/_bulk?refresh=true", &lines).await.ok()["errors"], false);
    assert_eq!(engine.found(&index, json!({ "term": { "n": 7 } })).await, ["2"]);
    assert_eq!(engine.found(&index, json!({ "match": { "t": "hello" } })).await, ["2"]);
    assert_eq!(
        engine.found(&index, json!({ "terms": { "a": ["one", "two"] } })).await,
        ["1", "2"],
        "what was there stays"
    );

    let refused = engine.put(&path, json!({ "properties": { "a": { "type": "long" } } })).await;
    refused.fails(400, "illegal_argument_exception", "cannot be changed from type [keyword] to [long]");
    engine.get("/contract-nowhere/_mapping").await.fails(
        404,
        "index_not_found_exception",
        "no such index [contract-nowhere]",
    );
}

#[tokio::test]
async fn the_engine_tells_about_itself() {
    let engine = Engine::start().await;
    let root = engine.get("/").await.ok();
    assert!(root["version"]["number"].as_str().unwrap().starts_with("2."), "{root}");
    assert_eq!(root["version"]["distribution"], "opensearch");
    let health = engine.get("/_cluster/health").await.ok();
    assert!(["green", "yellow"].contains(&health["status"].as_str().unwrap()), "{health}");

    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    engine.fill(&index, &[json!({ "a": "1" }), json!({ "a": "2" })]).await;
    let rows = engine.get(&format!("/_cat/indices/{index}?format=json")).await.ok();
    assert_eq!((&rows[0]["index"], &rows[0]["docs.count"], &rows[0]["pri"]), (&json!(index), &json!("2"), &json!("1")));
    let all = engine.get("/_cat/indices?format=json").await.ok();
    assert!(all.as_array().unwrap().iter().any(|row| row["index"] == json!(index)), "{all}");
}
