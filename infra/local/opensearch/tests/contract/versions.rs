//! External versions: late and repeated writes do no harm.

use serde_json::{Value, json};

use crate::harness::Engine;

async fn index(engine: &Engine) -> String {
    engine.index(json!({ "a": { "type": "keyword" } })).await
}

/// Writes one document with a version, or deletes it, and returns the item of the answer.
async fn write(engine: &Engine, index: &str, version: i64, kind: &str, value: Option<&str>) -> Value {
    let options = json!({ "_index": index, "_id": "1", "version": version, "version_type": kind });
    let lines = match value {
        Some(value) => vec![json!({ "index": options }), json!({ "a": value })],
        None => vec![json!({ "delete": options })],
    };
    let answer = engine.bulk("/_bulk", &lines).await.ok();
    let item = &answer["items"][0];
    item.get("index").or(item.get("delete")).expect("an action").clone()
}

async fn refresh(engine: &Engine, index: &str) {
    engine.post(&format!("/{index}/_refresh"), Value::Null).await.ok();
}

#[tokio::test]
async fn a_version_has_to_be_greater() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let first = write(&engine, &index, 5, "external", Some("five")).await;
    assert_eq!((&first["status"], &first["_version"]), (&json!(201), &json!(5)));
    for is_refreshed in [false, true] {
        for version in [4, 5] {
            let late = write(&engine, &index, version, "external", Some("late")).await;
            assert_eq!(late["status"], 409, "refreshed: {is_refreshed}");
            assert_eq!(late["error"]["type"], "version_conflict_engine_exception");
            let reason = format!(
                "[1]: version conflict, current version [5] is higher or equal to the one provided [{version}]"
            );
            assert_eq!(late["error"]["reason"], json!(reason));
            assert_eq!(late["error"]["index"], json!(index));
        }
        refresh(&engine, &index).await;
    }
    let next = write(&engine, &index, 9, "external", Some("nine")).await;
    assert_eq!((&next["status"], &next["_version"], &next["result"]), (&json!(200), &json!(9), &json!("updated")));
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.ok()["_version"], 9);
}

#[tokio::test]
async fn external_gte_admits_the_same_version_again() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    write(&engine, &index, 5, "external", Some("five")).await;
    let same = write(&engine, &index, 5, "external_gte", Some("again")).await;
    assert_eq!((&same["status"], &same["_version"]), (&json!(200), &json!(5)));
    let late = write(&engine, &index, 4, "external_gte", Some("late")).await;
    assert_eq!(late["status"], 409);
    let reason = "[1]: version conflict, current version [5] is higher than the one provided [4]";
    assert_eq!(late["error"]["reason"], reason);
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.ok()["_source"]["a"], "again");
}

#[tokio::test]
async fn a_deletion_keeps_its_version() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    write(&engine, &index, 5, "external", Some("five")).await;
    assert_eq!(write(&engine, &index, 4, "external", None).await["status"], 409);
    let deleted = write(&engine, &index, 7, "external", None).await;
    assert_eq!(
        (&deleted["status"], &deleted["result"], &deleted["_version"]),
        (&json!(200), &json!("deleted"), &json!(7))
    );
    for is_refreshed in [false, true] {
        let late = write(&engine, &index, 6, "external", Some("late")).await;
        assert_eq!(late["status"], 409, "refreshed: {is_refreshed}: {late}");
        refresh(&engine, &index).await;
    }
    assert_eq!(engine.get(&format!("/{index}/_doc/1")).await.status, 404);
    let back = write(&engine, &index, 8, "external", Some("back")).await;
    assert_eq!((&back["status"], &back["result"]), (&json!(201), &json!("created")));
}

#[tokio::test]
async fn a_deletion_before_its_document_wins() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let first = write(&engine, &index, 7, "external", None).await;
    assert_eq!((&first["status"], &first["result"], &first["_version"]), (&json!(404), &json!("not_found"), &json!(7)));
    assert_eq!(write(&engine, &index, 6, "external", Some("late")).await["status"], 409);
}

#[tokio::test]
async fn versions_without_their_type_are_refused() {
    let engine = Engine::start().await;
    let index = index(&engine).await;
    let options = json!({ "_index": index, "_id": "1", "version": 3 });
    let refused = engine.bulk("/_bulk", &[json!({ "index": options }), json!({ "a": "x" })]).await;
    refused.fails(
        400,
        "action_request_validation_exception",
        "internal versioning can not be used for optimistic concurrency control",
    );
    let options = json!({ "_index": index, "_id": "1", "version": 3, "version_type": "unheard_of" });
    let refused = engine.bulk("/_bulk", &[json!({ "index": options }), json!({ "a": "x" })]).await;
    refused.fails(400, "illegal_argument_exception", "No version type match [unheard_of]");
}
