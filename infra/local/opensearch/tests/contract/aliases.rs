//! Aliases: further names, which change together.

use serde_json::{Value, json};

use crate::harness::Engine;

async fn two_indices(engine: &Engine) -> (String, String, String) {
    let fields = json!({ "a": { "type": "keyword" } });
    (engine.index(fields.clone()).await, engine.index(fields).await, engine.name())
}

#[tokio::test]
async fn an_alias_stands_for_an_index_everywhere() {
    let engine = Engine::start().await;
    let (index, _, alias) = two_indices(&engine).await;
    let add = json!({ "actions": [{ "add": { "index": index, "alias": alias } }] });
    assert_eq!(engine.post("/_aliases", add).await.ok(), json!({ "acknowledged": true }));
    assert_eq!(engine.head(&format!("/_alias/{alias}")).await, 200);
    assert_eq!(engine.get(&format!("/_alias/{alias}")).await.ok(), json!({ &index: { "aliases": { &alias: {} } } }));

    let lines = [json!({ "index": { "_id": "1" } }), json!({ "a": "x" })];
    let written = engine.bulk(&format!("/{alias}/_bulk?refresh=true"), &lines).await.ok();
    assert_eq!(written["items"][0]["index"]["_index"], json!(index), "answers have the index itself");
    let answer = engine.search(&alias, json!({ "query": { "term": { "a": "x" } } })).await.ok();
    assert_eq!(answer["hits"]["hits"][0]["_index"], json!(index));
    assert_eq!(engine.get(&format!("/{alias}/_doc/1")).await.ok()["_index"], json!(index));
    assert_eq!(engine.get(&format!("/{alias}/_count")).await.ok()["count"], 1);
    assert!(engine.get(&format!("/{alias}/_mapping")).await.ok().get(&index).is_some());
    engine.post(&format!("/{alias}/_refresh"), Value::Null).await.ok();
    engine.delete(&format!("/{alias}")).await.fails(400, "illegal_argument_exception", "matches an alias");
    let refused = engine.put(&format!("/{alias}"), json!({})).await;
    refused.fails(400, "invalid_index_name_exception", "already exists as alias");
}

#[tokio::test]
async fn actions_are_carried_out_together_or_not_at_all() {
    let engine = Engine::start().await;
    let (first, second, alias) = two_indices(&engine).await;
    engine.post("/_aliases", json!({ "actions": [{ "add": { "index": first, "alias": alias } }] })).await.ok();
    let swap = json!({ "actions": [
        { "remove": { "index": first, "alias": alias } },
        { "add": { "index": second, "alias": alias } },
    ] });
    engine.post("/_aliases", swap).await.ok();
    assert_eq!(engine.get(&format!("/_alias/{alias}")).await.ok(), json!({ &second: { "aliases": { &alias: {} } } }));

    let broken = json!({ "actions": [
        { "remove": { "index": second, "alias": alias } },
        { "add": { "index": "contract-nowhere", "alias": alias } },
    ] });
    engine.post("/_aliases", broken).await.fails(404, "index_not_found_exception", "no such index [contract-nowhere]");
    assert_eq!(engine.head(&format!("/_alias/{alias}")).await, 200, "nothing was removed");
    let missing = json!({ "actions": [{ "remove": { "index": first, "alias": alias } }] });
    engine.post("/_aliases", missing).await.fails(404, "aliases_not_found_exception", "missing");
}

#[tokio::test]
async fn an_alias_of_two_indices_is_searched_whole_and_written_to_one() {
    let engine = Engine::start().await;
    let (first, second, alias) = two_indices(&engine).await;
    engine.fill(&first, &[json!({ "a": "x" })]).await;
    let both = json!({ "actions": [
        { "add": { "index": first, "alias": alias } },
        { "add": { "index": second, "alias": alias } },
    ] });
    engine.post("/_aliases", both).await.ok();
    let lines = [json!({ "index": { "_id": "2" } }), json!({ "a": "x" })];
    let refused = engine.bulk(&format!("/{alias}/_bulk"), &lines).await.ok();
    assert_eq!(refused["items"][0]["index"]["status"], 400);
    let error = &refused["items"][0]["index"]["error"];
    assert_eq!(error["type"], "illegal_argument_exception");
    assert!(
        error["reason"].as_str().unwrap().starts_with(&format!("no write index is defined for alias [{alias}]")),
        "{error}"
    );

    let writer = json!({ "actions": [{ "add": { "index": second, "alias": alias, "is_write_index": true } }] });
    engine.post("/_aliases", writer).await.ok();
    let described = engine.get(&format!("/_alias/{alias}")).await.ok();
    assert_eq!(described[&second]["aliases"][&alias], json!({ "is_write_index": true }));
    let written = engine.bulk(&format!("/{alias}/_bulk?refresh=true"), &lines).await.ok();
    assert_eq!(written["items"][0]["index"]["_index"], json!(second));
    assert_eq!(engine.found(&alias, json!({ "term": { "a": "x" } })).await, ["1", "2"]);
    let answer = engine.search(&alias, json!({})).await.ok();
    assert_eq!(answer["_shards"]["total"], 2);
    let refused = engine.get(&format!("/{alias}/_doc/1")).await;
    refused.fails(400, "illegal_argument_exception", "has more than one index associated with it");
}

#[tokio::test]
async fn an_unknown_alias_is_missing() {
    let engine = Engine::start().await;
    let alias = engine.name();
    let answer = engine.get(&format!("/_alias/{alias}")).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!(format!("alias [{alias}] missing"))));
    assert_eq!(engine.head(&format!("/_alias/{alias}")).await, 404);
    let lines = [json!({ "index": { "_index": alias, "_id": "1" } }), json!({ "a": "x" })];
    let answer = engine.bulk("/_bulk?require_alias=true", &lines).await.ok();
    assert_eq!(answer["items"][0]["index"]["status"], 404);
    assert_eq!(answer["items"][0]["index"]["error"]["type"], "index_not_found_exception");
}
