//! Transactions over several calls.

use std::time::Duration;

use aws_sdk_rdsdata::types::Field;
use local_aurora::data_api::Limits;

use crate::harness::{DataApi, Refusal, eventually, refused, text};

const EXPIRED: &str = "Transaction may be expired";
const ENDED: &str = "One previous call resulted in a termination of your transaction";
const ABORTED: &str = "Transaction has been aborted due to an error from a previous call";

#[tokio::test]
async fn a_commit_shows_what_was_hidden() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    api.execute("INSERT INTO t VALUES (2)").transaction_id(&id).send().await.unwrap();
    assert_eq!(api.count("t").await, 0);
    assert_eq!(api.commit(&id).await.unwrap(), "Transaction Committed");
    assert_eq!(api.count("t").await, 2);
    assert_eq!(api.commit(&id).await.unwrap_err(), not_found(&id, ENDED));
}

#[tokio::test]
async fn a_rollback_leaves_nothing() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    assert_eq!(api.rollback(&id).await.unwrap(), "Rollback Complete");
    assert_eq!(api.count("t").await, 0);
    assert_eq!(refused(api.execute("SELECT 1").transaction_id(&id)).await, not_found(&id, ENDED));
}

#[tokio::test]
async fn a_failed_statement_ends_the_transaction() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int PRIMARY KEY)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    refused(api.execute("SELECT 1 / 0").transaction_id(&id)).await;
    assert_eq!(refused(api.execute("SELECT 1").transaction_id(&id)).await, not_found(&id, ABORTED));
    assert_eq!(api.commit(&id).await.unwrap_err(), not_found(&id, ABORTED));
    assert_eq!(api.rollback(&id).await.unwrap_err(), not_found(&id, ABORTED));
    // Its locks are gone, too: this would wait for the other insert.
    api.run("INSERT INTO t VALUES (1)").await;
}

#[tokio::test]
async fn a_commit_can_fail() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE parent (id int PRIMARY KEY)").await;
    api.run("CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO child VALUES (1)").transaction_id(&id).send().await.unwrap();
    let refusal = api.commit(&id).await.unwrap_err();
    assert!(refusal.message.ends_with("SQLState: 23503"), "{refusal:?}");
    assert_eq!(api.count("child").await, 0);
}

#[tokio::test]
async fn a_call_that_did_not_reach_postgresql_ends_no_transaction() {
    let api = DataApi::start().await;
    let id = api.begin().await;
    refused(api.execute("SELECT :missing").transaction_id(&id)).await;
    refused(api.execute("SELECT 1").database("postgres").transaction_id(&id)).await;
    api.commit(&id).await.unwrap();
}

#[tokio::test]
async fn parallel_calls_fail_at_once() {
    let api = DataApi::start().await;
    let id = api.begin().await;
    api.run("CREATE TABLE lock (a int)").await;
    let holder = api.begin().await;
    api.execute("LOCK TABLE lock").transaction_id(&holder).send().await.unwrap();
    // Waits for the lock, which is held until the second call has been answered.
    let waiting = api.execute("SELECT count(*) FROM lock").transaction_id(&id).send();
    let waiting = tokio::spawn(waiting);
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'lock'::regclass";
    eventually(async || api.run(waits).await.records()[0][0].as_long_value() == Ok(&1)).await;

    let refusal = refused(api.execute("SELECT 1").transaction_id(&id)).await;
    assert_eq!(
        refusal,
        Refusal {
            status: 400,
            code: "DatabaseErrorException".into(),
            message: "Transaction is still running a query".into()
        }
    );
    api.rollback(&holder).await.unwrap();
    waiting.await.unwrap().unwrap();
    api.commit(&id).await.unwrap();
}

#[tokio::test]
async fn an_idle_transaction_expires_and_releases_its_locks() {
    let limits = Limits { transaction_idle: Duration::from_millis(100), ..Limits::default() };
    let api = DataApi::with_limits(limits).await;
    api.run("CREATE TABLE t (a int PRIMARY KEY)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    // Waits for the first insert, which is rolled back without another call.
    api.run("INSERT INTO t VALUES (1)").await;
    assert_eq!(api.commit(&id).await.unwrap_err(), not_found(&id, EXPIRED));
    assert_eq!(api.count("t").await, 1);
}

#[tokio::test]
async fn a_transaction_has_a_maximum_duration() {
    let limits = Limits { transaction: Duration::from_millis(100), ..Limits::default() };
    let api = DataApi::with_limits(limits).await;
    let id = api.begin().await;
    eventually(async || api.execute("SELECT 1").transaction_id(&id).send().await.is_err()).await;
    assert_eq!(api.commit(&id).await.unwrap_err(), not_found(&id, EXPIRED));
}

#[tokio::test]
async fn a_transaction_that_postgresql_ended_is_not_found() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int PRIMARY KEY)").await;
    let id = api.begin().await;
    let settings = "SELECT set_config('idle_in_transaction_session_timeout', '100ms', true)";
    api.execute(settings).transaction_id(&id).send().await.unwrap();
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    // Waits for the first insert.
    api.run("INSERT INTO t VALUES (1)").await;
    assert_eq!(refused(api.execute("SELECT 1").transaction_id(&id)).await, not_found(&id, EXPIRED));
    assert_eq!(api.commit(&id).await.unwrap_err(), not_found(&id, EXPIRED));
}

#[tokio::test]
async fn statements_cannot_end_the_transaction() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    for (sql, state) in [
        ("COMMIT", "2D000"),
        ("/* a */ end -- b", "2D000"),
        ("Rollback And Chain", "2D000"),
        ("abort", "2D000"),
        ("PREPARE TRANSACTION 'a'", "2D000"),
        ("BEGIN", "25001"),
        ("start transaction", "25001"),
    ] {
        let refusal = refused(api.execute(sql).transaction_id(&id)).await;
        assert_eq!((refusal.status, &*refusal.code), (400, "DatabaseErrorException"), "{sql}");
        assert!(refusal.message.ends_with(state), "{sql}: {refusal:?}");
    }
    assert_eq!(api.count("t").await, 0);
    api.commit(&id).await.unwrap();
    assert_eq!(api.count("t").await, 1);
}

#[tokio::test]
async fn a_statement_whose_caller_is_gone_times_out() {
    let api = DataApi::with_limits(Limits { statement: Duration::from_millis(500), ..Limits::default() }).await;
    api.run("CREATE TABLE t (a int PRIMARY KEY)").await;
    let id = api.begin().await;
    api.execute("INSERT INTO t VALUES (1)").transaction_id(&id).send().await.unwrap();
    let waiting = tokio::spawn(api.execute("SELECT 1 FROM pg_sleep(600)").transaction_id(&id).send());
    let running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND state = 'active'";
    eventually(async || api.run(running).await.records()[0][0].as_long_value() == Ok(&1)).await;
    waiting.abort();
    eventually(async || api.run(running).await.records()[0][0].as_long_value() == Ok(&0)).await;
    // Its transaction has ended, with its locks.
    eventually(async || api.execute("INSERT INTO t VALUES (1)").send().await.is_ok()).await;
}

#[tokio::test]
async fn an_unknown_transaction_is_not_found() {
    let api = DataApi::start().await;
    assert_eq!(api.rollback("AAAA").await.unwrap_err(), not_found("AAAA", EXPIRED));
}

#[tokio::test]
async fn a_session_is_clean_for_its_next_user() {
    let api = DataApi::with_one_connection().await;
    api.run("SET TimeZone = 'Asia/Tokyo'").await;
    api.run("CREATE TEMP TABLE leftover (a int)").await;
    api.run("SELECT pg_advisory_lock(1)::text").await;
    api.run("BEGIN").await;
    let refusal = refused(api.execute("SAVEPOINT a")).await;
    assert!(refusal.message.ends_with("SQLState: 25P01"), "no transaction is open: {refusal:?}");
    let select = "SELECT current_setting('TimeZone'), to_regclass('leftover')::text, \
                  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
    assert_eq!(api.run(select).await.records(), [[text("UTC"), Field::IsNull(true), Field::LongValue(0)]]);
}

fn not_found(id: &str, cause: &str) -> Refusal {
    Refusal {
        status: 404,
        code: "TransactionNotFoundException".into(),
        message: format!("Transaction {id} is not found. {cause}"),
    }
}
