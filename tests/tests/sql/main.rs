//! Every SQL statement of the functions and of what they share is one that PostgreSQL takes.
//!
//! A statement that names a column which is not there fails when it is run, which may be after the deploy. So all of them
//! are prepared on a PostgreSQL with the migrations: parsed, their names looked up, their types checked, nothing run.
//!
//! Placeholders have no types here, so that a statement has to say a type where PostgreSQL cannot infer it
//! (`unnest($1::uuid[])`), although the driver would say it for the argument.

mod expand;
mod plans;
mod search;
mod source;

use std::fs;

use end_to_end::cloud::root;
use local_aurora::postgres::Postgres;
use source::{Source, Statement};
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::{Client, NoTls};

#[tokio::test]
async fn postgresql_prepares_every_statement() {
    let statements = source::statements(&sources()).unwrap_or_else(|problems| panic!("\n{}", problems.join("\n")));
    assert!(!statements.is_empty(), "the functions have no SQL, or it is called by names that this test does not know");
    let postgres = Postgres::start(None).await.expect("PostgreSQL starts");
    let client = connect(&postgres).await;
    migrate(&client).await;
    let mut refused = Vec::new();
    for statement in &statements {
        if let Err(error) = client.prepare(&statement.sql).await {
            refused.push(report(statement, &error));
        }
    }
    drop(client);
    postgres.stop().await.expect("PostgreSQL stops");
    assert!(
        refused.is_empty(),
        "PostgreSQL refuses {} of {}:\n{}",
        refused.len(),
        statements.len(),
        refused.join("\n")
    );
}

/// All Rust files of the functions and of what they share, but not the driver's: its own statements name tables that it
/// creates when it needs them, and its own tests run them.
fn sources() -> Vec<Source> {
    let mut folders = vec![root().join("functions"), root().join("shared")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("sqlx-data-api") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("Rust is UTF-8");
                let file = path.strip_prefix(root()).expect("below the root").display().to_string();
                sources.push(Source { file, text });
            }
        }
    }
    sources
}

async fn connect(postgres: &Postgres) -> Client {
    let (client, connection) = postgres.database().config().connect(NoTls).await.expect("PostgreSQL answers");
    // If the connection fails, the client's next call fails.
    tokio::spawn(connection);
    client
}

/// Applies the migrations as psql would: a file at a time.
pub(crate) async fn migrate(client: &Client) {
    let folder = fs::read_dir(root().join("infra/migrations")).expect("the folder of migrations");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files {
        let sql = fs::read_to_string(&file).expect("SQL is UTF-8");
        client
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{}: {:?}", file.display(), error.as_db_error()));
    }
}

/// `file:line: message`, and from where on PostgreSQL did not understand.
fn report(statement: &Statement, error: &tokio_postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else {
        return format!("{}: {error}", statement.location);
    };
    let hint = refusal.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let rest = position(refusal).map(|at| statement.sql.chars().skip(at).take(60).collect::<String>());
    let rest = rest.map(|rest| format!(", at `{}`", rest.lines().next().unwrap_or_default())).unwrap_or_default();
    format!("{}: {}{hint}{rest}", statement.location, refusal.message())
}

/// Characters before the position that the refusal is about.
fn position(refusal: &DbError) -> Option<usize> {
    match refusal.position()? {
        ErrorPosition::Original(from_one) => Some(usize::try_from(*from_one).ok()?.saturating_sub(1)),
        ErrorPosition::Internal { .. } => None,
    }
}
