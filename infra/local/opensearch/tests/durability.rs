//! Accepted writes are there after the process was killed.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local_opensearch::OpenSearch;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const FOLDER: &str = "OPENSEARCH_TEST_FOLDER";

/// Serves a folder, and writes the URL beside it.
async fn serve(folder: &Path) {
    let engine = OpenSearch::open(Some(&folder.join("data"))).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let partial = folder.join("partial");
    std::fs::write(&partial, format!("http://{}", listener.local_addr().unwrap())).unwrap();
    std::fs::rename(partial, folder.join("url")).unwrap();
    engine.serve(listener, CancellationToken::new()).await.unwrap();
}

/// The process that is killed: this test's own binary, which runs this function alone.
#[tokio::test]
async fn serve_until_killed() {
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        serve(&folder).await;
    }
}

/// An engine in a process of its own.
struct Process {
    child: Child,
    url: String,
    http: Client,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let _ = std::fs::remove_file(folder.join("url"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serve_until_killed", "--test-threads", "1"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = loop {
            assert!(child.try_wait().unwrap().is_none(), "the engine ended");
            match std::fs::read_to_string(folder.join("url")) {
                Ok(url) => break url,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { child, url, http: Client::new() }
    }

    fn kill(mut self) {
        // SIGKILL.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn bulk(&self, lines: &[Value]) -> Value {
        let body = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n";
        let request = self.http.post(format!("{}/_bulk", self.url)).header("content-type", "application/x-ndjson");
        request.body(body).send().await.unwrap().json().await.unwrap()
    }

    /// Writes a document with a version, or deletes it, and returns the status.
    async fn write(&self, index: &str, id: &str, version: i64, source: Option<Value>) -> u64 {
        let options = json!({ "_index": index, "_id": id, "version": version, "version_type": "external" });
        let lines = match source {
            Some(source) => vec![json!({ "index": options }), source],
            None => vec![json!({ "delete": options })],
        };
        let answer = self.bulk(&lines).await;
        let item = &answer["items"][0];
        item.get("index").or(item.get("delete")).unwrap()["status"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn accepted_writes_survive_a_kill_with_versions_and_deletions() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Process::start(folder.path()).await;
    let body = json!({
        "settings": { "refresh_interval": "-1" },
        "mappings": { "dynamic": "strict", "properties": { "a": { "type": "keyword" } } },
        "aliases": { "all": {} },
    });
    assert_eq!(engine.call(Method::PUT, "/first", Some(body)).await["acknowledged"], true);
    // One committed, one in the log alone.
    assert_eq!(engine.write("first", "1", 5, Some(json!({ "a": "one" }))).await, 201);
    assert_eq!(engine.write("first", "2", 3, Some(json!({ "a": "two" }))).await, 201);
    engine.call(Method::POST, "/first/_refresh", None).await;
    assert_eq!(engine.write("first", "2", 7, None).await, 200);
    assert_eq!(engine.write("first", "3", 9, Some(json!({ "a": "three" }))).await, 201);
    engine.kill();

    // Twice: what was repeated from the log is committed then.
    for start in 1..=2 {
        let engine = Process::start(folder.path()).await;
        let found = engine.call(Method::POST, "/all/_search", Some(json!({ "sort": ["a"] }))).await;
        let ids: Vec<_> = found["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["_id"].clone()).collect();
        assert_eq!(ids, ["1", "3"], "start {start}");
        for (id, version) in [("1", 5), ("2", 7), ("3", 9)] {
            assert_eq!(
                engine.write("first", id, version, Some(json!({ "a": "late" }))).await,
                409,
                "{id}, start {start}"
            );
        }
        engine.kill();
    }
}

#[tokio::test]
async fn indices_fields_and_aliases_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Process::start(folder.path()).await;
    let properties = |names: &[&str]| -> Value {
        let fields = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "keyword" })));
        json!({ "properties": Value::Object(fields.collect()) })
    };
    for index in ["kept", "deleted"] {
        engine.call(Method::PUT, &format!("/{index}"), Some(json!({ "mappings": properties(&["a"]) }))).await;
    }
    assert_eq!(engine.write("kept", "1", 5, Some(json!({ "a": "x" }))).await, 201);
    engine.call(Method::PUT, "/kept/_mapping", Some(properties(&["b"]))).await;
    assert_eq!(engine.write("kept", "2", 5, Some(json!({ "b": "x" }))).await, 201);
    engine.call(Method::DELETE, "/deleted", None).await;
    let add = json!({ "actions": [{ "add": { "index": "kept", "alias": "alias", "is_write_index": true } }] });
    engine.call(Method::POST, "/_aliases", Some(add)).await;
    engine.kill();

    let engine = Process::start(folder.path()).await;
    let described = engine.call(Method::GET, "/_cat/indices?format=json", None).await;
    assert_eq!(described.as_array().unwrap().len(), 1, "{described}");
    let mapping = engine.call(Method::GET, "/alias/_mapping", None).await;
    assert_eq!(mapping["kept"]["mappings"], properties(&["a", "b"]));
    let alias = engine.call(Method::GET, "/_alias/alias", None).await;
    assert_eq!(alias, json!({ "kept": { "aliases": { "alias": { "is_write_index": true } } } }));
    assert_eq!(engine.call(Method::GET, "/alias/_count", None).await["count"], 2);
    assert_eq!(engine.write("kept", "1", 5, Some(json!({ "a": "late" }))).await, 409);
    engine.kill();
}

#[tokio::test]
async fn a_kill_within_a_stream_of_writes_loses_none_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Process::start(folder.path()).await;
    let body = json!({ "settings": { "refresh_interval": "10ms" }, "mappings": { "properties": { "n": { "type": "long" } } } });
    engine.call(Method::PUT, "/stream", Some(body)).await;
    let answered = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let (url, http, counted) = (engine.url.clone(), engine.http.clone(), answered.clone());
    let writes = tokio::spawn(async move {
        for number in 0_i64.. {
            let body = format!(
                "{}\n{}\n",
                json!({ "index": { "_index": "stream", "_id": number.to_string() } }),
                json!({ "n": number })
            );
            let request = http.post(format!("{url}/_bulk")).header("content-type", "application/x-ndjson").body(body);
            let Ok(answer) = request.send().await else { return };
            let Ok(answer) = answer.json::<Value>().await else { return };
            assert_eq!(answer["errors"], false, "{answer}");
            counted.store(number + 1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    while answered.load(std::sync::atomic::Ordering::SeqCst) < 300 {
        assert!(!writes.is_finished(), "the writes ended");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine.kill();
    writes.await.unwrap();
    let engine = Process::start(folder.path()).await;
    let answered = answered.load(std::sync::atomic::Ordering::SeqCst);
    let range = json!({ "query": { "range": { "n": { "lt": answered } } } });
    assert_eq!(engine.call(Method::POST, "/stream/_count", Some(range)).await["count"], answered);
    engine.kill();
}
