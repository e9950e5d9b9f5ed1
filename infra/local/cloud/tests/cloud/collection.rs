//! The collection of a template, as a client on this machine meets it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Running, application, client, meter};

/// One request to the collection, signed by the developer.
async fn request(cloud: &Running, method: Method, path: &str, body: &str) -> Value {
    let request = client().request(method, format!("{}{path}", cloud.url("/aws/opensearch")));
    let request = request.header("content-type", "application/json").body(body.to_owned());
    let response = local_testing::signed(request, "aoss").send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn documents_outlive_a_stop() {
    let application = application();
    let cloud = Running::start(application.path(), &[]).await;
    let unsigned = client().get(cloud.url("/aws/opensearch")).send().await.unwrap();
    assert_eq!(unsigned.status(), 403);
    let index = r#"{"mappings": {"properties": {"a": {"type": "keyword"}}}, "aliases": {"all": {}}}"#;
    request(&cloud, Method::PUT, "/notes", index).await;
    let lines = "{\"index\":{\"_index\":\"all\",\"_id\":\"1\"}}\n{\"a\":\"x\"}\n";
    assert_eq!(request(&cloud, Method::POST, "/_bulk", lines).await["errors"], false);
    let url = cloud.url("/aws/opensearch").to_owned();
    cloud.stop().await;

    let cloud = Running::start(application.path(), &[]).await;
    assert_eq!(cloud.url("/aws/opensearch"), url, "the port is that of the last run");
    let found = request(&cloud, Method::POST, "/all/_search", r#"{"query": {"term": {"a": "x"}}}"#).await;
    assert_eq!(found["hits"]["hits"][0]["_source"], json!({ "a": "x" }));
    let counts = &meter(&cloud).await["outside"]["opensearch"]["Search"];
    assert_eq!(counts["requests"], 1);
    cloud.stop().await;
}
