//! The database role of the functions: what it may do, how it gets its password, and a database that sleeps for long.

use end_to_end::aws::{FUNCTIONS_SECRET, database, database_as, secrets};
use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestUser};
use migrate::{FunctionsRole, Responder};
use serde_json::json;
use sqlx_data_api::{DataApiPool, query, query_as};

use crate::PLAN;

/// Code of the errors of missing rights.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

async fn refusal(pool: &DataApiPool, sql: &'static str) -> String {
    let refused = query(sql).execute(pool).await.expect_err(sql);
    let error = refused.into_database_error().unwrap_or_else(|| panic!("{sql} did not reach the database"));
    error.code().unwrap_or_default().into_owned()
}

/// As an operator does who invokes `Migrate`.
async fn migrate_again(cloud: &Cloud) {
    let role = FunctionsRole::new(secrets(cloud), FUNCTIONS_SECRET.replace("-local0", ""));
    migrate::handle(&database(cloud), &role, &Responder::default(), json!({})).await.unwrap();
}

#[tokio::test]
async fn functions_cannot_change_the_schema_nor_delete_what_is_kept() {
    let _plan = PLAN.read().await;
    let functions = database_as(Cloud::shared(), FUNCTIONS_SECRET);
    for sql in [
        "CREATE TABLE intruder (id int)",
        "CREATE TEMPORARY TABLE intruder (id int)",
        "DROP TABLE outbox",
        "ALTER TABLE outbox ADD COLUMN intruder int",
        "ALTER ROLE palaver_functions CREATEROLE",
        "CREATE INDEX intruder ON outbox (version)",
        "TRUNCATE outbox",
        "GRANT SELECT ON outbox TO PUBLIC",
        "CREATE ROLE intruder",
        "SELECT * FROM _sqlx_migrations",
        "DELETE FROM users",
        "DELETE FROM conversations",
        "DELETE FROM conversation_members",
    ] {
        // PostgreSQL only warns of a grant that grants nothing.
        if sql.starts_with("GRANT") {
            query(sql).execute(&functions).await.ok();
            continue;
        }
        assert_eq!(refusal(&functions, sql).await, INSUFFICIENT_PRIVILEGE, "{sql}");
    }
    let owner = database(Cloud::shared());
    let (granted,): (bool,) = query_as("SELECT has_table_privilege('public', 'outbox', 'SELECT')")
        .fetch_one(&owner)
        .await
        .unwrap_or((false,));
    assert!(!granted);
    // A table that a later migration makes.
    query("CREATE TABLE later (id int)").execute(&owner).await.unwrap();
    query("INSERT INTO later VALUES (1)").execute(&functions).await.unwrap();
    query("DROP TABLE later").execute(&owner).await.unwrap();
    let limits: Vec<(String,)> = query_as(
        "SELECT setting FROM pg_settings
         WHERE name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')",
    )
    .fetch_all(&functions)
    .await
    .unwrap();
    assert_eq!(limits, vec![("5000".to_owned(),); 3], "each statement is bounded, in milliseconds");
}

/// The password is changed: calls fail until `Migrate` has run again, and succeed then.
#[tokio::test]
async fn role_gets_the_password_of_the_secret() {
    let _plan = PLAN.write().await;
    let cloud = Cloud::shared();
    let alice = TestUser::new("alice").await;
    let before = secrets(cloud).get_secret_value().secret_id("local-FunctionsSecret").send().await.unwrap();
    let changed = json!({"username": "palaver_functions", "password": "it's changed"}).to_string();
    for value in [changed.as_str(), before.secret_string().unwrap()] {
        secrets(cloud).put_secret_value().secret_id("local-FunctionsSecret").secret_string(value).send().await.unwrap();
        if value == changed {
            // Connections with the password of before stay open, those with this one are new.
            let refused = refusal(&database_as(cloud, FUNCTIONS_SECRET), "SELECT 1").await;
            assert_eq!(refused, "28P01", "the password is not the role's");
        }
        migrate_again(cloud).await;
        assert_eq!(alice.get("/v1/users/me").await.0, 200);
        // Safe to repeat.
        migrate_again(cloud).await;
    }
    let unknown = query("SELECT 1").execute(&database_as(cloud, "unknown")).await.unwrap_err().to_string();
    assert!(unknown.contains("Secrets Manager can't find the specified secret."), "{unknown}");
}

/// Longer than a user waits: the migrations go on until the database is there.
#[tokio::test]
async fn migrations_wait_for_a_database_that_resumes_slowly() {
    let _plan = PLAN.write().await;
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &[Kind::Resuming.rule().next(8)]).await;
    migrate_again(cloud).await;
    cloud.clear_faults().await;
}
