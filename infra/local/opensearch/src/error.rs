//! Errors in OpenSearch's words: a type, a reason and a status, in its JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An error of a request, or of one item of a bulk request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}: {reason}")]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) reason: String,
    /// Further keys, such as the index that an error is about.
    details: Map<String, Value>,
    cause: Option<Box<ApiError>>,
    /// The index in which a search failed.
    searched: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), details: Map::new(), cause: None, searched: None }
    }

    fn bad(kind: &'static str, reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, reason)
    }

    pub(crate) fn illegal_argument(reason: impl Into<String>) -> Self {
        Self::bad("illegal_argument_exception", reason)
    }

    /// A part of OpenSearch that this engine lacks.
    pub(crate) fn not_emulated(part: impl std::fmt::Display) -> Self {
        Self::illegal_argument(format!("{part} is not emulated"))
    }

    /// A request that OpenSearch Serverless does not know, and answers with 404.
    pub(crate) fn not_of_collections(method: &axum::http::Method, path: &str) -> Self {
        let reason = format!("OpenSearch Serverless has no [{method}] [/{path}]");
        Self::new(StatusCode::NOT_FOUND, "status_exception", reason)
    }

    /// A value of a parameter that OpenSearch Serverless does not take.
    pub(crate) fn status(reason: impl Into<String>) -> Self {
        Self::bad("status_exception", reason)
    }

    pub(crate) fn parsing(reason: impl Into<String>) -> Self {
        Self::bad("parsing_exception", reason)
    }

    pub(crate) fn parse(reason: impl Into<String>) -> Self {
        Self::bad("parse_exception", reason)
    }

    pub(crate) fn content(reason: impl Into<String>) -> Self {
        Self::bad("x_content_parse_exception", reason)
    }

    pub(crate) fn mapper(reason: impl Into<String>) -> Self {
        Self::bad("mapper_parsing_exception", reason)
    }

    pub(crate) fn strict_mapping(reason: impl Into<String>) -> Self {
        Self::bad("strict_dynamic_mapping_exception", reason)
    }

    pub(crate) fn validation(reason: impl std::fmt::Display) -> Self {
        Self::bad("action_request_validation_exception", format!("Validation Failed: 1: {reason};"))
    }

    pub(crate) fn invalid_name(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::bad("invalid_index_name_exception", format!("Invalid index name [{name}], {reason}")).about(name)
    }

    pub(crate) fn no_such_index(name: &str) -> Self {
        let error = Self::new(StatusCode::NOT_FOUND, "index_not_found_exception", format!("no such index [{name}]"));
        error.with("resource.type", "index_or_alias").with("resource.id", name).about(name)
    }

    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "version_conflict_engine_exception", reason)
    }

    pub(crate) fn query_shard(reason: impl Into<String>) -> Self {
        Self::bad("query_shard_exception", reason)
    }

    /// A query that is well-formed but cannot be made for its field.
    pub(crate) fn failed_query(cause: Self) -> Self {
        Self::query_shard(format!("failed to create query: {}", cause.reason)).caused_by(cause)
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "exception", error.to_string())
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Gives the error another reason.
    #[must_use]
    pub(crate) fn worded(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    /// Names the index that the error is about.
    #[must_use]
    pub(crate) fn about(self, index: &str) -> Self {
        self.with("index", index)
    }

    #[must_use]
    pub(crate) fn caused_by(self, cause: Self) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }

    /// Marks an error that a search met in an index.
    #[must_use]
    pub(crate) fn in_search_of(self, index: &str) -> Self {
        Self { searched: Some(index.to_owned()), ..self }
    }

    /// Returns the error without its causes.
    fn root(&self) -> Value {
        let mut root = json!({ "type": self.kind, "reason": self.reason });
        for (key, value) in &self.details {
            root[key] = value.clone();
        }
        root
    }

    fn described(&self) -> Value {
        let mut described = self.root();
        if let Some(cause) = &self.cause {
            described["caused_by"] = cause.described();
        }
        described
    }

    /// Returns the value of `error` in an item of a bulk response.
    pub(crate) fn item(&self) -> Value {
        self.described()
    }

    fn body(&self) -> Value {
        let error = match &self.searched {
            None => {
                let mut error = self.described();
                error["root_cause"] = json!([self.root()]);
                error
            }
            Some(index) => json!({
                "root_cause": [self.root()],
                "type": "search_phase_execution_exception",
                "reason": "all shards failed",
                "phase": "query",
                "grouped": true,
                "failed_shards": [{ "shard": 0, "index": index, "node": crate::NODE, "reason": self.described() }],
                "caused_by": { "type": self.kind, "reason": self.reason, "caused_by": self.described() },
            }),
        };
        json!({ "error": error, "status": self.status.as_u16() })
    }
}

impl From<tantivy::TantivyError> for ApiError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::internal(error)
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(error = self.kind, reason = self.reason, "a request failed");
        }
        (self.status, Json(self.body())).into_response()
    }
}

/// The number of shards that took part in a request.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Shards {
    total: usize,
    successful: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<usize>,
    failed: usize,
}

impl Shards {
    /// All of so many indices, each of one shard.
    pub(crate) fn searched(indices: usize) -> Self {
        Self { total: indices, successful: indices, skipped: Some(0), failed: 0 }
    }

    /// All of so many indices, where primaries answer for their replicas.
    pub(crate) fn written(indices: usize) -> Self {
        Self { total: indices, successful: indices, skipped: None, failed: 0 }
    }
}
