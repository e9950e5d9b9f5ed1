//! Errors below the domain.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::ApiError;
use sqlx_data_api::{DataApiError, DataApiFault};

/// A failure of a service, or inconsistent data. Expected outcomes are return values, not errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service refused for load, or did not answer in time: whether a write happened is then unknown, which is
    /// why every write can be repeated.
    #[error("{service} is busy or did not answer")]
    Busy {
        service: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The service refused for another reason.
    #[error("{service} failed")]
    Service {
        service: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("a SQL statement failed")]
    Sql(#[from] sqlx::Error),
    /// An item that this code did not write.
    #[error("an item cannot be read or written")]
    Item(#[from] serde_dynamo::Error),
    /// A document that this code did not write.
    #[error("a document cannot be read or written")]
    Json(#[from] serde_json::Error),
    /// Stored data contradicts itself.
    #[error("inconsistent data: {0}")]
    Inconsistent(String),
}

/// Retryable error codes of DynamoDB and SQS with a status of 4xx: those that the SDK classifies as throttling
/// (`aws_runtime::retries::classifiers::THROTTLING_ERRORS`), and conflicts. A transaction of reads is cancelled only for these
/// reasons.
const RETRYABLE_CODES: [&str; 9] = [
    "ThrottlingException",
    "Throttling",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "KmsThrottled",
    "TransactionConflictException",
    "TransactionCanceledException",
    "TransactionInProgressException",
];

impl StoreError {
    /// Classifies the error of an AWS client.
    pub(crate) fn aws<E>(service: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let busy = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(context) => {
                let failed_itself = context.raw().status().is_server_error();
                failed_itself || context.err().code().is_some_and(|code| RETRYABLE_CODES.contains(&code))
            }
            _ => false,
        };
        let source = Box::new(error);
        if busy { Self::Busy { service, source } } else { Self::Service { service, source } }
    }

    /// For `map_err` on builders of requests: a field that this code left out.
    pub fn building(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Service { service: "DynamoDB", source: Box::new(error) }
    }

    /// For `map_err` on DynamoDB calls.
    pub fn dynamodb<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        Self::aws("DynamoDB", error)
    }
}

/// Returns true if the database was paused, busy, unreachable or in conflict, or lost the transaction: the whole may be retried
/// from the beginning.
fn is_retryable(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) {
        return true;
    }
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<DataApiError>());
    error.is_some_and(|error| {
        error.is_retryable() || matches!(error.fault(), DataApiFault::Timeout | DataApiFault::TransactionNotFound)
    })
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => ApiError::busy(Duration::from_millis(500)).caused_by(error),
            StoreError::Sql(ref sql) if is_retryable(sql) => ApiError::busy(Duration::from_secs(2)).caused_by(error),
            _ => ApiError::internal(error),
        }
    }
}
