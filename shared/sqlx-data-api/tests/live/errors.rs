//! Every kind of error, provoked.

use std::error::Error as _;
use std::time::Duration;

use local_aurora::data_api::Limits;
use sqlx::error::ErrorKind;
use sqlx::types::Json;
use sqlx::{ConnectOptions, Error};
use sqlx_data_api::{DataApiConnectOptions, DataApiConnection, DataApiError, DataApiFault, query, query_scalar};

use crate::database::{Database, RESOURCE_ARN, SECRET_ARN, Sent, client};

async fn refusal(conn: &mut DataApiConnection, sql: &'static str) -> DataApiError {
    match query(sql).execute(conn).await {
        Err(Error::Database(error)) => *error.downcast::<DataApiError>(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn constraints_have_kinds_and_names() {
    use sqlx::error::DatabaseError as _;
    let mut conn = Database::new().await.connect().await;
    sqlx::raw_sql(
        "CREATE TABLE parent (id int CONSTRAINT parent_key PRIMARY KEY, during int4range,
            CONSTRAINT parent_overlap EXCLUDE USING gist (during WITH &&));
        CREATE TABLE child (parent int NOT NULL CONSTRAINT child_parent REFERENCES parent,
            age int CONSTRAINT child_age CHECK (age > 0));
        INSERT INTO parent VALUES (1, '[1,5)');
        INSERT INTO child VALUES (1, 1);",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    for (sql, code, kind, constraint, table) in [
        ("INSERT INTO parent VALUES (1)", "23505", ErrorKind::UniqueViolation, Some("parent_key"), None),
        (
            "INSERT INTO parent VALUES (2, '[4,6)')",
            "23P01",
            ErrorKind::ExclusionViolation,
            Some("parent_overlap"),
            None,
        ),
        ("INSERT INTO child VALUES (9)", "23503", ErrorKind::ForeignKeyViolation, Some("child_parent"), Some("child")),
        ("DELETE FROM parent", "23503", ErrorKind::ForeignKeyViolation, Some("child_parent"), Some("child")),
        ("INSERT INTO child VALUES (NULL)", "23502", ErrorKind::NotNullViolation, None, Some("child")),
        ("INSERT INTO child VALUES (1, 0)", "23514", ErrorKind::CheckViolation, Some("child_age"), Some("child")),
        ("SELECT nothing FROM nowhere", "42P01", ErrorKind::Other, None, None),
        ("SELEKT", "42601", ErrorKind::Other, None, None),
    ] {
        let error = refusal(&mut conn, sql).await;
        assert_eq!(error.fault(), DataApiFault::Statement, "{sql}");
        assert_eq!(error.code().as_deref(), Some(code), "{sql}");
        assert_eq!(error.kind(), kind, "{sql}");
        assert_eq!(error.constraint(), constraint, "{sql}");
        assert_eq!(error.table(), table, "{sql}");
        assert!(error.request_id().is_some() && error.source().is_some());
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn refusals_by_the_data_api_have_faults() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    let unsupported = refusal(&mut conn, "SELECT ARRAY[[1], [2]]").await;
    assert_eq!(unsupported.fault(), DataApiFault::UnsupportedResult);
    let several = refusal(&mut conn, "SELECT 1; SELECT 2").await;
    assert_eq!(several.fault(), DataApiFault::Request);
    let options = database.options.clone().database("nowhere");
    let mut nowhere = sqlx::ConnectOptions::connect(&options).await.unwrap();
    assert!(query("SELECT 1").execute(&mut nowhere).await.is_err());
}

#[tokio::test]
async fn oversized_results_are_a_result_too_large_fault() {
    let pool = Database::new().await.pool().await;
    query("CREATE TABLE t (v bytea)").execute(&pool).await.unwrap();
    query("INSERT INTO t VALUES ($1)").bind(vec![0_u8; 70_000]).execute(&pool).await.expect("a request may be 4 MiB");
    let mut conn = pool.acquire().await.unwrap();
    for sql in ["SELECT v FROM t", "SELECT repeat('x', 60000) FROM generate_series(1, 20)"] {
        let error = refusal(&mut conn, sql).await;
        assert_eq!(error.fault(), DataApiFault::ResultTooLarge, "{sql}");
        assert!(error.to_string().contains("64 KB"), "{error}");
    }
    let length: i32 = query_scalar("SELECT length(v) FROM t").fetch_one(&pool).await.unwrap();
    assert_eq!(length, 70_000);
}

#[tokio::test]
async fn statement_beyond_the_time_limit_is_a_timeout_fault() {
    let limits = Limits { statement: Duration::from_millis(100), ..Limits::default() };
    let mut conn = Database::with_limits(limits).await.connect().await;
    let error = refusal(&mut conn, "SELECT 1 FROM pg_sleep(30)").await;
    assert_eq!(error.fault(), DataApiFault::Timeout);
}

#[tokio::test]
async fn wrong_secret_or_cluster_is_an_access_fault() {
    let database = Database::new().await;
    let client = || client(database.address, Sent::default());
    for options in [
        DataApiConnectOptions::new(client(), RESOURCE_ARN, "another"),
        DataApiConnectOptions::new(client(), "another", SECRET_ARN),
    ] {
        let mut conn = options.connect().await.unwrap();
        assert_eq!(refusal(&mut conn, "SELECT 1").await.fault(), DataApiFault::Access);
    }
}

#[tokio::test]
async fn text_with_nul_is_not_sent() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    for refused in [
        query("SELECT $1").bind("a\0").execute(&mut conn).await,
        query("SELECT $1").bind(vec!["a\0".to_owned()]).execute(&mut conn).await,
    ] {
        assert!(matches!(refused, Err(Error::Encode(_))), "{refused:?}");
    }
    assert_eq!(database.requests(), 0);
    let json = query("SELECT $1").bind(Json("a\0")).execute(&mut conn).await.unwrap_err();
    assert_eq!(json.as_database_error().unwrap().code().as_deref(), Some("22P05"), "jsonb has none either");
}

#[tokio::test]
async fn statements_that_the_service_cannot_run_are_not_sent() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    let long = format!("SELECT '{}'", "é".repeat(65_536));
    for sql in ["SELECT '\0'", "COPY t FROM STDIN", "-- a\rcopy (SELECT 1) TO stdout", &long] {
        let refused = query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidArgument(_)), "{refused}");
    }
    assert_eq!(database.requests(), 0);
    let almost = format!("SELECT length('{}')", "é".repeat(65_500));
    let length: i32 = query_scalar(sqlx::AssertSqlSafe(almost)).fetch_one(&mut conn).await.unwrap();
    assert_eq!(length, 65_500);
}

/// They took a minute when each argument was looked for in the whole statement.
#[tokio::test]
async fn work_grows_with_the_number_of_arguments() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    for (count, fits) in [(3_000, true), (8_000, false), (32_767, false)] {
        let placeholders: Vec<String> = (1..=count).map(|n| format!("${n}")).collect();
        let sql = format!("SELECT array_length(ARRAY[{}], 1)", placeholders.join(","));
        let mut statement = query_scalar::<i32>(sqlx::AssertSqlSafe(sql));
        for n in 0..count {
            statement = statement.bind(n);
        }
        match tokio::time::timeout(Duration::from_secs(10), statement.fetch_one(&mut conn)).await.unwrap() {
            Ok(length) => assert!(fits && length == count, "{count}"),
            Err(error) => assert!(!fits && error.to_string().contains("as arrays"), "{count}: {error}"),
        }
    }
    let many: Vec<i32> = (0..100_000).collect();
    let sum: i64 = query_scalar("SELECT sum(n) FROM unnest($1) AS n").bind(many).fetch_one(&mut conn).await.unwrap();
    assert_eq!(sum, 99_999 * 50_000);
}

#[tokio::test]
async fn a_bad_number_of_arguments_is_not_sent() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    for sql in ["SELECT $1::int + $2", "SELECT 1"] {
        let error = query(sql).bind(1).execute(&mut conn).await.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    }
    assert_eq!(database.requests(), 0);
}

#[tokio::test]
async fn unreachable_service_is_an_io_error() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let client = client(nobody, Sent::default());
    let options = sqlx_data_api::DataApiConnectOptions::new(client, "r", "s");
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let error = query_scalar::<i32>("SELECT 1").fetch_one(&mut conn).await.unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error:?}");
}
