//! Limits of sizes and times.

use std::time::Duration;

use aws_sdk_rdsdata::types::Field;
use local_aurora::data_api::Limits;

use crate::harness::{DataApi, Refusal, eventually, parameter, refusal, refused, text};

#[tokio::test]
async fn a_row_has_64_kilobytes() {
    let api = DataApi::start().await;
    api.run("SELECT repeat('a', 65000)").await;
    let refusal = refused(api.execute("SELECT repeat('a', 66000)")).await;
    assert_eq!(refusal, database_error("Packet for query is too large"));
}

#[tokio::test]
async fn a_cancelled_statement_does_not_affect_later_calls() {
    let api = DataApi::start().await;
    for _ in 0..100 {
        // The statement is cancelled near its end, so that the request to cancel it arrives late.
        refused(api.execute("SELECT repeat('a', 10000) FROM generate_series(1, 110)")).await;
        api.run("SELECT pg_sleep(0.001)::text").await;
    }
}

#[tokio::test]
async fn a_response_has_one_mebibyte() {
    let api = DataApi::start().await;
    api.run("SELECT repeat('a', 10000) FROM generate_series(1, 100)").await;
    let too_large = database_error("Database returned more than the allowed response size limit");
    let refusal = refused(api.execute("SELECT repeat('a', 10000) FROM generate_series(1, 110)")).await;
    assert_eq!(refusal, too_large);
    // The rest is not waited for.
    let refusal = refused(api.execute("SELECT repeat('a', 10000), generate_series(1, 100000000000)")).await;
    assert_eq!(refusal, too_large);
    let endless = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%100000000000)'";
    eventually(async || api.run(endless).await.records() == [[Field::LongValue(0)]]).await;
    // Less than a mebibyte in the database, more than that as JSON.
    let refusal = refused(api.execute("SELECT n FROM generate_series(1, 60000) n")).await;
    assert_eq!(refusal, too_large);
}

#[tokio::test]
async fn a_request_has_four_mebibytes() {
    let api = DataApi::start().await;
    let length = |bytes| api.execute("SELECT length(:a)").parameters(parameter("a", text(&"a".repeat(bytes))));
    let output = length(4_100_000).send().await.unwrap();
    assert_eq!(output.records(), [[Field::LongValue(4_100_000)]]);
    let refusal = refusal(length(4_300_000).send().await.unwrap_err());
    assert_eq!(refusal.status, 413);
}

#[tokio::test]
async fn a_statement_is_cancelled_when_its_time_is_over() {
    let api = DataApi::with_limits(Limits { statement: Duration::from_millis(200), ..Limits::default() }).await;
    api.run("CREATE TABLE t (a int)").await;
    let id = api.begin().await;
    let refusal = refused(api.execute("SELECT pg_sleep(600)::text").transaction_id(&id)).await;
    assert_eq!(
        refusal,
        Refusal { status: 400, code: "StatementTimeoutException".into(), message: "Request timed out".into() }
    );
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                    AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
    eventually(async || api.run(sleeping).await.records() == [[Field::LongValue(0)]]).await;
    // The transaction has gone with it.
    eventually(async || api.commit(&id).await.unwrap_err().status == 404).await;
}

#[tokio::test]
async fn a_statement_may_go_on_when_the_call_is_over() {
    let api = DataApi::with_limits(Limits { statement: Duration::from_millis(200), ..Limits::default() }).await;
    api.run("CREATE TABLE t (a int)").await;
    let insert = "INSERT INTO t SELECT 1 FROM pg_sleep(0.4)";
    let refusal = refused(api.execute(insert).continue_after_timeout(true)).await;
    assert_eq!(refusal.code, "StatementTimeoutException");
    eventually(async || api.count("t").await == 1).await;
}

#[tokio::test]
async fn more_calls_than_connections_wait_for_one_another() {
    let api = DataApi::with_limits(Limits { connections: 2, ..Limits::default() }).await;
    let calls = (0..20).map(|_| tokio::spawn(api.execute("SELECT pg_sleep(0.01)::text").send()));
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_call_without_a_free_connection_is_refused() {
    let limits = Limits { connections: 1, statement: Duration::from_millis(200), ..Limits::default() };
    let api = DataApi::with_limits(limits).await;
    let id = api.begin().await;
    let refusal = refused(api.execute("SELECT 1")).await;
    assert_eq!((refusal.status, refusal.code.as_str()), (503, "ServiceUnavailableError"));
    api.rollback(&id).await.unwrap();
    api.run("SELECT 1").await;
}

#[tokio::test]
async fn a_shutdown_waits_for_no_statement() {
    let api = DataApi::start().await;
    let observer = DataApi::start().await;
    api.begin().await;
    let sleeping = tokio::spawn(api.execute("SELECT pg_sleep(600)::text").send());
    let asleep = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event = 'PgSleep'",
        api.cluster.database
    );
    eventually(async || observer.run(&asleep).await.records() == [[Field::LongValue(1)]]).await;
    drop(api.shutdown);
    let error = refusal(sleeping.await.unwrap().unwrap_err());
    assert_eq!((error.status, error.code.as_str()), (503, "ServiceUnavailableError"));
    api.serving.await.unwrap().unwrap();
    eventually(async || observer.run(&asleep).await.records() == [[Field::LongValue(0)]]).await;
}

fn database_error(message: &str) -> Refusal {
    Refusal { status: 400, code: "DatabaseErrorException".into(), message: message.into() }
}
