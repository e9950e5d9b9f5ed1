//! No statement reads a whole table: PostgreSQL has an index for each table that it reads, and a condition on it.

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::source::Statement;

/// Plans a statement for any arguments, with sequential scans only where nothing else is possible. Returns the steps that read a
/// table without a condition on an index.
pub(crate) async fn scans(client: &Client, statement: &Statement) -> Result<Vec<String>, tokio_postgres::Error> {
    let count = client.prepare(&statement.sql).await?.params().len();
    let arguments = vec!["NULL"; count].join(", ");
    let arguments = if count == 0 { arguments } else { format!("({arguments})") };
    client
        .batch_execute(&format!(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE planned AS {}",
            statement.sql
        ))
        .await?;
    let explain = format!("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE planned{arguments}");
    let rows = client.simple_query(&explain).await?;
    let text = rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(text.expect("a plan")).expect("JSON");
    let mut found = Vec::new();
    visit(&plan[0]["Plan"], &mut found);
    Ok(found)
}

/// Returns true for a statement that PostgreSQL plans. Others, as `ALTER ROLE`, read no table.
fn is_planned(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first)
}

fn visit(step: &Value, found: &mut Vec<String>) {
    let kind = step["Node Type"].as_str().unwrap_or_default();
    let reads = match kind {
        "Seq Scan" | "Sample Scan" => true,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => step.get("Index Cond").is_none(),
        _ => false,
    };
    if reads {
        let of = ["Relation Name", "Index Name"].into_iter().find_map(|name| step[name].as_str()).unwrap_or_default();
        found.push(format!("{kind} of {of}"));
    }
    for below in step["Plans"].as_array().into_iter().flatten() {
        visit(below, found);
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let statements = crate::source::statements(&crate::sources()).unwrap();
    let postgres = local_aurora::postgres::Postgres::start(None).await.expect("PostgreSQL starts");
    let client = crate::connect(&postgres).await;
    crate::migrate(&client).await;
    // A join may well begin with all users where there are none.
    let users =
        "INSERT INTO users (user_id, display_name) SELECT gen_random_uuid(), n FROM generate_series(1, 20000) AS n";
    client.batch_execute(&format!("{users}; ANALYZE users")).await.expect("users");
    let mut problems = Vec::new();
    for statement in statements.iter().filter(|statement| is_planned(&statement.sql)) {
        for scan in scans(&client, statement).await.unwrap_or_else(|error| vec![error.to_string()]) {
            problems.push(format!("{}: {scan}", statement.location));
        }
    }
    let everything = Statement { location: "here".to_owned(), sql: "SELECT count(*) FROM users".to_owned() };
    assert_eq!(scans(&client, &everything).await.unwrap().len(), 1, "the test sees a count of everything");
    drop(client);
    postgres.stop().await.expect("PostgreSQL stops");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
