//! The driver's reading of SQL, compared with that of PostgreSQL itself on many unusual texts.
//!
//! PostgreSQL prepares each text with its `$n` and tells the number of parameters; then it runs the text, and the driver does the
//! same. Scripts go to PostgreSQL whole, which tells how many statements there are.

use futures_util::TryStreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{AssertSqlSafe, Executor, Row, SqlSafeStr, Statement};
use sqlx_data_api::{DataApiConnection, DataApiRow, query};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::database::{Database, postgres};

/// Expressions of type `text`, nearly all with something that a scanner can take for something else.
const TEXTS: [&str; 26] = [
    "$1",
    "$2",
    "$1::text",
    "'a'",
    "'it''s $1; -- '",
    "'\\'",
    "E'it\\'s; $1'",
    "E'\\\\'",
    "e'a'\n'\\'; $1'",
    "E'a' -- it's\r\t'\\'$1;'",
    "'a'\r'b\\'",
    "U&'\\0024 $1;'",
    "N'$1'",
    "$$it's $1; -- \"$$",
    "$a$ $$;$1 $b$ $a$",
    "$é$;$1$é$",
    "$$:b a:1 c::d$$",
    "$a$it's :b; \\$a$",
    "(SELECT a$1 FROM (SELECT 'x' AS a$1) AS t)",
    "(SELECT \"$1;'\" FROM (SELECT 'x' AS \"$1;'\") AS \"t:1\")",
    "(ARRAY['x','y'])[1]",
    "(ARRAY['x','y','z'])[1:2]::text",
    "(ARRAY['x','y','z'])[:2]::text",
    "(ARRAY['x','y','z'])[i:3]::text",
    "(1e3 - -1.5)::text",
    "CASE WHEN 1 <> 2 THEN 'end' END",
];

/// What may stand between two tokens.
const GAPS: [&str; 12] = [
    " ",
    "\n",
    "\r",
    "\t\x0c",
    "\r\n",
    " -- it's $9; \"\r",
    " -- /* \n",
    "--\r",
    "/* ' $9; */",
    "/* /* \" */ -- */ ",
    "/*/**/*/",
    "/* $$ **/",
];

fn pick<'a>(random: &mut StdRng, texts: &[&'a str]) -> &'a str {
    texts[random.random_range(0..texts.len())]
}

fn statement(random: &mut StdRng, texts: &[&str]) -> String {
    let mut sql = format!("{}SELECT ", pick(random, &GAPS));
    for index in 0..random.random_range(1..5) {
        if index > 0 {
            sql.extend([pick(random, &GAPS), "||", pick(random, &GAPS)]);
        }
        sql.push_str(pick(random, texts));
    }
    sql.extend([pick(random, &GAPS), "FROM (SELECT 1 AS i) AS t", pick(random, &GAPS)]);
    sql
}

/// A database with both ways into it. PostgreSQL itself is asked without the Data API.
async fn both() -> (DataApiConnection, Client) {
    let conn = Database::new().await.connect().await;
    let (client, connection) = postgres().await.database().config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    (conn, client)
}

fn first(row: &DataApiRow) -> Option<String> {
    row.get(0)
}

#[tokio::test]
async fn placeholders_are_those_of_postgresql() {
    let (mut conn, client) = both().await;
    let mut random = StdRng::seed_from_u64(46);
    let mut compared = 0;
    for _ in 0..800 {
        let sql = statement(&mut random, &TEXTS);
        // A text that skips `$1` has no type for it; strings that go on make other texts invalid.
        let Ok(prepared) = client.prepare_typed(&sql, &[tokio_postgres::types::Type::TEXT; 2]).await else { continue };
        // PostgreSQL counts the types that were given.
        let uses = conn.prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await.unwrap();
        let count = uses.parameters().unwrap().right().unwrap();
        let expected: Option<String> = client.query_one(&prepared, &[&"X", &"Y"]).await.unwrap().get(0);
        let mut bound = query(AssertSqlSafe(sql.clone()));
        for value in ["X", "Y"].iter().take(count) {
            bound = bound.bind(*value);
        }
        let row = conn.fetch_one(bound).await.unwrap_or_else(|error| panic!("{sql:?}: {error}"));
        assert_eq!(first(&row), expected, "{sql:?}");
        compared += 1;
    }
    assert!(compared > 400, "{compared} of the texts are SQL");
}

#[tokio::test]
async fn statements_are_those_of_postgresql() {
    let (mut conn, client) = both().await;
    let mut random = StdRng::seed_from_u64(47);
    let mut compared = 0;
    for _ in 0..300 {
        let mut script = String::new();
        for _ in 0..random.random_range(1..5) {
            script.push_str(&statement(&mut random, &TEXTS[3..]));
            script.extend([";", pick(&mut random, &GAPS), pick(&mut random, &["", ";", " ;;"])]);
        }
        let Ok(messages) = client.simple_query(&script).await else { continue };
        let expected: Vec<Option<String>> = messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
                _ => None,
            })
            .collect();
        let rows: Vec<DataApiRow> = sqlx::raw_sql(AssertSqlSafe(script.clone()))
            .fetch(&mut conn)
            .try_collect()
            .await
            .unwrap_or_else(|error| panic!("{script:?}: {error}"));
        assert_eq!(rows.iter().map(first).collect::<Vec<_>>(), expected, "{script:?}");
        compared += 1;
    }
    assert!(compared > 100, "{compared} of the scripts are SQL");
}
