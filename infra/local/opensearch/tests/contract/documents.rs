//! Bulk requests and reads of documents: an answer for each item.

use serde_json::{Value, json};

use crate::harness::Engine;

#[tokio::test]
async fn each_item_has_an_answer_of_its_own() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" }, "n": { "type": "long" } })).await;
    let lines = [
        json!({ "index": { "_index": index, "_id": "1" } }),
        json!({ "a": "one" }),
        json!({ "index": { "_index": index, "_id": "2" } }),
        json!({ "n": "no number" }),
        json!({ "index": { "_index": index, "_id": "3" } }),
        json!({ "unmapped": 1 }),
        json!({ "create": { "_index": index, "_id": "1" } }),
        json!({ "a": "again" }),
        json!({ "delete": { "_index": index, "_id": "never" } }),
        json!({ "index": { "_index": index, "_id": "1" } }),
        json!({ "a": "two" }),
        json!({ "delete": { "_index": index, "_id": "1" } }),
    ];
    let answer = engine.bulk("/_bulk", &lines).await.ok();
    assert_eq!(answer["errors"], true);
    assert!(answer["took"].is_u64());
    let items = answer["items"].as_array().unwrap();
    let of = |number: usize, action: &str| items[number][action].clone();
    let status = |number: usize, action: &str| of(number, action)["status"].as_u64().unwrap();
    let created = of(0, "index");
    assert_eq!((created["status"].as_u64(), created["result"].as_str()), (Some(201), Some("created")));
    assert_eq!((&created["_index"], &created["_id"], &created["_version"]), (&json!(index), &json!("1"), &json!(1)));
    assert_eq!(created["_shards"]["failed"], 0);
    assert!(created["_seq_no"].is_u64() && created["_primary_term"].is_u64(), "{created}");

    assert_eq!((status(1, "index"), &of(1, "index")["error"]["type"]), (400, &json!("mapper_parsing_exception")));
    let reason = of(1, "index")["error"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("failed to parse field [n] of type [long] in document with id '2'"), "{reason}");
    assert_eq!(
        (status(2, "index"), &of(2, "index")["error"]["type"]),
        (400, &json!("strict_dynamic_mapping_exception"))
    );
    let reason = of(2, "index")["error"]["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("mapping set to strict, dynamic introduction of [unmapped] within [_doc] is not allowed"),
        "{reason}"
    );
    assert_eq!(
        (status(3, "create"), &of(3, "create")["error"]["type"]),
        (409, &json!("version_conflict_engine_exception"))
    );
    assert_eq!((status(4, "delete"), &of(4, "delete")["result"]), (404, &json!("not_found")));
    assert_eq!((status(5, "index"), &of(5, "index")["result"]), (200, &json!("updated")));
    assert_eq!(of(5, "index")["_version"], 2);
    assert_eq!(
        (status(6, "delete"), &of(6, "delete")["result"], &of(6, "delete")["_version"]),
        (200, &json!("deleted"), &json!(3))
    );
}

#[tokio::test]
async fn a_deletion_of_nothing_is_no_error() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    let answer = engine.bulk(&format!("/{index}/_bulk"), &[json!({ "delete": { "_id": "never" } })]).await.ok();
    assert_eq!((&answer["errors"], &answer["items"][0]["delete"]["status"]), (&json!(false), &json!(404)));
}

#[tokio::test]
async fn an_index_that_is_missing_fails_its_items_alone() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    let missing = engine.name();
    let lines = [
        json!({ "delete": { "_index": missing, "_id": "1" } }),
        json!({ "index": { "_index": index, "_id": "1" } }),
        json!({ "a": "x" }),
    ];
    let answer = engine.bulk("/_bulk", &lines).await.ok();
    assert_eq!(answer["items"][0]["delete"]["status"], 404, "{answer}");
    assert_eq!(answer["items"][0]["delete"]["error"]["type"], "index_not_found_exception");
    assert_eq!(answer["items"][1]["index"]["status"], 201);
}

#[tokio::test]
async fn malformed_requests_are_refused_whole() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    let path = format!("/{index}/_bulk");
    let send = |body: &'static str| engine.raw(&path, "application/x-ndjson", body);
    let refused = send("{\"index\":{\"_id\":\"1\"}}\n{\"a\":\"x\"}").await;
    refused.fails(400, "illegal_argument_exception", "The bulk request must be terminated by a newline");
    let refused = send("{\"upsert\":{\"_id\":\"1\"}}\n{\"a\":\"x\"}\n").await;
    refused.fails(400, "illegal_argument_exception", "Malformed action/metadata line [1]");
    let refused = send("{\"index\":{\"_id\":\"1\",\"unheard_of\":1}}\n{\"a\":\"x\"}\n").await;
    refused.fails(
        400,
        "illegal_argument_exception",
        "Action/metadata line [1] contains an unknown parameter [unheard_of]",
    );
    let refused = engine.bulk("/_bulk", &[json!({ "index": { "_id": "1" } }), json!({ "a": "x" })]).await;
    refused.fails(400, "action_request_validation_exception", "index is missing");
    let refused = engine.raw(&path, "text/plain", "{}\n").await;
    assert_eq!(refused.status, 406, "{}", refused.body);
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.status, 404, "nothing was written");
}

#[tokio::test]
async fn a_document_is_read_before_it_is_searchable() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" }, "n": { "type": "long" } })).await;
    let source = json!({ "n": 1, "a": ["z", "b"] });
    let lines = [json!({ "index": { "_index": index, "_id": "a#1/ü" } }), source.clone()];
    engine.bulk("/_bulk", &lines).await.ok();
    let path = format!("/{index}/_doc/a%231%2F%C3%BC");
    for searchable in [false, true] {
        let found = engine.get(&path).await.ok();
        assert_eq!((&found["_id"], &found["found"]), (&json!("a#1/ü"), &json!(true)), "searchable: {searchable}");
        assert_eq!((&found["_version"], &found["_source"]), (&json!(1), &source), "searchable: {searchable}");
        engine.post(&format!("/{index}/_refresh"), Value::Null).await.ok();
    }
    assert_eq!(engine.get(&format!("{path}?_source=n")).await.ok()["_source"], json!({ "n": 1 }));
    let missing = engine.get(&format!("/{index}/_doc/other")).await;
    assert_eq!((missing.status, missing.body), (404, json!({ "_index": index, "_id": "other", "found": false })));
    engine.get("/contract-nowhere/_doc/1").await.fails(
        404,
        "index_not_found_exception",
        "no such index [contract-nowhere]",
    );
}

#[tokio::test]
async fn a_replaced_document_is_found_by_its_newest_values_only() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "t": { "type": "text", "analyzer": "whitespace" } })).await;
    engine.fill(&index, &[json!({ "t": "old words" })]).await;
    engine.fill(&index, &[json!({ "t": "new words" })]).await;
    assert_eq!(engine.found(&index, json!({ "match": { "t": "old" } })).await, [""; 0]);
    assert_eq!(engine.found(&index, json!({ "match": { "t": "words" } })).await, ["1"]);
    engine.bulk("/_bulk?refresh=true", &[json!({ "delete": { "_index": index, "_id": "1" } })]).await.ok();
    assert_eq!(engine.found(&index, json!({ "match_all": {} })).await, [""; 0]);
    assert_eq!(engine.get(&format!("/{index}/_count")).await.ok()["count"], 0);
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.status, 404);
}

#[tokio::test]
async fn an_id_is_made_where_none_is_given() {
    let engine = Engine::start().await;
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    let lines = [json!({ "index": {} }), json!({ "a": "x" }), json!({ "index": {} }), json!({ "a": "x" })];
    let answer = engine.bulk(&format!("/{index}/_bulk?refresh=true"), &lines).await.ok();
    assert_ne!(answer["items"][0]["index"]["_id"], answer["items"][1]["index"]["_id"]);
    assert_eq!(engine.get(&format!("/{index}/_count")).await.ok()["count"], 2);
}
