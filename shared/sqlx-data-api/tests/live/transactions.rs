//! Transactions that begin, commit, roll back, nest, are dropped and are lost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use local_aurora::data_api::Limits;
use sqlx::{Connection, Error, Executor};
use sqlx_data_api::{
    DataApiConnection, DataApiError, DataApiExecutor, DataApiFault, DataApiPool, DataApiPoolExt, query, query_scalar,
};

use crate::database::Database;
use crate::requests::stub;

async fn insert(executor: impl DataApiExecutor<'_>, n: i32) -> Result<(), Error> {
    query("INSERT INTO t VALUES ($1)").bind(n).execute(executor).await.map(drop)
}

async fn numbers(executor: impl DataApiExecutor<'_>) -> Vec<i32> {
    query_scalar("SELECT n FROM t ORDER BY n").fetch_all(executor).await.unwrap()
}

async fn connection(database: &Database) -> DataApiConnection {
    let mut conn = database.connect().await;
    conn.execute("CREATE TABLE t (n int)").await.unwrap();
    conn
}

async fn pool(database: &Database) -> DataApiPool {
    connection(database).await;
    database.pool().await
}

fn fault(error: &Error) -> Option<DataApiFault> {
    Some(error.as_database_error()?.try_downcast_ref::<DataApiError>()?.fault())
}

#[tokio::test]
async fn only_committed_changes_are_visible_to_others() {
    let pool = pool(&Database::new().await).await;
    let mut transaction = pool.begin().await.unwrap();
    insert(&mut *transaction, 1).await.unwrap();
    assert_eq!(numbers(&mut *transaction).await, [1]);
    assert!(numbers(&pool).await.is_empty());
    transaction.commit().await.unwrap();
    assert_eq!(numbers(&pool).await, [1]);
    let mut transaction = pool.begin().await.unwrap();
    insert(&mut *transaction, 2).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(numbers(&pool).await, [1]);
}

#[tokio::test]
async fn dropped_transaction_is_rolled_back_before_the_next_statement() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut transaction = conn.begin().await.unwrap();
    transaction.execute("LOCK TABLE t").await.unwrap();
    insert(&mut *transaction, 1).await.unwrap();
    drop(transaction);
    assert!(!conn.is_in_transaction());
    assert!(numbers(&mut conn).await.is_empty());
    insert(&mut conn, 2).await.unwrap();
    assert_eq!(numbers(&mut database.connect().await).await, [2], "the lock is released, and no transaction is open");
}

#[tokio::test]
async fn dropped_transaction_is_rolled_back_on_return_to_the_pool() {
    let database = Database::new().await;
    let pool = pool(&database).await;
    let mut transaction = pool.begin().await.unwrap();
    transaction.execute("LOCK TABLE t").await.unwrap();
    drop(transaction);
    // Blocks until the lock is released, which nothing but the return to the pool does.
    insert(&mut database.connect().await, 1).await.unwrap();
}

#[tokio::test]
async fn closing_rolls_back_an_open_transaction() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    std::mem::forget(conn.begin().await.unwrap());
    insert(&mut conn, 1).await.unwrap();
    conn.close().await.unwrap();
    assert!(numbers(&mut database.connect().await).await.is_empty());
}

#[tokio::test]
async fn nested_transactions_are_savepoints() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut outer = conn.begin().await.unwrap();
    insert(&mut *outer, 1).await.unwrap();

    let mut committed = outer.begin().await.unwrap();
    insert(&mut *committed, 2).await.unwrap();
    committed.commit().await.unwrap();

    let mut rolled_back = outer.begin().await.unwrap();
    insert(&mut *rolled_back, 3).await.unwrap();
    rolled_back.rollback().await.unwrap();

    let mut dropped = outer.begin().await.unwrap();
    insert(&mut *dropped, 4).await.unwrap();
    let mut inside_dropped = dropped.begin().await.unwrap();
    insert(&mut *inside_dropped, 5).await.unwrap();
    drop(inside_dropped);
    drop(dropped);

    assert_eq!(numbers(&mut *outer).await, [1, 2]);
    let mut last = outer.begin().await.unwrap();
    insert(&mut *last, 6).await.unwrap();
    drop(last);
    outer.commit().await.unwrap();
    assert_eq!(numbers(&mut conn).await, [1, 2], "the transaction dropped last is rolled back before the commit");
}

#[tokio::test]
async fn failed_statement_ends_the_transaction_without_commit() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut transaction = conn.begin().await.unwrap();
    insert(&mut *transaction, 1).await.unwrap();
    transaction.execute("SELECT 1 / 0").await.unwrap_err();
    let after = insert(&mut *transaction, 2).await.unwrap_err();
    assert_eq!(fault(&after), Some(DataApiFault::TransactionNotFound));
    assert!(after.to_string().contains("the transaction has ended"), "{after}");
    assert_eq!(fault(&transaction.commit().await.unwrap_err()), Some(DataApiFault::TransactionNotFound));
    assert!(numbers(&mut conn).await.is_empty());

    let mut transaction = conn.begin().await.unwrap();
    transaction.execute("SELECT 1 / 0").await.unwrap_err();
    transaction.rollback().await.expect("there is nothing left to roll back");
    assert!(numbers(&mut conn).await.is_empty());
}

/// A service that keeps a transaction after a failed statement, as PostgreSQL does.
const BEGUN: (u16, &str, &str) = (200, "", r#"{"transactionId":"t"}"#);
const DONE: (u16, &str, &str) = (200, "", r#"{"numberOfRecordsUpdated":0}"#);
const FAILED: (u16, &str, &str) =
    (400, "DatabaseErrorException", r#"{"message":"ERROR: division by zero; SQLState: 22012"}"#);
const COMMITTED: (u16, &str, &str) = (200, "", r#"{"transactionStatus":"Transaction Committed"}"#);

#[tokio::test]
async fn commit_after_a_failure_is_refused_and_rolled_back() {
    let (options, sent) = stub(&[BEGUN, FAILED, DONE, COMMITTED]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut transaction = conn.begin().await.unwrap();
    transaction.execute("SELECT 1 / 0").await.unwrap_err();
    let committed = transaction.commit().await.unwrap_err();
    assert_eq!(fault(&committed), Some(DataApiFault::TransactionNotFound), "{committed}");
    assert!(!conn.is_in_transaction());
    conn.ping().await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 3, "begin, the statement, a rollback");

    let (options, _) = stub(&[BEGUN, FAILED, DONE, COMMITTED]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let swallowed: Result<(), Error> = conn
        .transaction(async |mut transaction| {
            let _ = transaction.execute("SELECT 1 / 0").await;
            Ok(())
        })
        .await;
    assert_eq!(fault(&swallowed.unwrap_err()), Some(DataApiFault::TransactionNotFound));
}

#[tokio::test]
async fn rollback_to_a_savepoint_saves_a_transaction_that_the_service_keeps() {
    // Begin, a statement, a savepoint, a failure, the rollback to it, commit.
    let (options, sent) = stub(&[BEGUN, DONE, DONE, FAILED, DONE, COMMITTED]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut outer = conn.begin().await.unwrap();
    outer.execute("SELECT 1").await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    inner.execute("SELECT 1 / 0").await.unwrap_err();
    inner.rollback().await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 6);

    let (options, _) = stub(&[BEGUN, DONE, FAILED, DONE, COMMITTED]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut transaction = conn.begin().await.unwrap();
    transaction.execute("SAVEPOINT a").await.unwrap();
    transaction.execute("SELECT 1 / 0").await.unwrap_err();
    transaction.execute("ROLLBACK TO SAVEPOINT a").await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn nested_commit_after_a_failure_is_refused() {
    // Begin, a savepoint, a failure, the rollback to the savepoint, commit.
    let (options, sent) = stub(&[BEGUN, DONE, FAILED, DONE, COMMITTED]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut outer = conn.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    inner.execute("SELECT 1 / 0").await.unwrap_err();
    let committed = inner.commit().await.unwrap_err();
    assert_eq!(fault(&committed), Some(DataApiFault::TransactionNotFound));
    outer.commit().await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 5);

    // A failure outside of the savepoint stays.
    let (options, _) = stub(&[BEGUN, FAILED, DONE]).await;
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut outer = conn.begin().await.unwrap();
    outer.execute("SELECT 1 / 0").await.unwrap_err();
    outer.begin().await.unwrap().rollback().await.unwrap();
    assert_eq!(fault(&outer.commit().await.unwrap_err()), Some(DataApiFault::TransactionNotFound));
}

#[tokio::test]
async fn commit_after_a_cancelled_statement_is_refused() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut transaction = conn.begin().await.unwrap();
    let slow = transaction.execute("INSERT INTO t SELECT 1 FROM pg_sleep(0.5)");
    assert!(tokio::time::timeout(Duration::from_millis(100), slow).await.is_err());
    let committed = transaction.commit().await.unwrap_err();
    assert_eq!(fault(&committed), Some(DataApiFault::TransactionNotFound));
    assert!(numbers(&mut conn).await.is_empty());
}

#[tokio::test]
async fn statements_cannot_begin_or_end_transactions() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    database.requests();
    for sql in ["BEGIN", "commit", "/* a */ END", "ROLLBACK", "abort", "START TRANSACTION", "PREPARE TRANSACTION 'a'"] {
        let refused = conn.execute(sql).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidArgument(_)), "{sql}: {refused}");
    }
    assert_eq!(database.requests(), 0);
    let mut transaction = conn.begin().await.unwrap();
    insert(&mut *transaction, 1).await.unwrap();
    transaction.execute("COMMIT").await.unwrap_err();
    transaction.execute("SAVEPOINT a; INSERT INTO t VALUES (2); ROLLBACK TO a; RELEASE a").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(numbers(&mut conn).await, [1], "what was not sent has not failed");
}

#[tokio::test]
async fn statements_after_an_idle_timeout_do_not_run_outside_the_transaction() {
    let limits = Limits { transaction_idle: Duration::from_millis(50), ..Limits::default() };
    let database = Database::with_limits(limits).await;
    let mut conn = connection(&database).await;
    let mut other = database.connect().await;
    let mut transaction = conn.begin().await.unwrap();
    let timed_out = async {
        let sql = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle in transaction'";
        while query_scalar::<i64>(sql).fetch_one(&mut other).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), timed_out).await.unwrap();
    let late = insert(&mut *transaction, 1).await.unwrap_err();
    assert_eq!(fault(&late), Some(DataApiFault::TransactionNotFound));
    let commit = transaction.commit().await.unwrap_err();
    assert_eq!(fault(&commit), Some(DataApiFault::TransactionNotFound));
    assert!(numbers(&mut conn).await.is_empty());
}

#[tokio::test]
async fn failed_nested_begin_keeps_the_outer_transaction() {
    let mut conn = connection(&Database::new().await).await;
    let mut outer = conn.begin().await.unwrap();
    insert(&mut *outer, 1).await.unwrap();
    let refused = outer.begin_with("BEGIN READ ONLY").await.unwrap_err();
    assert!(matches!(refused, Error::InvalidSavePointStatement));
    insert(&mut *outer, 2).await.unwrap();
    outer.rollback().await.unwrap();
    assert!(numbers(&mut conn).await.is_empty());
}

#[tokio::test]
async fn transaction_modes_are_set() {
    let mut conn = connection(&Database::new().await).await;
    let mut transaction = conn.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY").await.unwrap();
    let level: String =
        query_scalar("SELECT current_setting('transaction_isolation')").fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(level, "serializable");
    insert(&mut *transaction, 1).await.unwrap_err();
}

#[tokio::test]
async fn serialization_conflict_is_retryable() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut other = database.connect().await;
    insert(&mut conn, 1).await.unwrap();
    let mut first = conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    numbers(&mut *first).await;
    other.execute("UPDATE t SET n = 2").await.unwrap();
    let error = first.execute("UPDATE t SET n = 3").await.unwrap_err();
    assert!(error.as_database_error().unwrap().downcast_ref::<DataApiError>().is_retryable());
}

#[tokio::test]
async fn closure_commits_or_rolls_back_before_it_returns() {
    let database = Database::new().await;
    let pool = pool(&database).await;
    // In a task, which needs the future to be `Send`.
    let spawned = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.transaction(async |mut transaction| {
                insert(&mut *transaction, 1).await?;
                Ok::<_, Error>("done")
            })
            .await
        }
    });
    assert_eq!(spawned.await.unwrap().unwrap(), "done");
    let failed: Result<(), Error> = pool
        .transaction(async |mut transaction| {
            insert(&mut *transaction, 2).await?;
            Err(Error::RowNotFound)
        })
        .await;
    assert!(matches!(failed, Err(Error::RowNotFound)));
    let mut conn = database.connect().await;
    conn.transaction(async |mut transaction| insert(&mut *transaction, 3).await).await.unwrap();
    assert_eq!(numbers(&mut conn).await, [1, 3]);
}

#[tokio::test]
async fn cancelled_statement_is_awaited_and_rolled_back() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let mut transaction = conn.begin().await.unwrap();
    insert(&mut *transaction, 1).await.unwrap();
    let slow = transaction.execute("SELECT 1 FROM pg_sleep(1)");
    let cancelled = tokio::time::timeout(Duration::from_millis(300), slow).await;
    assert!(cancelled.is_err());
    drop(transaction);
    assert!(numbers(&mut conn).await.is_empty());
}

#[tokio::test]
async fn transaction_moved_out_of_the_closure_is_not_committed() {
    let database = Database::new().await;
    let mut conn = connection(&database).await;
    let kept = conn
        .transaction(async |mut transaction| {
            insert(&mut *transaction, 1).await?;
            Ok::<_, Error>(transaction)
        })
        .await;
    assert!(matches!(kept, Err(Error::Protocol(_))));
    drop(kept);
    assert!(numbers(&mut conn).await.is_empty());
}
