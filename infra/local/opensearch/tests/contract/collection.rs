//! A collection of OpenSearch Serverless: what it takes, and what it refuses that a domain takes.

use serde_json::{Value, json};

use crate::harness::Engine;

#[tokio::test]
async fn a_collection_takes_ids_and_external_versions() {
    let Some(engine) = Engine::of_collection().await else { return };
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    let write = async |version: i64| {
        let options = json!({ "_id": "1", "version": version, "version_type": "external" });
        let answer = engine.bulk(&format!("/{index}/_bulk"), &[json!({ "index": options }), json!({ "a": "x" })]).await;
        answer.ok()["items"][0]["index"]["status"].clone()
    };
    assert_eq!((write(5).await, write(4).await, write(6).await), (json!(201), json!(409), json!(200)));
}

#[tokio::test]
async fn a_collection_has_no_cluster_and_no_refresh() {
    let Some(engine) = Engine::of_collection().await else { return };
    let index = engine.index(json!({ "a": { "type": "keyword" } })).await;
    for path in ["/", "/_cluster/health"] {
        assert_eq!(engine.get(path).await.status, 404, "{path}");
    }
    assert_eq!(engine.post(&format!("/{index}/_refresh"), Value::Null).await.status, 404);
    let lines = [json!({ "index": { "_id": "1" } }), json!({ "a": "x" })];
    for policy in ["true", "wait_for"] {
        let refused = engine.bulk(&format!("/{index}/_bulk?refresh={policy}"), &lines).await;
        refused.fails(400, "status_exception", &format!("{policy} refresh policy is not supported."));
    }
    engine.bulk(&format!("/{index}/_bulk?refresh=false"), &lines).await.ok();
}
