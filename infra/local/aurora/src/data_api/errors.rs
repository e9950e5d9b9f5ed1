//! The service's errors, as its clients see them.
//!
//! Names and statuses are those of the service model; the wording was collected from reports of what Aurora Serverless
//! v2 answers. `ValidationException` is not in the model: clients see it as an unhandled error with that code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use uuid::Uuid;

/// Everything that a call can fail with.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataApiError {
    /// A request that AWS's front door turns away.
    #[error("{0}")]
    Validation(String),
    /// A body that is not the operation's.
    #[error("{0}")]
    Serialization(String),
    /// A request above 4 MiB.
    #[error("The request exceeds the size limit of {0} bytes")]
    RequestTooLarge(usize),
    /// A request that the Data API itself turns away.
    #[error("{0}")]
    BadRequest(String),
    /// No cluster of the stack has this ARN.
    #[error("HttpEndpoint is not enabled for resource {0}")]
    HttpEndpointNotEnabled(String),
    /// The secret is not the cluster's.
    #[error("Secrets Manager can't find the specified secret.")]
    SecretNotFound,
    /// PostgreSQL refused, or a limit of the result was passed.
    #[error("{0}")]
    Database(String),
    /// A result of a type that the Data API does not carry.
    #[error("The result contains the unsupported data type {0}")]
    UnsupportedResult(String),
    /// 45 seconds were not enough.
    #[error("Request timed out")]
    StatementTimeout,
    /// A transaction that never was, or is no more.
    #[error("Transaction {id} is not found. {cause}")]
    TransactionNotFound { id: String, cause: &'static str },
    /// No connection became free, or the local cloud is stopping.
    #[error("The service specified by the resourceArn parameter isn't available.")]
    ServiceUnavailable,
    /// PostgreSQL cannot be reached.
    #[error("The database cluster cannot be reached: {0}")]
    DatabaseUnavailable(String),
    /// No operation of the service.
    #[error("The operation {0} is not one of the RDS Data API")]
    UnknownOperation(String),
    /// A defect of this endpoint.
    #[error("An internal error occurred.")]
    Internal,
}

impl DataApiError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation(_) => (StatusCode::BAD_REQUEST, "ValidationException"),
            Self::Serialization(_) => (StatusCode::BAD_REQUEST, "SerializationException"),
            Self::RequestTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequestException"),
            Self::HttpEndpointNotEnabled(_) => (StatusCode::BAD_REQUEST, "HttpEndpointNotEnabledException"),
            Self::SecretNotFound => (StatusCode::BAD_REQUEST, "SecretsErrorException"),
            Self::Database(_) => (StatusCode::BAD_REQUEST, "DatabaseErrorException"),
            Self::UnsupportedResult(_) => (StatusCode::BAD_REQUEST, "UnsupportedResultException"),
            Self::StatementTimeout => (StatusCode::BAD_REQUEST, "StatementTimeoutException"),
            Self::TransactionNotFound { .. } => (StatusCode::NOT_FOUND, "TransactionNotFoundException"),
            Self::ServiceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableError"),
            Self::DatabaseUnavailable(_) => (StatusCode::GATEWAY_TIMEOUT, "DatabaseUnavailableException"),
            Self::UnknownOperation(_) => (StatusCode::NOT_FOUND, "UnknownOperationException"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException"),
        }
    }
}

impl IntoResponse for DataApiError {
    fn into_response(self) -> Response {
        let (status, name) = self.code();
        let message = self.to_string();
        if status.is_server_error() {
            tracing::error!(name, message, "Data API");
        } else {
            tracing::debug!(name, message, "Data API");
        }
        let mut response = (status, Json(json!({ "message": message }))).into_response();
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
        if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
            headers.insert("x-amzn-requestid", id);
        }
        response
    }
}

impl From<tokio_postgres::Error> for DataApiError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) if is_multistatement(refusal) => {
                Self::Validation("Multistatements aren't supported.".to_owned())
            }
            Some(refusal) => Self::Database(wording(refusal)),
            None if error.is_closed() => Self::DatabaseUnavailable(error.to_string()),
            None if is_io(&error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "PostgreSQL");
                Self::DatabaseUnavailable(error.to_string())
            }
            // A request that cannot be put into PostgreSQL's protocol: the cluster is well.
            None => Self::BadRequest(format!(
                "{error}: {}",
                std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
            )),
        }
    }
}

/// Returns true for a failure of the connection.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| {
        source.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() != std::io::ErrorKind::InvalidInput)
    })
}

/// PostgreSQL itself finds a second statement: only its parser knows every place where a semicolon may stand.
fn is_multistatement(refusal: &DbError) -> bool {
    *refusal.code() == SqlState::SYNTAX_ERROR
        && refusal.message() == "cannot insert multiple commands into a prepared statement"
}

/// `ERROR: …; Hint: …; Position: 54; SQLState: 42883`. Aurora Serverless v2 leaves PostgreSQL's detail out, unlike v1.
fn wording(refusal: &DbError) -> String {
    let mut text = format!("{}: {}", refusal.severity(), refusal.message());
    if let Some(hint) = refusal.hint() {
        text.push_str("; Hint: ");
        text.push_str(hint);
    }
    if let Some(ErrorPosition::Original(position)) = refusal.position() {
        text.push_str("; Position: ");
        text.push_str(&position.to_string());
    }
    text.push_str("; SQLState: ");
    text.push_str(refusal.code().code());
    text
}
