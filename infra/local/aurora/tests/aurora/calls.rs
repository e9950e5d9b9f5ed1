//! Answers of successful calls.

use aws_sdk_rdsdata::types::{Field, SqlParameter};

use crate::harness::{DataApi, parameter, refusal, text};

#[tokio::test]
async fn changes_are_counted_and_rows_returned() {
    let api = DataApi::start().await;
    let created = api.run("CREATE TABLE t (a int)").await;
    assert_eq!((created.number_of_records_updated(), created.records), (0, None));
    let inserted = api.run("INSERT INTO t VALUES (1), (2), (3)").await;
    assert_eq!((inserted.number_of_records_updated(), inserted.records), (3, None));
    let updated = api.run("UPDATE t SET a = a + 1 WHERE a > 1").await;
    assert_eq!(updated.number_of_records_updated(), 2);
    let deleted = api.run("DELETE FROM t WHERE a = 3 RETURNING a").await;
    assert_eq!(deleted.records(), [[Field::LongValue(3)]]);
    let selected = api.run("SELECT a FROM t ORDER BY a").await;
    assert_eq!(selected.records(), [[Field::LongValue(1)], [Field::LongValue(4)]]);
    assert_eq!((selected.number_of_records_updated(), selected.column_metadata), (0, None));
    let none = api.run("SELECT a FROM t WHERE false").await;
    assert_eq!(none.records, Some(vec![]));
}

#[tokio::test]
async fn metadata_describes_the_columns() {
    let api = DataApi::start().await;
    api.run(
        "CREATE TABLE people (id serial PRIMARY KEY, name varchar(20), tags text[], balance numeric(10, 2) NOT NULL)",
    )
    .await;
    let select = "SELECT id, name AS label, tags, balance, 1 AS number FROM people";
    for _ in 0..2 {
        let output = api.execute(select).include_result_metadata(true).send().await.unwrap();
        let columns = output.column_metadata();
        let names: Vec<_> = columns
            .iter()
            .map(|column| (column.name().unwrap(), column.label().unwrap(), column.type_name().unwrap()))
            .collect();
        assert_eq!(
            names,
            [
                ("id", "id", "int4"),
                ("name", "label", "varchar"),
                ("tags", "tags", "_text"),
                ("balance", "balance", "numeric"),
                ("number", "number", "int4"),
            ]
        );
        assert_eq!(columns.iter().map(|column| column.nullable).collect::<Vec<_>>(), [0, 1, 1, 0, 2]);
        assert_eq!(columns.iter().map(|column| column.r#type).collect::<Vec<_>>(), [4, 12, 2003, 2, 4]);
        assert_eq!(columns[0].table_name(), Some("people"));
        assert!(columns[0].is_auto_increment && columns[0].is_signed && !columns[1].is_auto_increment);
        assert_eq!((columns[1].precision, columns[3].precision, columns[3].scale), (20, 10, 2));
        assert_eq!(columns[2].array_base_column_type, 12);
    }
}

#[tokio::test]
async fn a_batch_runs_once_for_each_set() {
    let api = DataApi::start().await;
    api.run("CREATE TABLE t (a int PRIMARY KEY, b text)").await;
    let batch = |sets: Vec<Vec<SqlParameter>>| {
        api.client
            .batch_execute_statement()
            .resource_arn(&api.cluster.arn)
            .secret_arn(&api.cluster.secret_arn)
            .sql("INSERT INTO t VALUES (:a, :b)")
            .set_parameter_sets(Some(sets))
    };
    let row = |a| vec![parameter("a", Field::LongValue(a)), parameter("b", text("x"))];
    let output = batch(vec![row(1), row(2), row(3)]).send().await.unwrap();
    assert_eq!(output.update_results().len(), 3);
    assert!(output.update_results().iter().all(|result| result.generated_fields().is_empty()));
    assert_eq!(api.count("t").await, 3);

    let id = api.begin().await;
    batch(vec![row(4), row(5)]).transaction_id(&id).send().await.unwrap();
    api.rollback(&id).await.unwrap();
    assert_eq!(api.count("t").await, 3);

    let id = api.begin().await;
    let error = refusal(batch(vec![row(6), row(6)]).transaction_id(&id).send().await.unwrap_err());
    assert!(error.message.ends_with("SQLState: 23505"), "{error:?}");
    assert_eq!(api.commit(&id).await.unwrap_err().status, 404);
    assert_eq!(api.count("t").await, 3);
}

#[tokio::test]
async fn a_remembered_statement_follows_the_schema() {
    let api = DataApi::with_one_connection().await;
    api.run("CREATE TABLE t (a int)").await;
    api.run("INSERT INTO t VALUES (1)").await;
    for _ in 0..3 {
        assert_eq!(api.run("SELECT * FROM t").await.records(), [[Field::LongValue(1)]]);
    }
    api.run("ALTER TABLE t ALTER a TYPE text").await;
    assert_eq!(api.run("SELECT * FROM t").await.records(), [[text("1")]]);
}

#[tokio::test]
async fn more_statements_than_are_remembered_still_run() {
    let api = DataApi::with_one_connection().await;
    for _ in 0..2 {
        for number in 0..150 {
            assert_eq!(api.run(&format!("SELECT {number}")).await.records(), [[Field::LongValue(number)]]);
        }
    }
}
