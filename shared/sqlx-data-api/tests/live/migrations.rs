//! Migrations: applied once, whole or not at all, by one at a time.

use std::time::Duration;

use local_aurora::data_api::Limits;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlStr};
use sqlx_data_api::{DataApiConnection, query, query_scalar};
use uuid::Uuid;

use crate::database::Database;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

fn migration(version: i64, migration_type: MigrationType, sql: &'static str) -> Migration {
    Migration::new(version, "test".into(), migration_type, SqlStr::from_static(sql), false)
}

async fn locks(conn: &mut DataApiConnection) -> i64 {
    query_scalar("SELECT count(*) FROM _sqlx_migrations_lock").fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn migrations_of_a_folder_are_applied_once() {
    let pool = Database::new().await.pool().await;
    for _ in 0..2 {
        MIGRATOR.run(&pool).await.unwrap();
    }
    let applied: Vec<i64> = query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(applied, [1, 2]);
    query("INSERT INTO users (id) VALUES ($1)").bind(Uuid::nil()).execute(&pool).await.unwrap();
    query("SELECT note($1, 'x')::text").bind(Uuid::nil()).execute(&pool).await.unwrap();
    let (notes, body): (i64, String) = sqlx_data_api::query_as("SELECT notes_of($1), body FROM notes")
        .bind(Uuid::nil())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((notes, &*body), (1, "x';"));
}

#[tokio::test]
async fn failed_migration_is_rolled_back_and_releases_the_lock() {
    let database = Database::new().await;
    let mut conn = database.connect().await;
    let bad = "CREATE TABLE half (n int); SELECT 1 / 0;";
    let failed = Migrator::with_migrations(vec![migration(1, MigrationType::Simple, bad)]).run(&mut conn).await;
    assert!(matches!(failed, Err(MigrateError::ExecuteMigration(_, 1))), "{failed:?}");
    let tables: i64 =
        query_scalar("SELECT count(*) FROM pg_tables WHERE tablename = 'half'").fetch_one(&mut conn).await.unwrap();
    assert_eq!(tables, 0);
    assert_eq!(locks(&mut database.connect().await).await, 0);
}

/// sqlx's `Migrator` reads the applied migrations after it took the lock, and does not unlock when it finds a difference.
#[tokio::test]
async fn changed_migration_is_refused_and_closing_the_connection_releases_the_lock() {
    let database = Database::new().await;
    let (mut conn, mut other) = (database.connect().await, database.connect().await);
    let migrator = |sql| Migrator::with_migrations(vec![migration(1, MigrationType::Simple, sql)]);
    migrator("SELECT 1").run(&mut conn).await.unwrap();
    let changed = migrator("SELECT 2").run(&mut conn).await;
    assert!(matches!(changed, Err(MigrateError::VersionMismatch(1))), "{changed:?}");
    assert_eq!(locks(&mut other).await, 1);
    conn.close().await.unwrap();
    assert_eq!(locks(&mut other).await, 0);

    let pool = database.pool().await;
    migrator("SELECT 2").run(&pool).await.unwrap_err();
    let returned = async {
        while locks(&mut other).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), returned).await.expect("the pool took the connection back");
}

#[tokio::test]
async fn reversible_migrations_are_undone() {
    let mut conn = Database::new().await.connect().await;
    let migrator = Migrator::with_migrations(vec![
        migration(1, MigrationType::ReversibleUp, "CREATE TABLE a (n int); CREATE TABLE b (n int)"),
        migration(1, MigrationType::ReversibleDown, "DROP TABLE b; DROP TABLE a"),
    ]);
    for _ in 0..2 {
        migrator.run(&mut conn).await.unwrap();
        migrator.undo(&mut conn, 0).await.unwrap();
    }
    let left: i64 = query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut conn).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn concurrent_migrators_take_turns() {
    let database = Database::new().await;
    let migrate = async || MIGRATOR.run(&mut database.connect().await).await;
    let (first, second, third) = tokio::join!(migrate(), migrate(), migrate());
    first.unwrap();
    second.unwrap();
    third.unwrap();
}

#[tokio::test]
async fn an_expired_lock_is_taken_over() {
    let database = Database::new().await;
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    first.lock().await.unwrap();
    query("UPDATE _sqlx_migrations_lock SET expires_at = now() - interval '1 second'")
        .execute(&mut second)
        .await
        .unwrap();
    second.lock().await.unwrap();
    second.ensure_migrations_table("_sqlx_migrations").await.unwrap();
    let late = first.apply("_sqlx_migrations", &migration(1, MigrationType::Simple, "CREATE TABLE late (n int)")).await;
    assert!(late.is_err(), "a migrator that lost the lock stops");
    first.unlock().await.unwrap();
    assert_eq!(locks(&mut second).await, 1, "and does not release the lock of another migrator");
}

#[tokio::test]
async fn statements_longer_than_the_call_timeout_are_awaited() {
    let limits = Limits { statement: Duration::from_secs(1), ..Limits::default() };
    let mut conn = Database::with_limits(limits).await.connect().await;
    let slow = "CREATE TABLE slow (n int); INSERT INTO slow SELECT 1 FROM pg_sleep(2.5);";
    Migrator::with_migrations(vec![migration(1, MigrationType::Simple, slow)]).run(&mut conn).await.unwrap();
    let rows: i64 = query_scalar("SELECT count(*) FROM slow").fetch_one(&mut conn).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn line_ends_of_all_kinds_separate_comments_from_statements() {
    let mut conn = Database::new().await.connect().await;
    let script =
        "CREATE TABLE cr (x int); -- it's; one\rINSERT INTO cr VALUES (1);\rINSERT INTO cr VALUES (2); -- that's; it\r";
    Migrator::with_migrations(vec![migration(1, MigrationType::Simple, script)]).run(&mut conn).await.unwrap();
    let rows: i64 = query_scalar("SELECT count(*) FROM cr").fetch_one(&mut conn).await.unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn bodies_of_functions_reach_postgresql_as_written() {
    let mut conn = Database::new().await.connect().await;
    let script = r"CREATE FUNCTION part(a int[], n int) RETURNS text LANGUAGE plpgsql AS $body$
        DECLARE i int := 1; j int:=n; BEGIN RETURN a[i:j]::text || 'it''s :i' || E'\\'; END $body$;
        DO $$ BEGIN PERFORM part(ARRAY[1, 2], 1); END $$;";
    Migrator::with_migrations(vec![migration(1, MigrationType::Simple, script)]).run(&mut conn).await.unwrap();
    let part: String = query_scalar("SELECT part($1, 2)").bind(vec![7, 8, 9]).fetch_one(&mut conn).await.unwrap();
    assert_eq!(part, r"{7,8}it's :i\");
    let body: String =
        query_scalar("SELECT prosrc FROM pg_proc WHERE proname = 'part'").fetch_one(&mut conn).await.unwrap();
    assert!(body.starts_with("\n        DECLARE i int := 1; j int:=n; BEGIN RETURN a[i:j]::text"), "{body}");
}
