//! One connection to PostgreSQL, and what it remembers of the statements that it ran.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Column, Config, NoTls, Statement};

use super::errors::DataApiError;
use super::job::Job;
use super::limits::Limits;
use super::response::{ColumnMetadata, Executed};
use super::types::Argument;
use super::{formatted, metadata, records};
use crate::Login;

/// Prepared statements that a connection keeps, the most recently used ones.
const MAX_PREPARED_STATEMENTS: usize = 100;

/// `DISCARD ALL` without forgetting the prepared statements. Ends a transaction, too.
const RESET: &str = "ROLLBACK; CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// A connection to one database.
pub(super) struct Session {
    pub(super) database: String,
    /// `None` for the owner.
    user: Option<Login>,
    client: Client,
    remembered: VecDeque<Remembered>,
    /// True once a statement was cancelled: the request may reach PostgreSQL late, and cancel a later statement.
    cancelled: bool,
}

struct Remembered {
    sql: String,
    declared: Vec<Type>,
    statement: Statement,
    metadata: Option<Arc<[ColumnMetadata]>>,
}

impl Session {
    /// Connects, as `user` or as the owner. The session's time zone is UTC, which is what `timestamptz` comes back in.
    pub(super) async fn connect(
        config: &Config,
        database: &str,
        user: Option<Login>,
    ) -> Result<Self, tokio_postgres::Error> {
        let mut config = user.as_ref().map_or_else(|| config.clone(), |user| user.applied_to(config));
        let options = config.get_options().unwrap_or_default().to_owned();
        config.dbname(database).application_name("rds-data-api").options(format!("{options} -c TimeZone=UTC"));
        let (client, mut connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // Ends when the client is dropped.
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => tracing::debug!(%notice, "PostgreSQL"),
                    Ok(_) => {}
                    Err(error) => {
                        // The statement under way, if any, fails with the same error and is answered.
                        tracing::debug!(%error, "connection to PostgreSQL");
                        break;
                    }
                }
            }
        });
        Ok(Self { database: database.to_owned(), user, client, remembered: VecDeque::new(), cancelled: false })
    }

    /// Runs one command without parameters or result.
    pub(super) async fn command(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// Makes the session fit for the next user.
    pub(super) async fn reset(&self) -> Result<(), tokio_postgres::Error> {
        self.command(RESET).await
    }

    pub(super) fn is_of(&self, database: &str, user: Option<&Login>) -> bool {
        self.database == database && self.user.as_ref() == user
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Marks the session as one that no other call may use.
    pub(super) fn mark_cancelled(&mut self) {
        self.cancelled = true;
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Runs a job and gives the response's body.
    ///
    /// `in_transaction`: a statement whose plan is out of date cannot be repeated there, since PostgreSQL has aborted
    /// the transaction.
    pub(super) async fn run(
        &mut self,
        job: &Job,
        limits: &Limits,
        in_transaction: bool,
    ) -> Result<Bytes, DataApiError> {
        let mut executed = Executed::default();
        for arguments in &job.argument_sets {
            executed = match self.execute(job, arguments, limits).await {
                Err(Failure::PlanOutOfDate(_)) if !in_transaction => self.execute(job, arguments, limits).await,
                first => first,
            }?;
        }
        let body = job.body(&executed)?;
        if body.len() > limits.response_bytes {
            return Err(response_too_large());
        }
        Ok(body)
    }

    async fn execute(&mut self, job: &Job, arguments: &[Argument], limits: &Limits) -> Result<Executed, Failure> {
        let statement = self.prepare(&job.query.sql, arguments).await?;
        let expected = statement.params().len();
        if expected != arguments.len() {
            // The SQL text has a `$n` of its own.
            return Err(Failure::Other(DataApiError::Database(format!(
                "bind message supplies {} parameters, but prepared statement requires {expected}; SQLState: 08P01",
                arguments.len()
            ))));
        }
        records::check_columns(statement.columns().iter().map(Column::type_))?;
        let column_metadata = if job.include_result_metadata || job.format_as_json {
            Some(self.metadata(&statement).await?)
        } else {
            None
        };
        let parameters = arguments.iter().map(|argument| argument as &dyn ToSql);
        let rows = self.client.query_raw(&statement, parameters).await;
        let mut rows = pin!(rows.map_err(|error| self.failure(error))?);
        let mut records = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await.map_err(|error| self.failure(error))? {
            bytes += row.raw_size_bytes();
            let record = if row.raw_size_bytes() > limits.row_bytes {
                Err(DataApiError::Database("Packet for query is too large".to_owned()))
            } else if bytes > limits.response_bytes {
                Err(response_too_large())
            } else {
                records::fields(&row, job.options)
            };
            match record {
                Ok(record) if job.keep_records => records.push(record),
                Ok(_) => {}
                Err(error) => {
                    // There may be any number of further rows, and the answer does not wait for them.
                    self.cancelled = true;
                    if let Err(error) = self.client.cancel_token().cancel_query(NoTls).await {
                        tracing::warn!(%error, "a statement could not be cancelled");
                    }
                    return Err(error.into());
                }
            }
        }
        let gives_rows = !statement.columns().is_empty();
        let mut executed = Executed::default();
        if !gives_rows {
            executed.number_of_records_updated = rows.rows_affected().unwrap_or_default();
        } else if job.format_as_json {
            executed.formatted_records = Some(formatted::records(&column_metadata.unwrap_or_default(), records));
        } else {
            executed.records = Some(records);
            executed.column_metadata =
                column_metadata.filter(|_| job.include_result_metadata).map(|columns| columns.to_vec());
        }
        Ok(executed)
    }

    async fn prepare(&mut self, sql: &str, arguments: &[Argument]) -> Result<Statement, Failure> {
        let known = self.remembered.iter().position(|remembered| {
            remembered.sql == sql && remembered.declared.iter().eq(arguments.iter().map(|argument| &argument.declared))
        });
        if let Some(remembered) = known.and_then(|index| self.remembered.remove(index)) {
            let statement = remembered.statement.clone();
            self.remembered.push_front(remembered);
            return Ok(statement);
        }
        let declared: Vec<Type> = arguments.iter().map(|argument| argument.declared.clone()).collect();
        let statement = self.client.prepare_typed(sql, &declared).await.map_err(|error| self.failure(error))?;
        self.remembered.truncate(MAX_PREPARED_STATEMENTS - 1);
        self.remembered.push_front(Remembered {
            sql: sql.to_owned(),
            declared,
            statement: statement.clone(),
            metadata: None,
        });
        Ok(statement)
    }

    /// Describes the columns of the statement that was prepared last.
    async fn metadata(&mut self, statement: &Statement) -> Result<Arc<[ColumnMetadata]>, Failure> {
        if let Some(metadata) = self.remembered.front().and_then(|remembered| remembered.metadata.clone()) {
            return Ok(metadata);
        }
        let metadata: Arc<[_]> =
            metadata::of(&self.client, statement.columns()).await.map_err(|error| self.failure(error))?.into();
        if let Some(remembered) = self.remembered.front_mut() {
            remembered.metadata = Some(Arc::clone(&metadata));
        }
        Ok(metadata)
    }

    /// Forgets all statements when one of them has gone stale: whatever changed the schema concerns the others, too.
    fn failure(&mut self, error: tokio_postgres::Error) -> Failure {
        let stale = error.as_db_error().is_some_and(|refusal| {
            *refusal.code() == SqlState::INVALID_SQL_STATEMENT_NAME
                || (*refusal.code() == SqlState::FEATURE_NOT_SUPPORTED
                    && refusal.message() == "cached plan must not change result type")
        });
        if stale {
            self.remembered.clear();
            return Failure::PlanOutOfDate(error.into());
        }
        Failure::Other(error.into())
    }
}

fn response_too_large() -> DataApiError {
    DataApiError::Database("Database returned more than the allowed response size limit".to_owned())
}

/// Reasons for which a statement did not run to its end.
enum Failure {
    /// It was prepared before the schema changed, and nothing of it was run.
    PlanOutOfDate(DataApiError),
    Other(DataApiError),
}

impl From<DataApiError> for Failure {
    fn from(error: DataApiError) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for DataApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::PlanOutOfDate(error) | Failure::Other(error) => error,
        }
    }
}
