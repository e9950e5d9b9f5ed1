//! The ways to run a statement, and SQL that a careless translation would spoil.

use futures_util::TryStreamExt;
use sqlx::types::Json;
use sqlx::{Column, ConnectOptions, Either, Executor, Row, Statement};
use sqlx_data_api::{DataApiConnectOptions, DataApiQueryBuilder, DataApiQueryResult, query, query_as, query_scalar};
use uuid::Uuid;

use crate::database::{Database, RESOURCE_ARN, SECRET_ARN, Sent, client};

#[tokio::test]
async fn rows_are_fetched_by_every_method() {
    let pool = Database::new().await.pool().await;
    let sql = "SELECT n, n::text AS name FROM generate_series(1, $1) AS n";
    let rows = query(sql).bind(3).fetch_all(&pool).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].get::<i32, _>(0), 3);
    assert_eq!(rows[2].get::<&str, _>("name"), "3");
    assert!(rows[0].try_get::<i32, _>("nothing").is_err() && rows[0].try_get::<i32, _>(2).is_err());
    let columns: Vec<_> = rows[0].columns().iter().map(Column::name).collect();
    assert_eq!(columns, ["n", "name"]);

    let streamed: Vec<(i32, String)> = query_as(sql).bind(2).fetch(&pool).try_collect().await.unwrap();
    assert_eq!(streamed, [(1, "1".to_owned()), (2, "2".to_owned())]);
    let first: Option<i32> = query_scalar(sql).bind(2).fetch_optional(&pool).await.unwrap();
    assert_eq!(first, Some(1));
    let none: Option<i32> = query_scalar(sql).bind(0).fetch_optional(&pool).await.unwrap();
    assert_eq!(none, None);
    let missing = query(sql).bind(0).fetch_one(&pool).await;
    assert!(matches!(missing, Err(sqlx::Error::RowNotFound)));
}

#[tokio::test]
async fn affected_rows_are_counted() {
    let pool = Database::new().await.pool().await;
    query("CREATE TABLE t (n int)").execute(&pool).await.unwrap();
    let mut insert = DataApiQueryBuilder::new("INSERT INTO t ");
    insert.push_values([1, 2, 3], |mut row, n| {
        row.push_bind(n);
    });
    assert_eq!(insert.build().execute(&pool).await.unwrap().rows_affected(), 3);
    let updated = query("UPDATE t SET n = n + 1 WHERE n > $1").bind(1).execute(&pool).await.unwrap();
    assert_eq!(updated.rows_affected(), 2);
    let returned = query("DELETE FROM t WHERE n = $1 RETURNING n").bind(1).execute(&pool).await.unwrap();
    assert_eq!(returned.rows_affected(), 1);
    assert_eq!(query("DELETE FROM t WHERE n = 9").execute(&pool).await.unwrap().rows_affected(), 0);
}

#[tokio::test]
async fn scripts_are_atomic() {
    let pool = Database::new().await.pool().await;
    let script = "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2); SELECT n FROM t;";
    let results: Vec<_> = sqlx::raw_sql(script).execute_many(&pool).try_collect().await.unwrap();
    let affected: Vec<_> = results.iter().map(DataApiQueryResult::rows_affected).collect();
    assert_eq!(affected, [0, 2, 2]);
    pool.execute("INSERT INTO t VALUES (3); SELECT 1 / 0").await.unwrap_err();
    let left: i64 = query_scalar("SELECT count(*) FROM t").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn stream_yields_each_result_after_its_rows() {
    let mut conn = Database::new().await.connect().await;
    let script = "SELECT 1 AS n UNION ALL SELECT 2 ORDER BY n; SELECT 3 AS n";
    let items: Vec<_> = conn.fetch_many(script).try_collect().await.unwrap();
    let shape = items.iter().map(|item| match item {
        Either::Left(result) => Either::Left(result.rows_affected()),
        Either::Right(row) => Either::Right(row.get::<i32, _>("n")),
    });
    let expected = [Either::Right(1), Either::Right(2), Either::Left(2), Either::Right(3), Either::Left(1)];
    assert_eq!(shape.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn describe_is_unsupported() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    let error = conn.describe(sqlx::SqlStr::from_static("SELECT 1")).await.unwrap_err();
    assert!(error.to_string().contains("cannot describe"), "{error}");
    assert_eq!(database.requests(), 0);
}

#[tokio::test]
async fn prepared_statement_is_reused() {
    let mut conn = Database::new().await.connect().await;
    let statement = conn.prepare(sqlx::SqlStr::from_static("SELECT $1 + 1")).await.unwrap();
    assert_eq!(statement.parameters().unwrap().right(), Some(1));
    for n in [1, 2] {
        let sum: i32 = statement.query_scalar().bind(n).fetch_one(&mut conn).await.unwrap();
        assert_eq!(sum, n + 1);
    }
}

#[tokio::test]
async fn statement_cache_is_bounded() {
    use sqlx::Connection;
    let database = Database::new().await;
    let options = database.options.clone().statement_cache_capacity(2);
    let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
    for sql in ["SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3"] {
        query(sql).execute(&mut conn).await.unwrap();
        assert!(conn.cached_statements_size() <= 2);
    }
    conn.clear_cached_statements().await.unwrap();
    assert_eq!(conn.cached_statements_size(), 0);
}

#[tokio::test]
async fn placeholders_work_wherever_postgresql_accepts_them() {
    let pool = Database::new().await.pool().await;
    let (id, ids): (Uuid, Vec<i64>) = query_as(
        "SELECT $1::uuid, array(SELECT n FROM generate_series(1, 9) AS n WHERE n = ANY($2) ORDER BY n LIMIT $3)::int8[]",
    )
    .bind(Uuid::nil().to_string())
    .bind(vec![7_i64, 3, 5])
    .bind(2_i64)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((id, ids), (Uuid::nil(), vec![3, 5]));

    let (slice, element, bound): (Vec<i32>, i32, Vec<i32>) =
        query_as("SELECT a[$1:$2], $3[2], a[i:i] FROM (VALUES (ARRAY[1, 2, 3], 3)) AS t (a, i)")
            .bind(1)
            .bind(2)
            .bind(vec![7, 8])
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((slice, element, bound), (vec![1, 2], 8, vec![3]));

    let (has, path, contains): (bool, String, bool) =
        query_as("SELECT j ? $1, j #>> $2, j @> $3 FROM (VALUES ('{\"a\":{\"b\":true}}'::jsonb)) AS t (j)")
            .bind("a")
            .bind(vec!["a".to_owned(), "b".to_owned()])
            .bind(Json(vec!["a"]))
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((has, &*path, contains), (true, "true", false));
}

#[tokio::test]
async fn text_that_resembles_a_placeholder_is_unchanged() {
    let pool = Database::new().await.pool().await;
    let row: (String, String, String, String, i32) = query_as(
        r#"SELECT 'it''s $2 :p1', E'\' $2 :p1', $x$ $2 :p1 $x$, "c$2:p1", $1 -- $2 :p1 it's
        /* $3 :p1 ' */ FROM (VALUES ('a:b')) AS t ("c$2:p1")"#,
    )
    .bind(5)
    .fetch_one(&pool)
    .await
    .unwrap();
    let expected = ["it's $2 :p1", "' $2 :p1", " $2 :p1 ", "a:b"].map(str::to_owned);
    let [first, second, third, fourth] = expected;
    assert_eq!(row, (first, second, third, fourth, 5));
}

#[tokio::test]
async fn cast_placeholder_uses_an_index() {
    let mut conn = Database::new().await.connect().await;
    conn.execute(
        "CREATE TABLE t (id uuid PRIMARY KEY);
        INSERT INTO t SELECT gen_random_uuid() FROM generate_series(1, 10000);
        ANALYZE t",
    )
    .await
    .unwrap();
    let plan: Vec<String> =
        query_scalar("EXPLAIN SELECT FROM t WHERE id = $1").bind(Uuid::nil()).fetch_all(&mut conn).await.unwrap();
    assert!(plan[0].contains("Index"), "{plan:?}");
}

#[tokio::test]
async fn sqlx_functions_infer_the_database() {
    let pool = Database::new().await.pool().await;
    let row = sqlx::query("SELECT $1 AS n").bind(1).fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<i32, _>("n"), 1);
    let one: i32 = sqlx::query_scalar("SELECT $1").bind(1).fetch_one(&pool).await.unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn connection_options_are_parsed_from_a_url() {
    let database = Database::new().await;
    let url = format!("aurora-data-api://{}?resource_arn={RESOURCE_ARN}&secret_arn={SECRET_ARN}", database.address);
    let options: DataApiConnectOptions = url.parse().unwrap();
    assert!(options.connect().await.is_err(), "there is no client");
    let elsewhere = client("127.0.0.1:9".parse().unwrap(), Sent::default());
    let mut conn = options.client(elsewhere).connect().await.unwrap();
    query("SELECT 1").execute(&mut conn).await.unwrap();
}
