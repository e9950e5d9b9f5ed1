//! Error codes of the code, the specifications and the documentation are the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::ErrorCode;
use regex_lite::Regex;
use specification::asyncapi;
use specification::openapi::{Callers, Operation, operations};

use crate::read;

fn names(codes: impl IntoIterator<Item = ErrorCode>) -> BTreeSet<String> {
    codes.into_iter().map(|code| code.to_string()).collect()
}

/// The sections of the documentation with their headings.
fn sections(protocol: &str) -> Vec<(&str, &str)> {
    let sections = protocol.split("\n### ").skip(1);
    sections
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
        .map(|(head, text)| (head, text.split("\n## ").next().unwrap_or_default()))
        .collect()
}

/// The codes that a section names after "Errors".
fn listed(text: &str) -> BTreeSet<String> {
    let known = names(specification::codes());
    let code = Regex::new("`([a-z_]+)`").expect("a pattern");
    let lists = text.split("Errors: ").skip(1).map(|list| list.split("\n\n").next().unwrap_or_default());
    lists
        .flat_map(|list| code.captures_iter(list))
        .map(|found| found[1].to_owned())
        .filter(|it| known.contains(it))
        .collect()
}

/// Finds the section of an operation: its heading has the path in backticks, and the method before it or by itself.
fn section<'a>(sections: &[(&str, &'a str)], operation: &Operation) -> Option<&'a str> {
    let path = match operation.callers {
        // One section has all four.
        Callers::Backends if operation.path.starts_with("/v1/imports") => {
            return sections.iter().find(|(head, _)| *head == "`POST /v1/server/imports`").map(|(_, text)| *text);
        }
        Callers::Backends => operation.path.replacen("/v1/", "/v1/server/", 1),
        _ => operation.path.to_owned(),
    };
    let found = sections.iter().find(|(head, _)| {
        let parts: Vec<&str> = head.split('`').filter(|part| !part.trim().is_empty() && *part != ", ").collect();
        let whole = format!("{} {path}", operation.method);
        parts.contains(&whole.as_str())
            || (parts.contains(&operation.method) && parts.iter().any(|part| part.ends_with(&format!(" {path}"))))
    });
    found.map(|(_, text)| *text)
}

#[test]
fn specification_has_the_errors_that_the_documentation_lists() {
    let protocol = read("docs/protocol.md");
    let sections = sections(&protocol);
    // Several operations may share a section, which says in words which of them has an error.
    let mut specified: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for operation in operations() {
        let Some(text) = section(&sections, &operation) else { continue };
        count += 1;
        let by_backend = operation.callers == Callers::Backends;
        specified.entry(text).or_default().extend(names(operation.all_errors(by_backend)));
    }
    for (text, specified) in specified {
        let listed = listed(text);
        let missing: Vec<_> = listed.difference(&specified).collect();
        assert!(missing.is_empty(), "no operation has {missing:?}, which docs/protocol.md lists: {text}");
    }
    assert!(count > 35, "docs/protocol.md has sections of {count} operations");
}

#[test]
fn every_code_is_an_error_of_some_operation() {
    let mut used = names(operations().iter().flat_map(|operation| operation.all_errors(true)));
    used.extend(names(asyncapi::actions().iter().flat_map(asyncapi::Action::codes)));
    let mut all = names(specification::codes());
    assert!(all.remove("already_a_member"), "it is not sent any more");
    assert_eq!(used, all);
}

/// The sections of actions are named after them: "`ack`, `read`".
#[test]
fn actions_have_the_errors_that_the_documentation_lists() {
    let protocol = read("docs/protocol.md");
    let sections = sections(&protocol);
    for action in asyncapi::actions() {
        let name = format!("`{}`", action.name);
        let section = sections.iter().find(|(head, _)| head.split(", ").any(|part| part == name));
        let (_, text) = section.unwrap_or_else(|| panic!("docs/protocol.md has no section {name}"));
        let (specified, listed) = (names(action.codes()), listed(text));
        let missing: Vec<_> = listed.difference(&specified).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}, which docs/protocol.md lists");
    }
}

#[test]
fn close_codes_are_those_of_the_documentation() {
    let protocol = read("docs/protocol.md");
    let (_, table) = protocol.split_once("### Close codes").expect("the section of close codes");
    let table = table.split("\n## ").next().unwrap_or_default();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented: BTreeSet<u16> =
        cells.flat_map(|cell| cell.split(", ")).filter_map(|code| code.parse().ok()).collect();
    let specified: BTreeSet<u16> = asyncapi::CLOSE_CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(specified, documented);
}
