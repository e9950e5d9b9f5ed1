//! Transactions of the service, savepoints inside them, and the rollbacks that a drop leaves owing.

use sqlx_core::error::Error;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::transaction::TransactionManager;

use crate::sql::Command;
use crate::{DataApi, DataApiConnection, DataApiError};

/// The state of a connection's transaction.
#[derive(Debug, Default)]
pub(crate) struct TransactionState {
    open: Option<Open>,
    /// A dropped transaction that is still to be rolled back.
    abandoned: Option<String>,
}

#[derive(Debug)]
struct Open {
    id: String,
    /// 1 is the transaction itself, each further one a savepoint.
    depth: usize,
    /// The savepoint to roll back to before the next statement, after a nested transaction was dropped.
    rollback_to: Option<usize>,
    /// A nested transaction is being begun. sqlx drops it, and so starts a rollback, if that fails: of nothing.
    entering: bool,
    /// True while a statement has no answer; it stays so if the statement is cancelled.
    unanswered: bool,
    /// Depth of the outermost failure. What failed can be rolled back, and nothing else.
    failed: Option<usize>,
}

impl Open {
    fn new(id: String) -> Self {
        Self { id, depth: 1, rollback_to: None, entering: false, unanswered: false, failed: None }
    }

    fn fail(&mut self) {
        self.failed = Some(self.failed.map_or(self.depth, |depth| depth.min(self.depth)));
    }

    /// Takes note that everything since the savepoint inside depth `depth` was rolled back.
    fn recover(&mut self, depth: usize) {
        self.unanswered = false;
        self.failed = self.failed.filter(|failed| *failed <= depth);
    }

    /// Returns true if a statement of this depth failed, or was cancelled so that nobody knows.
    fn has_failed(&self) -> bool {
        self.unanswered || self.failed.is_some()
    }
}

impl TransactionState {
    /// The open transaction's id. One that the service has lost keeps it until it is ended here, so that nothing runs
    /// outside of a transaction by mistake.
    pub(crate) fn id(&self) -> Option<&str> {
        self.open.as_ref().map(|open| &*open.id)
    }

    pub(crate) fn owes_rollback(&self) -> bool {
        self.abandoned.is_some() || self.open.as_ref().is_some_and(|open| open.rollback_to.is_some())
    }

    /// Takes note that a statement is sent.
    pub(crate) fn sent(&mut self) {
        if let Some(open) = &mut self.open {
            // An earlier one was cancelled.
            if open.unanswered {
                open.fail();
            }
            open.unanswered = true;
        }
    }

    /// Takes note of the answer to a statement.
    pub(crate) fn answered(&mut self, command: Command, failure: Option<&Error>) {
        if let Some(open) = &mut self.open {
            open.unanswered = false;
            match failure {
                Some(_) => open.fail(),
                None if command == Command::RollbackToSavepoint => open.recover(open.depth - 1),
                None => {}
            }
        }
    }

    /// Takes note that the innermost savepoint is done with.
    fn leave(&mut self) {
        if let Some(open) = &mut self.open {
            open.depth -= 1;
        }
    }

    /// Leaves the transaction, at whatever depth, to be rolled back.
    pub(crate) fn abandon_all(&mut self) {
        if let Some(open) = self.open.take() {
            self.abandoned = Some(open.id);
        }
    }
}

impl DataApiConnection {
    /// Rolls back dropped transactions, before any other request.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        if let Some(id) = self.transaction.abandoned.as_deref() {
            self.rollback_transaction(id).await?;
            self.transaction.abandoned = None;
        }
        if let Some(Open { rollback_to: Some(savepoint), .. }) = self.transaction.open {
            self.in_transaction(format!("ROLLBACK TO SAVEPOINT _sqlx_savepoint_{savepoint}")).await?;
            self.transaction.open.iter_mut().for_each(|open| {
                open.rollback_to = None;
                open.recover(savepoint);
            });
        }
        Ok(())
    }

    /// Runs a statement of the transaction's own.
    async fn in_transaction(&self, sql: String) -> Result<(), Error> {
        self.execute_statement(sql, Vec::new(), self.transaction.id()).await.map(drop)
    }
}

/// Begins, commits and rolls back for sqlx's [`Transaction`](sqlx_core::transaction::Transaction).
///
/// A transaction inside another is a savepoint. The service is documented to end a transaction when a statement in it fails, and
/// was seen to keep it in PostgreSQL's failed state. A rollback to a savepoint saves the transaction from the error where the
/// service keeps it; a commit is refused in both cases.
#[derive(Debug)]
pub struct DataApiTransactionManager;

impl TransactionManager for DataApiTransactionManager {
    type Database = DataApi;

    /// One request; two with a `statement`, whose modes are applied (`BEGIN ISOLATION LEVEL SERIALIZABLE`,
    /// `START TRANSACTION READ ONLY`, or `SET TRANSACTION …` itself).
    async fn begin(conn: &mut DataApiConnection, statement: Option<SqlStr>) -> Result<(), Error> {
        if conn.transaction.open.is_some() {
            return begin_nested(conn, statement).await;
        }
        conn.settle().await?;
        let set_modes = statement.map(|statement| set_transaction(statement.as_str())).transpose()?.flatten();
        let id = conn.begin_transaction().await?;
        conn.transaction.open = Some(Open::new(id));
        match set_modes {
            Some(sql) => conn.in_transaction(sql).await,
            None => Ok(()),
        }
    }

    async fn commit(conn: &mut DataApiConnection) -> Result<(), Error> {
        conn.settle().await?;
        match &conn.transaction.open {
            // Nothing that comes after a failure may be committed without what failed: PostgreSQL would answer the commit with
            // a rollback.
            Some(open) if open.has_failed() => {
                if open.depth == 1 {
                    Self::rollback(conn).await.unwrap_or_else(|error| {
                        tracing::warn!(target: "sqlx::data_api", %error, "a failed transaction could not be rolled back");
                    });
                }
                return Err(DataApiError::transaction_failed().into());
            }
            Some(Open { depth: 1, id, .. }) => {
                conn.commit_transaction(id).await?;
                conn.transaction.open = None;
            }
            Some(Open { depth, .. }) => {
                conn.in_transaction(format!("RELEASE SAVEPOINT _sqlx_savepoint_{}", depth - 1)).await?;
                conn.transaction.leave();
            }
            None => {}
        }
        Ok(())
    }

    async fn rollback(conn: &mut DataApiConnection) -> Result<(), Error> {
        if let Some(Open { depth: 2.., .. }) = conn.transaction.open {
            conn.settle().await?;
            let savepoint = Self::get_transaction_depth(conn) - 1;
            conn.in_transaction(format!("ROLLBACK TO SAVEPOINT _sqlx_savepoint_{savepoint}")).await?;
            conn.transaction.leave();
            conn.transaction.open.iter_mut().for_each(|open| open.recover(savepoint));
            Ok(())
        } else {
            conn.transaction.abandon_all();
            conn.settle().await
        }
    }

    fn start_rollback(conn: &mut DataApiConnection) {
        match &mut conn.transaction.open {
            Some(open) if open.entering => open.entering = false,
            Some(open) if open.depth > 1 => {
                open.depth -= 1;
                open.rollback_to = Some(open.depth);
            }
            _ => conn.transaction.abandon_all(),
        }
    }

    fn get_transaction_depth(conn: &DataApiConnection) -> usize {
        conn.transaction.open.as_ref().map_or(0, |open| open.depth)
    }
}

async fn begin_nested(conn: &mut DataApiConnection, statement: Option<SqlStr>) -> Result<(), Error> {
    conn.transaction.open.iter_mut().for_each(|open| open.entering = true);
    if statement.is_some() {
        return Err(Error::InvalidSavePointStatement);
    }
    conn.settle().await?;
    let depth = DataApiTransactionManager::get_transaction_depth(conn);
    conn.in_transaction(format!("SAVEPOINT _sqlx_savepoint_{depth}")).await?;
    conn.transaction.open.iter_mut().for_each(|open| {
        open.depth += 1;
        open.entering = false;
    });
    Ok(())
}

/// The statement that gives a transaction the modes that `statement` begins one with; `None` if it has none.
fn set_transaction(statement: &str) -> Result<Option<String>, Error> {
    let statement = statement.trim().trim_end_matches(';');
    let words: Vec<_> = statement.split_whitespace().collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let skip = match () {
        () if is(0, "SET") && is(1, "TRANSACTION") => return Ok(Some(statement.to_owned())),
        () if is(0, "START") && is(1, "TRANSACTION") => 2,
        () if is(0, "BEGIN") && (is(1, "TRANSACTION") || is(1, "WORK")) => 2,
        () if is(0, "BEGIN") => 1,
        () => {
            let problem =
                "a transaction must begin with BEGIN, START TRANSACTION or SET TRANSACTION, followed by its modes";
            return Err(Error::Configuration(problem.into()));
        }
    };
    let modes = words[skip..].join(" ");
    Ok((!modes.is_empty()).then(|| format!("SET TRANSACTION {modes}")))
}

#[cfg(test)]
mod tests {
    use super::set_transaction;

    #[test]
    fn transaction_modes_become_a_separate_statement() {
        for (statement, expected) in [
            ("BEGIN", None),
            ("begin work;", None),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE", Some("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")),
            ("START TRANSACTION READ ONLY, DEFERRABLE;", Some("SET TRANSACTION READ ONLY, DEFERRABLE")),
            ("SET TRANSACTION READ ONLY", Some("SET TRANSACTION READ ONLY")),
        ] {
            assert_eq!(set_transaction(statement).unwrap().as_deref(), expected);
        }
        assert!(set_transaction("select 1").is_err());
    }
}
