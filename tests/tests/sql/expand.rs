//! Migrations that suit the functions of the version before, which go on while the new schema is there: expand first, contract in a
//! later deploy.

use std::path::Path;

use end_to_end::cloud::root;

/// The first migration that was written under this rule.
const FIRST_CHECKED: u32 = 7;

/// A line that says why the version before needs nothing of what the migration takes away.
const EXCEPTION: &str = "-- contract:";

/// What functions of the version before may still use, or may not know of.
const BREAKING: [&str; 7] =
    ["DROP TABLE", "DROP COLUMN", "DROP DEFAULT", "RENAME", "SET NOT NULL", "SET DATA TYPE", "TRUNCATE"];

/// Statements of a migration in upper case, without comments and with single spaces.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let words = code.join(" ").to_uppercase();
    words.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Returns the reasons for which a migration breaks the version before.
fn breaks(sql: &str) -> Vec<String> {
    if sql.lines().any(|line| line.starts_with(EXCEPTION)) {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    for statement in statements(sql) {
        reasons.extend(BREAKING.iter().filter(|words| statement.contains(*words)).map(ToString::to_string));
        if statement.starts_with("ALTER TABLE") {
            let columns = statement.split("ADD COLUMN ").skip(1);
            let without_default =
                columns.filter(|column| column.contains("NOT NULL") && !column.contains("DEFAULT")).count();
            reasons.extend((without_default > 0).then(|| "a column that is NOT NULL has no DEFAULT".to_owned()));
        }
    }
    reasons
}

fn number(file: &Path) -> u32 {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    name.split('_').next().and_then(|number| number.parse().ok()).expect("the number of a migration")
}

#[test]
fn migrations_suit_the_version_before() {
    let folder = root().join("infra/migrations");
    let files = std::fs::read_dir(folder).expect("the migrations").map(|entry| entry.expect("a file").path());
    let checked: Vec<_> = files.filter(|file| number(file) >= FIRST_CHECKED).collect();
    assert!(!checked.is_empty());
    for file in checked {
        let sql = std::fs::read_to_string(&file).expect("a migration");
        assert_eq!(breaks(&sql), [] as [String; 0], "{} breaks the version before", file.display());
    }
}

#[test]
fn breaking_migrations_are_found() {
    for (sql, count) in [
        ("ALTER TABLE a ADD COLUMN b int NOT NULL;", 1),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0, ADD COLUMN c text;", 0),
        ("alter table a\n  drop column b;", 1),
        ("ALTER TABLE a RENAME COLUMN b TO c;", 1),
        ("-- DROP TABLE a\nCREATE TABLE b (c int NOT NULL);", 0),
        ("-- contract: nothing has read it since the version before\nDROP TABLE a;", 0),
    ] {
        assert_eq!(breaks(sql).len(), count, "{sql}");
    }
}
