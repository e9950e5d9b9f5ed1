//! The table of error codes in the protocol's documentation.

use std::collections::BTreeSet;

use domain::ErrorCode;
use end_to_end::cloud::root;

/// Rows of the table: code, HTTP status, and whether the same request may succeed later.
fn documented() -> Vec<(String, u16, bool)> {
    let protocol = std::fs::read_to_string(root().join("docs/protocol.md")).expect("docs/protocol.md");
    let (_, table) = protocol.split_once("| Code | HTTP | Retryable |").expect("the table of error codes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let status = cells[2].parse().unwrap_or_else(|_| panic!("{line}"));
        (cells[1].trim_matches('`').to_owned(), status, cells[3] == "yes")
    };
    rows.map(row).collect()
}

/// The number of codes that the enum has: its variants, each on a line of its own.
fn codes() -> usize {
    let source = std::fs::read_to_string(root().join("shared/domain/src/error.rs")).expect("error.rs");
    let (_, variants) = source.split_once("pub enum ErrorCode {").expect("the enum of codes");
    let is_variant = |line: &&str| {
        line.trim().strip_suffix(',').is_some_and(|name| name.chars().all(char::is_alphanumeric) && !name.is_empty())
    };
    variants.lines().take_while(|line| *line != "}").filter(is_variant).count()
}

#[test]
fn every_error_code_is_documented_with_its_status() {
    let documented = documented();
    for (name, status, retryable) in &documented {
        let code: ErrorCode =
            serde_json::from_value(name.as_str().into()).unwrap_or_else(|_| panic!("no code `{name}`"));
        assert_eq!((code.status(), code.retryable()), (*status, *retryable), "{name}");
    }
    let names: BTreeSet<_> = documented.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), documented.len(), "a code has two rows");
    assert_eq!(names.len(), codes(), "codes that docs/protocol.md does not have");
}
