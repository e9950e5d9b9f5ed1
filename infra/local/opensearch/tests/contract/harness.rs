//! An engine to test, and indices that are removed when a test ends.

use std::net::Ipv4Addr;
use std::time::Duration;

use local_opensearch::OpenSearch;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A client of an engine.
#[derive(Clone)]
struct Connection {
    http: Client,
    url: String,
    login: Option<(String, String)>,
}

/// An engine, and the indices that a test has made.
pub(crate) struct Engine {
    connection: Connection,
    indices: std::sync::Mutex<Vec<String>>,
    /// `None` where another program is the engine.
    local: Option<(DropGuard, TempDir)>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// Returns the type of the error, or of the first of its root causes.
    pub(crate) fn error(&self) -> &str {
        let error = &self.body["error"];
        error["root_cause"][0]["type"].as_str().or(error["type"].as_str()).unwrap_or_default()
    }

    /// Checks status, type and a part of the reason of an error.
    #[track_caller]
    pub(crate) fn fails(&self, status: u16, kind: &str, reason: &str) {
        assert_eq!((self.status, self.error()), (status, kind), "{}", self.body);
        assert!(self.body.to_string().contains(reason), "{} has no `{reason}`", self.body);
        assert_eq!(self.body["status"], status, "{}", self.body);
    }

    /// Returns the ids of the hits in their order.
    #[track_caller]
    pub(crate) fn ids(self) -> Vec<String> {
        let body = self.ok();
        let hits = body["hits"]["hits"].as_array().expect("hits");
        hits.iter().map(|hit| hit["_id"].as_str().expect("an id").to_owned()).collect()
    }
}

impl Connection {
    async fn send(&self, method: Method, path: &str, content_type: &str, body: Option<String>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).timeout(TIMEOUT);
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        // `HEAD` has none.
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }
}

impl Engine {
    /// Starts an engine, or connects to the one of the environment.
    pub(crate) async fn start() -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let insecure = variable("OPENSEARCH_INSECURE").is_some_and(|value| value == "1");
        let http = Client::builder().danger_accept_invalid_certs(insecure).build().expect("a client");
        let login = variable("OPENSEARCH_USER").zip(variable("OPENSEARCH_PASSWORD"));
        let (url, local) = if let Some(url) = variable("OPENSEARCH_URL") {
            (url.trim_end_matches('/').to_owned(), None)
        } else {
            Self::serve(|engine| engine).await
        };
        Self { connection: Connection { http, url, login }, indices: std::sync::Mutex::default(), local }
    }

    /// Starts an engine as a collection; `None` where another program is the engine.
    pub(crate) async fn of_collection() -> Option<Self> {
        let engine = Self::start().await;
        engine.local.as_ref()?;
        let (url, local) = Self::serve(OpenSearch::as_collection).await;
        let connection = Connection { url, ..engine.connection.clone() };
        Some(Self { connection, indices: std::sync::Mutex::default(), local })
    }

    /// Serves an engine of this process.
    async fn serve(change: fn(OpenSearch) -> OpenSearch) -> (String, Option<(DropGuard, TempDir)>) {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = change(OpenSearch::open(Some(folder.path())).expect("an engine"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shutdown = CancellationToken::new();
        tokio::spawn(engine.serve(listener, shutdown.clone()));
        (url, Some((shutdown.drop_guard(), folder)))
    }

    /// Returns a name that no other index or alias has. An index that gets it is removed in the end.
    pub(crate) fn name(&self) -> String {
        let name = format!("contract-{}", uuid::Uuid::new_v4().simple());
        self.indices.lock().expect("no panic").push(name.clone());
        name
    }

    /// Makes an index with these fields and no others, which is refreshed on request alone.
    pub(crate) async fn index(&self, properties: Value) -> String {
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1" });
        let mappings = json!({ "dynamic": "strict", "properties": properties });
        let name = self.name();
        self.put(&format!("/{name}"), json!({ "settings": settings, "mappings": mappings })).await.ok();
        name
    }

    /// Writes documents, whose ids count from 1, and makes them searchable.
    pub(crate) async fn fill(&self, index: &str, documents: &[Value]) {
        let lines = (1..).zip(documents).flat_map(|(id, document)| {
            [json!({ "index": { "_index": index, "_id": id.to_string() } }), document.clone()]
        });
        let lines: Vec<Value> = lines.collect();
        let answer = self.bulk("/_bulk?refresh=true", &lines).await.ok();
        assert_eq!(answer["errors"], false, "{answer}");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn head(&self, path: &str) -> u16 {
        self.call(Method::HEAD, path, None).await.status
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.connection.send(method, path, "application/json", body.map(|body| body.to_string())).await
    }

    /// Sends a body that need not be JSON.
    pub(crate) async fn raw(&self, path: &str, content_type: &str, body: &str) -> Answer {
        self.connection.send(Method::POST, path, content_type, Some(body.to_owned())).await
    }

    /// Sends lines of JSON.
    pub(crate) async fn bulk(&self, path: &str, lines: &[Value]) -> Answer {
        let body = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n";
        self.raw(path, "application/x-ndjson", &body).await
    }

    pub(crate) async fn search(&self, index: &str, body: Value) -> Answer {
        self.post(&format!("/{index}/_search"), body).await
    }

    /// Returns the ids that a query finds, sorted.
    pub(crate) async fn found(&self, index: &str, query: Value) -> Vec<String> {
        let mut ids = self.search(index, json!({ "query": query, "size": 1000 })).await.ids();
        ids.sort_by_key(|id| (id.len(), id.clone()));
        ids
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let indices = std::mem::take(&mut *self.indices.lock().expect("no panic"));
        if self.local.is_some() {
            return;
        }
        let connection = self.connection.clone();
        // In a thread of its own: this one is within a runtime.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                for index in indices {
                    connection.send(Method::DELETE, &format!("/{index}"), "", None).await;
                }
            });
        });
        // A failure was printed by its thread.
        let _ = removed.join();
    }
}
