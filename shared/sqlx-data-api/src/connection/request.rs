//! The requests: each function makes one, repeated only while the cluster resumes.

use std::time::Duration;

use aws_sdk_rdsdata::config::retry::RetryConfig;
use aws_sdk_rdsdata::config::{Builder as ConfigBuilder, Config};
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::types::SqlParameter;
use futures_util::TryFutureExt;
use sqlx_core::error::Error;
use tokio::time::{Instant, sleep, timeout};

use super::DataApiConnection;
use crate::error::from_sdk;
use crate::{DataApiError, DataApiFault};

/// First pause before a request to a resuming cluster is repeated. Each next one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// Longest statement that the service takes, in characters.
pub(crate) const MAX_SQL_CHARS: usize = 65_536;

impl DataApiConnection {
    /// Runs one statement, in the transaction `transaction` or by itself.
    pub(crate) async fn execute_statement(
        &self,
        sql: String,
        parameters: Vec<SqlParameter>,
        transaction: Option<&str>,
    ) -> Result<ExecuteStatementOutput, Error> {
        let request = self
            .client
            .execute_statement()
            .resource_arn(&self.options.resource_arn)
            .secret_arn(&self.options.secret_arn)
            .set_database(self.options.database.clone())
            .set_transaction_id(transaction.map(str::to_owned))
            .include_result_metadata(true)
            .continue_after_timeout(self.options.continue_after_timeout || self.migrating)
            .set_parameters((!parameters.is_empty()).then_some(parameters))
            .sql(sql);
        // Boxed, as are the others: the SDK's futures nest almost as deeply as the compiler follows.
        Box::pin(self.when_awake(|| request.clone().customize().config_override(once()).send().map_err(from_sdk))).await
    }

    /// Opens a transaction and answers its id.
    pub(crate) async fn begin_transaction(&self) -> Result<String, Error> {
        let request = self
            .client
            .begin_transaction()
            .resource_arn(&self.options.resource_arn)
            .secret_arn(&self.options.secret_arn)
            .set_database(self.options.database.clone());
        let answer = Box::pin(self.when_awake(|| request.clone().send().map_err(from_sdk))).await?;
        answer.transaction_id.ok_or(Error::BeginFailed)
    }

    /// Commits, and makes sure that it was no rollback: PostgreSQL answers `COMMIT` of a failed transaction with one.
    pub(crate) async fn commit_transaction(&self, id: &str) -> Result<(), Error> {
        let request = self
            .client
            .commit_transaction()
            .resource_arn(&self.options.resource_arn)
            .secret_arn(&self.options.secret_arn)
            .transaction_id(id);
        let answer = Box::pin(request.customize().config_override(once()).send()).await.map_err(from_sdk)?;
        let status = answer.transaction_status.unwrap_or_default();
        if status.to_ascii_lowercase().contains("roll") {
            return Err(Error::Protocol(format!("the transaction was not committed: {status}")));
        }
        Ok(())
    }

    /// Rolls back, and waits for a statement that was cancelled by the client and continues on the server. A transaction that
    /// the service does not have is as good as rolled back.
    pub(crate) async fn rollback_transaction(&self, id: &str) -> Result<(), Error> {
        let request = self
            .client
            .rollback_transaction()
            .resource_arn(&self.options.resource_arn)
            .secret_arn(&self.options.secret_arn)
            .transaction_id(id);
        let mut last = None;
        let rolling_back = async {
            loop {
                let Err(error) = Box::pin(request.clone().send()).await.map_err(from_sdk) else {
                    return Ok(());
                };
                if fault(&error) == Some(DataApiFault::TransactionNotFound) {
                    tracing::debug!(target: "sqlx::data_api", "the transaction to roll back was over already");
                    return Ok(());
                }
                if !service_error(&error).is_some_and(DataApiError::is_still_running) {
                    return Err(error);
                }
                last = Some(error);
                sleep(FIRST_PAUSE).await;
            }
        };
        let rolled_back = timeout(self.options.rollback_timeout, rolling_back).await;
        rolled_back.unwrap_or_else(|elapsed| Err(last.unwrap_or_else(|| Error::Io(elapsed.into()))))
    }

    async fn when_awake<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let deadline = Instant::now() + self.options.resume_timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            match request().await {
                Err(error) if fault(&error) == Some(DataApiFault::Resuming) && Instant::now() + pause < deadline => {
                    tracing::debug!(target: "sqlx::data_api", ?pause, "the cluster is waking up");
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}

/// Returns the fault that the service reported, if any.
pub(crate) fn fault(error: &Error) -> Option<DataApiFault> {
    service_error(error).map(DataApiError::fault)
}

pub(crate) fn service_error(error: &Error) -> Option<&DataApiError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The SDK's retries are disabled: they repeat requests whose answer was lost, and a statement must not run twice.
fn once() -> ConfigBuilder {
    Config::builder().retry_config(RetryConfig::disabled())
}
