//! The number of requests of each operation: the table of the crate's documentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection, Error, Executor, SqlStr};
use sqlx_data_api::{DataApiConnectOptions, DataApiError, DataApiFault, query, query_scalar};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::database::{Database, Sent, client};

#[tokio::test]
async fn requests_per_operation() {
    let database = Database::new().await;
    let pool = database.pool().await;
    drop(pool.acquire().await.unwrap());
    let mut conn = database.connect().await;
    conn.ping().await.unwrap();
    conn.prepare(SqlStr::from_static("SELECT $1")).await.unwrap();
    assert_eq!(database.requests(), 0, "connect, acquire, ping, prepare");

    query("SELECT $1").bind(1).fetch_all(&pool).await.unwrap();
    assert_eq!(database.requests(), 1, "a query");

    conn.execute("SELECT 1").await.unwrap();
    assert_eq!(database.requests(), 1, "a script of one statement");
    conn.execute("SELECT 1; SELECT 2; SELECT 3").await.unwrap();
    assert_eq!(database.requests(), 5, "a script of three statements");

    let mut transaction = conn.begin().await.unwrap();
    assert_eq!(database.requests(), 1, "begin");
    transaction.execute("SELECT 1; SELECT 2; SELECT 3").await.unwrap();
    assert_eq!(database.requests(), 3, "a script inside a transaction");
    transaction.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(database.requests(), 2, "nested begin and commit");
    transaction.begin().await.unwrap().rollback().await.unwrap();
    assert_eq!(database.requests(), 2, "nested begin and rollback");
    transaction.commit().await.unwrap();
    assert_eq!(database.requests(), 1, "commit");
    conn.begin().await.unwrap().rollback().await.unwrap();
    assert_eq!(database.requests(), 2, "begin and rollback");
    conn.begin_with("BEGIN READ ONLY").await.unwrap().commit().await.unwrap();
    assert_eq!(database.requests(), 3, "begin with modes, and commit");
    conn.transaction(async |mut transaction| {
        query("SELECT 1").execute(&mut *transaction).await?;
        query("SELECT 2").execute(&mut *transaction).await
    })
    .await
    .unwrap();
    assert_eq!(database.requests(), 2 + 2, "a closure of two statements");
    drop(conn.begin().await.unwrap());
    assert_eq!(database.requests(), 1, "a drop itself");
    conn.ping().await.unwrap();
    conn.ping().await.unwrap();
    assert_eq!(database.requests(), 1, "the rollback after it");
    conn.close().await.unwrap();
    assert_eq!(database.requests(), 0, "close");

    for n in 0..3 {
        query("SELECT $1").bind(n).execute(&pool).await.unwrap();
    }
    // Waits until every connection is back, and closes it.
    pool.close().await;
    assert_eq!(database.requests(), 3, "acquired and given back three times, for a query each");
}

#[tokio::test]
async fn requests_per_migration() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    let sql = SqlStr::from_static("SELECT 1; SELECT 2; SELECT 3");
    let migration = Migration::new(1, "test".into(), MigrationType::Simple, sql, false);
    let migrator = Migrator::with_migrations(vec![migration]);
    migrator.run(&mut conn).await.unwrap();
    assert_eq!(database.requests(), 6 + 4 + 3);
    migrator.run(&mut conn).await.unwrap();
    assert_eq!(database.requests(), 6);
}

/// A service that answers every request with the next of `answers`, then with the last one for ever. Status 0 cuts the connection.
pub(crate) async fn stub(
    answers: &'static [(u16, &'static str, &'static str)],
) -> (DataApiConnectOptions, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sent = Sent::default();
    let client = client(listener.local_addr().unwrap(), sent.clone());
    tokio::spawn(async move {
        for index in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request_is_complete(&request) {
                stream.read_buf(&mut request).await.unwrap();
            }
            let (status, error, body) = answers[index.min(answers.len() - 1)];
            if status == 0 {
                continue;
            }
            let response = format!(
                "HTTP/1.1 {status} x\r\nx-amzn-errortype: {error}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    (DataApiConnectOptions::new(client, "r", "s"), sent.0)
}

fn request_is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}

const RESUMING: (u16, &str, &str) = (400, "DatabaseResumingException", r#"{"message":"resuming"}"#);

#[tokio::test]
async fn requests_to_a_resuming_cluster_are_retried() {
    const ONE: &str = r#"{"columnMetadata":[{"name":"n","typeName":"int4"}],"records":[[{"longValue":1}]],"numberOfRecordsUpdated":0}"#;
    let (options, sent) = stub(&[RESUMING, RESUMING, (200, "", ONE)]).await;
    let mut conn = options.connect().await.unwrap();
    let one: i32 = query_scalar("SELECT 1").fetch_one(&mut conn).await.unwrap();
    assert_eq!((one, sent.load(Ordering::SeqCst)), (1, 3));
}

#[tokio::test]
async fn cluster_that_does_not_resume_is_an_error() {
    let (options, sent) = stub(&[RESUMING]).await;
    let mut conn = options.resume_timeout(Duration::ZERO).connect().await.unwrap();
    let error = query("SELECT 1").execute(&mut conn).await.unwrap_err();
    assert_eq!(fault(&error), Some(DataApiFault::Resuming));
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn other_failures_are_not_retried() {
    let (options, sent) = stub(&[(503, "ServiceUnavailableError", "{}")]).await;
    let mut conn = options.connect().await.unwrap();
    let error = query("INSERT INTO t VALUES (1)").execute(&mut conn).await.unwrap_err();
    assert_eq!(fault(&error), Some(DataApiFault::Unavailable));
    assert_eq!(sent.load(Ordering::SeqCst), 1, "the statement may have been executed");
}

#[tokio::test]
async fn reads_are_repeated_once_if_asked_for() {
    const EMPTY: &str = r#"{"numberOfRecordsUpdated":0}"#;
    let cut: &[(u16, &str, &str)] = &[(0, "", ""), (200, "", EMPTY)];
    let (options, sent) = stub(cut).await;
    let mut conn = options.connect().await.unwrap();
    assert!(matches!(query("SELECT 1").execute(&mut conn).await, Err(Error::Io(_))));
    assert_eq!(sent.load(Ordering::SeqCst), 1, "not by default");

    let (options, sent) = stub(cut).await;
    let mut conn = options.repeat_reads(true).connect().await.unwrap();
    query("-- why\nselect 1").execute(&mut conn).await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 2);

    let (options, sent) = stub(cut).await;
    let mut conn = options.repeat_reads(true).connect().await.unwrap();
    query("WITH a AS (DELETE FROM t) SELECT 1").execute(&mut conn).await.unwrap_err();
    assert_eq!(sent.load(Ordering::SeqCst), 1, "it may have been executed");

    let (options, sent) = stub(&[(200, "", r#"{"transactionId":"t"}"#), (0, "", ""), (200, "", EMPTY)]).await;
    let mut conn = options.repeat_reads(true).connect().await.unwrap();
    let mut transaction = conn.begin().await.unwrap();
    query("SELECT 1 FOR UPDATE").execute(&mut *transaction).await.unwrap_err();
    assert_eq!(sent.load(Ordering::SeqCst), 2, "not in a transaction");
}

#[tokio::test]
async fn rollback_is_bounded() {
    let still = (400, "DatabaseErrorException", r#"{"message":"Transaction is still running a query"}"#);
    let (options, _) = stub(Box::leak(Box::new([(200, "", r#"{"transactionId":"t"}"#), still]))).await;
    let mut conn = options.rollback_timeout(Duration::from_millis(10)).connect().await.unwrap();
    let error = conn.begin().await.unwrap().rollback().await.unwrap_err();
    assert!(error.to_string().contains("still running"), "{error}");
}

#[tokio::test]
async fn commit_that_rolled_back_is_an_error() {
    let (options, _) =
        stub(&[(200, "", r#"{"transactionId":"t"}"#), (200, "", r#"{"transactionStatus":"Rollback Complete"}"#)]).await;
    let mut conn = options.connect().await.unwrap();
    let committed = conn.begin().await.unwrap().commit().await;
    assert!(matches!(committed, Err(Error::Protocol(_))), "{committed:?}");
}

fn fault(error: &Error) -> Option<DataApiFault> {
    Some(error.as_database_error()?.try_downcast_ref::<DataApiError>()?.fault())
}
