//! Permissions: what the requests of functions need, as the clouds of all tests have recorded it, against the policies.
//!
//! The recording is complete only after the whole suite, so this is run behind it: `cargo test --workspace`, then
//! `cargo test -p end-to-end --test wiring -- --ignored`. Delete `target/tests/permissions.jsonl` before to forget what earlier
//! versions have needed.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::cloud::permissions;
use serde::Deserialize;

use crate::functions;
use crate::policies::{Permission, allowed};

/// Services whose requests pass the gate of the local cloud, and so are recorded.
const RECORDED: [&str; 4] = ["dynamodb:", "sqs:", "rds-data:", "execute-api:"];

/// Actions that Lambda's own pollers need, with the function's role: they do not pass the gate.
const POLLERS: [&str; 4] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "dynamodb:GetRecords"];

#[derive(Deserialize)]
struct Line {
    function: String,
    action: String,
    resource: String,
}

/// The permissions that each function has needed, by logical id.
fn needed() -> BTreeMap<String, BTreeSet<Permission>> {
    let recorded = std::fs::read_to_string(permissions()).expect("the suite has run and recorded permissions");
    let mut needed: BTreeMap<String, BTreeSet<Permission>> = BTreeMap::new();
    for line in recorded.lines() {
        let Line { function, action, resource } = serde_json::from_str(line).expect("a JSON object a line");
        // Physical names are the stack's and the logical id; a cluster has one ARN.
        let resource = if resource.contains(":cluster:") {
            "Database".to_owned()
        } else {
            resource.trim_start_matches("local-").to_owned()
        };
        needed.entry(function).or_default().insert((action, resource));
    }
    needed
}

#[test]
#[ignore = "needs the recording of the whole suite"]
fn policies_allow_exactly_what_functions_need() {
    let needed = needed();
    let mut findings = Vec::new();
    for function in functions() {
        let id = &function.logical_id;
        let needed = needed.get(id).cloned().unwrap_or_default();
        let recorded = |permission: &Permission| {
            RECORDED.iter().any(|service| permission.0.starts_with(service))
                && !POLLERS.contains(&permission.0.as_str())
        };
        let allowed: BTreeSet<Permission> = allowed(&function.policies).into_iter().filter(recorded).collect();
        findings.extend(needed.difference(&allowed).map(|(action, on)| format!("{id} needs {action} on {on}")));
        findings.extend(allowed.difference(&needed).map(|(action, on)| format!("{id} never uses {action} on {on}")));
    }
    assert!(findings.is_empty(), "{findings:#?}");
}
