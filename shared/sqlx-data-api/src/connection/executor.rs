use std::io;
use std::sync::Arc;

use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::types::SqlParameter;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx_core::Either;
use sqlx_core::describe::Describe;
use sqlx_core::error::{BoxDynError, Error};
use sqlx_core::executor::{Execute, Executor};
use sqlx_core::logger::QueryLogger;
use sqlx_core::sql_str::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::DataApiConnection;
use super::request::{MAX_SQL_CHARS, fault, service_error};
use crate::column::Columns;
use crate::sql::{Command, split};
use crate::{
    DataApi, DataApiArguments, DataApiError, DataApiFault, DataApiQueryResult, DataApiRow, DataApiStatement,
    DataApiTypeInfo,
};

/// All that one statement answered.
pub(crate) struct Outcome {
    pub(crate) rows: Vec<DataApiRow>,
    pub(crate) result: DataApiQueryResult,
}

impl Outcome {
    fn new(output: ExecuteStatementOutput) -> Result<Self, Error> {
        let columns = Arc::new(Columns::new(output.column_metadata.unwrap_or_default()));
        let records = output.records.unwrap_or_default();
        let rows: Vec<_> =
            records.into_iter().map(|fields| DataApiRow::new(fields, &columns)).collect::<Result<_, _>>()?;
        let changed = u64::try_from(output.number_of_records_updated).unwrap_or(0);
        // For statements that return rows (`SELECT`, `… RETURNING`) the service may count none changed.
        let affected = if changed == 0 { rows.len() as u64 } else { changed };
        Ok(Self { rows, result: DataApiQueryResult::new(affected) })
    }
}

impl DataApiConnection {
    /// Runs one statement with arguments, or without any a script.
    async fn run(
        &mut self,
        sql: SqlStr,
        arguments: Result<Option<DataApiArguments>, BoxDynError>,
        persistent: bool,
    ) -> Result<Vec<Outcome>, Error> {
        match arguments.map_err(Error::Encode)? {
            Some(arguments) => Ok(vec![self.run_statement(sql, Some(arguments), persistent).await?]),
            None => self.run_script(&sql).await,
        }
    }

    async fn run_statement(
        &mut self,
        sql: SqlStr,
        arguments: Option<DataApiArguments>,
        persistent: bool,
    ) -> Result<Outcome, Error> {
        let template = self.template(sql.as_str(), persistent);
        let (text, parameters) = match arguments {
            Some(arguments) => arguments.apply(&template)?,
            None => (template.render(|_| None), Vec::new()),
        };
        check(&text, template.command())?;
        self.settle().await?;
        let mut logger = QueryLogger::new(sql, self.options.log_settings.clone());
        let outcome = Outcome::new(self.send(template.command(), text, parameters).await?)?;
        outcome.rows.iter().for_each(|_| logger.increment_rows_returned());
        logger.increase_rows_affected(outcome.result.rows_affected());
        Ok(outcome)
    }

    /// Sends one statement, and takes note of a transaction that fails by it.
    async fn send(
        &mut self,
        command: Command,
        sql: String,
        parameters: Vec<SqlParameter>,
    ) -> Result<ExecuteStatementOutput, Error> {
        if self.transaction.id().is_some() {
            self.transaction.sent();
            let answer = self.execute_statement(sql, parameters, self.transaction.id()).await;
            self.transaction.answered(command, answer.as_ref().err().filter(|error| !self.may_go_on(error)));
            return answer;
        }
        let repeats = self.options.repeat_reads && command == Command::Select;
        let again = repeats.then(|| (sql.clone(), parameters.clone()));
        match (self.execute_statement(sql, parameters, None).await, again) {
            (Err(Error::Io(error)), Some((sql, parameters))) if error.kind() != io::ErrorKind::TimedOut => {
                tracing::debug!(target: "sqlx::data_api", %error, "a read is repeated");
                self.execute_statement(sql, parameters, None).await
            }
            (answer, _) => answer,
        }
    }

    /// Returns true for an error after which the transaction is as good as before: nothing of the statement ran, or it runs.
    fn may_go_on(&self, error: &Error) -> bool {
        use DataApiFault::{Resuming, Throttled, Timeout};
        let continues = self.options.continue_after_timeout || self.migrating;
        match fault(error) {
            Some(Resuming | Throttled) => true,
            Some(Timeout) => continues,
            _ => service_error(error).is_some_and(DataApiError::is_still_running),
        }
    }

    /// Runs the statements of a script. Several run in one transaction, as PostgreSQL does with a script it gets whole.
    async fn run_script(&mut self, script: &SqlStr) -> Result<Vec<Outcome>, Error> {
        let statements = split(script.as_str());
        if let [_, _, ..] = &*statements
            && self.transaction.id().is_none()
        {
            self.transaction(async |mut transaction| transaction.run_each(&statements).await).await
        } else {
            self.run_each(&statements).await
        }
    }

    /// Runs statements one after the other.
    pub(crate) async fn run_each(&mut self, statements: &[&str]) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::with_capacity(statements.len());
        for statement in statements {
            let sql = AssertSqlSafe(*statement).into_sql_str();
            outcomes.push(self.run_statement(sql, None, false).await?);
        }
        Ok(outcomes)
    }
}

/// Refuses what the service or PostgreSQL would refuse with an unclear message, and what would run outside of the state that a
/// connection keeps.
fn check(sql: &str, command: Command) -> Result<(), Error> {
    let refused = |problem: String| Err(Error::InvalidArgument(problem));
    match command {
        Command::Transaction(word) => {
            return refused(format!("`{word}` cannot be a statement: use `begin`, `commit` and `rollback` of sqlx"));
        }
        Command::CopyStream => return refused("the Data API has no `COPY … FROM STDIN` or `TO STDOUT`".to_owned()),
        Command::Select | Command::RollbackToSavepoint | Command::Other => {}
    }
    if sql.contains('\0') {
        return refused("a statement cannot contain a NUL character".to_owned());
    }
    // A character has at least one byte.
    let length = if sql.len() > MAX_SQL_CHARS { sql.chars().count() } else { 0 };
    if length > MAX_SQL_CHARS {
        return refused(format!(
            "the statement has {length} characters with the casts of its parameters, and the Data API takes {MAX_SQL_CHARS}: \
             pass long lists as arrays"
        ));
    }
    Ok(())
}

impl<'c> Executor<'c> for &'c mut DataApiConnection {
    type Database = DataApi;

    /// The service answers with all rows at once, so the stream is one request, not a cursor.
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        mut query: E,
    ) -> BoxStream<'e, Result<Either<DataApiQueryResult, DataApiRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DataApi>,
    {
        let arguments = query.take_arguments();
        let persistent = query.persistent();
        let sql = query.sql();
        let outcomes = async move { self.run(sql, arguments, persistent).await };
        stream::once(outcomes)
            .map_ok(|outcomes| {
                stream::iter(outcomes).flat_map(|Outcome { rows, result }| {
                    let rows = rows.into_iter().map(|row| Ok(Either::Right(row)));
                    stream::iter(rows.chain([Ok(Either::Left(result))]))
                })
            })
            .try_flatten()
            .boxed()
    }

    /// Returns the first row. The service sends all rows, so use `LIMIT 1` if there may be many.
    fn fetch_optional<'e, 'q: 'e, E>(self, mut query: E) -> BoxFuture<'e, Result<Option<DataApiRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DataApi>,
    {
        let arguments = query.take_arguments();
        let persistent = query.persistent();
        let sql = query.sql();
        async move {
            let outcomes = self.run(sql, arguments, persistent).await?;
            Ok(outcomes.into_iter().find_map(|outcome| outcome.rows.into_iter().next()))
        }
        .boxed()
    }

    /// Sends nothing: the service prepares no statements. Parameter types are those of the arguments.
    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        _parameters: &'e [DataApiTypeInfo],
    ) -> BoxFuture<'e, Result<DataApiStatement, Error>>
    where
        'c: 'e,
    {
        let template = self.template(sql.as_str(), true);
        std::future::ready(Ok(DataApiStatement::new(sql, &template))).boxed()
    }

    /// Always an error: only the `query!` macros call this, and the service cannot describe a statement without running it.
    fn describe<'e>(self, _sql: SqlStr) -> BoxFuture<'e, Result<Describe<DataApi>, Error>>
    where
        'c: 'e,
    {
        let unsupported = Error::Protocol("the Data API cannot describe a statement without running it".to_owned());
        std::future::ready(Err(unsupported)).boxed()
    }
}
