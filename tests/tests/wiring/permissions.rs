//! Permissions: what the requests of functions need, as the clouds of all tests have recorded it, against the policies.
//!
//! The recording is complete only after the whole suite, so this is run behind it: `cargo test --workspace`, then
//! `cargo test -p end-to-end --test wiring permissions -- --ignored`. Delete `target/tests/permissions.jsonl` before to forget what earlier
//! versions have needed.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::cloud::{denials, permissions};
use serde::Deserialize;

use crate::functions;
use crate::policies::{Permission, allowed};

/// Services whose requests are recorded.
const RECORDED: [&str; 10] = [
    "aoss:",
    "dynamodb:",
    "sqs:",
    "rds-data:",
    "secretsmanager:",
    "execute-api:",
    "s3:",
    "lambda:",
    "scheduler:",
    "iam:",
];

/// Actions that Lambda's own pollers need, with the function's role.
const POLLERS: [&str; 4] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "dynamodb:GetRecords"];

/// Permissions for paths that a run of the suite does not take in every function: they need a race, a crash, an expired token or a
/// throttled service at the right moment. Each row is an action, a resource, the functions and the path.
const RARE: [(&str, &str, &[&str], &str); 38] = [
    (
        "execute-api:ManageConnections",
        "POST/@connections",
        &["WsAck", "WsRead", "WsOpen", "WsClose", "WsSync", "WsTyping", "WsSend", "WsDefault", "Relay"],
        "a frame after the token's end gets an error before its connection is closed; late departures are notified",
    ),
    (
        "execute-api:ManageConnections",
        "DELETE/@connections",
        &[
            "WsAck",
            "WsRead",
            "WsOpen",
            "WsClose",
            "WsSync",
            "WsTyping",
            "WsSend",
            "WsDefault",
            "WsConnect",
            "HttpConversations",
            "HttpMembers",
            "HttpMessages",
            "FileInspect",
            "ExportWriter",
            "Receipts",
            "Fanout",
        ],
        "a frame or a push after the token's end closes its connection; a user's oldest connections are closed above the limit",
    ),
    (
        "dynamodb:UpdateItem",
        "ConnectionsTable",
        &[
            "WsSend",
            "WsTyping",
            "HttpConversations",
            "HttpMembers",
            "HttpMessages",
            "FileInspect",
            "ExportWriter",
            "Receipts",
            "Fanout",
            "Relay",
        ],
        "a post finds a connection that was lost without `$disconnect`",
    ),
    (
        "dynamodb:BatchWriteItem",
        "SubscriptionsTable",
        &["WsSend", "WsTyping", "HttpConversations", "HttpMembers", "HttpAccount", "HttpMessages", "Relay"],
        "a post finds a subscription whose connection was lost",
    ),
    ("dynamodb:Query", "SubscriptionsTable", &["HttpAccount", "Relay"], "a departure from a public conversation"),
    ("dynamodb:BatchGetItem", "MembersTable", &["HttpAccount", "Relay"], "subscribers of such a conversation"),
    ("dynamodb:GetItem", "MembersTable", &["WsTyping"], "a user beyond the first members of a conversation"),
    ("dynamodb:Query", "MembersTable/index/by_user", &["HttpMessages"], "a sync over HTTP without cursors"),
    (
        "dynamodb:PutItem",
        "MembersTable",
        &["HttpAccount"],
        "another user's change, whose function crashed, is applied first",
    ),
    ("dynamodb:DeleteItem", "MembersTable", &["HttpConversations"], "such a change is a departure"),
    ("dynamodb:DeleteItem", "FilesTable", &["FileInspect"], "a file is deleted while it is inspected"),
    ("dynamodb:DeleteItem", "FilesTable", &["Reconcile"], "a file is deleted while it is compared"),
    ("sqs:SendMessage", "FanoutQueue", &["HttpAccount", "Relay"], "a departure from a large conversation"),
    (
        "scheduler:CreateSchedule",
        "ScheduleGroup",
        &["FileReferences", "FileCleanup"],
        "`FileGrace` is longer than a queue can delay a message",
    ),
    (
        "iam:PassRole",
        "ScheduleRole",
        &["FileReferences", "FileCleanup", "ExportWriter", "UserErasure", "ImportReader"],
        "such a schedule has a role",
    ),
    (
        "scheduler:CreateSchedule",
        "ScheduleGroup",
        &["ExportWriter", "UserErasure", "ImportReader"],
        "an export or import, or a range of an erasure, takes more than ten invocations",
    ),
    ("sqs:SendMessage", "ExportQueue", &["ExportWriter"], "an export takes more than an invocation"),
    ("s3:PutObject", "ExportsBucket/work/*", &["ExportWriter"], "an export takes more than some seconds"),
    ("s3:GetObject", "ExportsBucket/work/*", &["ExportWriter"], "another worker goes on with such an export"),
    ("s3:DeleteObject", "ExportsBucket/work/*", &["ExportWriter"], "such an export is finished"),
    ("s3:GetObject", "ExportsBucket/exports/*", &["ExportWriter"], "a worker crashes after it has joined the parts"),
    (
        "s3:ListBucket",
        "ExportsBucket",
        &["ExportWriter", "ImportReader"],
        "a worker crashes after it has joined the parts of an export",
    ),
    ("sqs:SendMessage", "ImportQueue", &["ImportReader"], "an import takes more than an invocation"),
    ("s3:PutObject", "ExportsBucket/import-work/*", &["ImportReader"], "an import takes more than some seconds"),
    ("s3:GetObject", "ExportsBucket/import-work/*", &["ImportReader"], "another worker goes on with such an import"),
    ("s3:DeleteObject", "ExportsBucket/import-work/*", &["ImportReader"], "such an import is done"),
    ("dynamodb:Query", "MembersTable", &["ImportReader"], "an import is cancelled in the middle of a conversation"),
    ("dynamodb:Query", "MessagesTable", &["ImportReader"], "an import is cancelled in the middle of a conversation"),
    ("dynamodb:GetItem", "MembersTable", &["ImportReader"], "another worker goes on in the middle of a conversation"),
    ("dynamodb:DeleteItem", "FilesTable", &["ImportReader"], "such a conversation has files"),
    ("s3:DeleteObject", "FilesBucket/uploads/*", &["ImportReader"], "such a conversation has files"),
    ("s3:DeleteObject", "FilesBucket/thumbnails/*", &["ImportReader"], "such a conversation has files"),
    ("sqs:SendMessage", "SearchReindexQueue", &["ImportReader"], "such a conversation was in the index"),
    ("dynamodb:GetItem", "MessagesTable", &["ImportReader"], "a worker crashes after it has brought a segment"),
    ("s3:DeleteObject", "ArchiveBucket/*", &["ImportReader"], "such a segment is brought again, or given up"),
    ("sqs:SendMessage", "ArchiveQueue", &["ImportReader"], "a segment is too young for a chunk when it is imported"),
    ("s3:GetObject", "ArchiveBucket/*", &["ExportWriter"], "an exported item has moved to the archive"),
    ("dynamodb:GetItem", "MessagesTable", &["ExportWriter"], "the index of the archive is asked for such an item"),
];

/// A read of a missing object asks for it, only to learn that there is none; without it the answer is 403, which the archive takes
/// for the same. Functions that list are denied without it.
const LIST_BUCKET: &str = "s3:ListBucket";

/// A transaction is rolled back only after a failure, in any function with SQL.
const ROLLBACK: &str = "rds-data:RollbackTransaction";

/// Returns true for permissions of paths that are rarely taken.
fn is_rare(function: &str, (action, resource): &Permission) -> bool {
    action == ROLLBACK
        || RARE.iter().any(|(rare, on, functions, _)| rare == action && on == resource && functions.contains(&function))
}

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
        let resource = template_name(&resource);
        needed.entry(function).or_default().insert((action, resource));
    }
    needed
}

/// Returns what the template calls the resource with an ARN: physical names are the stack's and the logical id.
fn template_name(arn: &str) -> String {
    let last = arn.splitn(6, ':').last().unwrap_or(arn);
    if arn.contains(":cluster:") || arn.contains(":secret:rds!cluster") {
        return "Database".to_owned();
    }
    if let Some((_, connections)) = last.split_once("/default/") {
        return connections.trim_end_matches("/*").to_owned();
    }
    if let Some(object) = last.strip_prefix("files-") {
        // An object stands for all below the same prefix.
        let prefix = object.split('/').nth(1).map(|prefix| format!("/{prefix}/*")).unwrap_or_default();
        return format!("FilesBucket{prefix}");
    }
    if let Some(object) = last.strip_prefix("local-exportsbucket") {
        let prefix = object.split('/').nth(1).map(|prefix| format!("/{prefix}/*")).unwrap_or_default();
        return format!("ExportsBucket{prefix}");
    }
    if let Some(object) = last.strip_prefix("local-archivebucket") {
        return format!("ArchiveBucket{object}");
    }
    if let Some((group, _)) = last.strip_prefix("schedule/").and_then(|schedule| schedule.split_once('/')) {
        return group.trim_start_matches("local-").to_owned();
    }
    if let Some((secret, _)) = last.strip_prefix("secret:").and_then(|secret| secret.rsplit_once('-')) {
        // Secrets Manager adds a suffix.
        return secret.trim_start_matches("local-").to_owned();
    }
    if last.starts_with("collection/") {
        return "SearchCollection".to_owned();
    }
    let kinds = ["table/", "function:", "role/"];
    let name = kinds.into_iter().find_map(|kind| last.strip_prefix(kind)).unwrap_or(last);
    name.trim_start_matches("local-").to_owned()
}

/// Returns true if a permission of the template is for this one, or for all below it.
fn covers((action, resource): &Permission, (needed, on): &Permission) -> bool {
    let above = resource.strip_suffix('*').is_some_and(|above| on.starts_with(above));
    action == needed && (resource == on || above)
}

/// What functions lacked after the last test that could have failed over it.
#[test]
fn no_function_was_denied() {
    let files = std::fs::read_dir(denials()).into_iter().flatten().map(|file| file.expect("a file").path());
    let denied = files.map(|file| {
        let denied = std::fs::read_to_string(&file).expect("a list of permissions");
        std::fs::remove_file(file).expect("a file that can be removed");
        denied
    });
    let denied: Vec<_> = denied.collect();
    assert!(denied.is_empty(), "{}", denied.concat());
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
                && (!POLLERS.contains(&permission.0.as_str()) || needed.contains(permission))
        };
        let allowed: BTreeSet<Permission> = allowed(&function.policies).into_iter().filter(recorded).collect();
        let lacking = needed.iter().filter(|needed| !allowed.iter().any(|allowed| covers(allowed, needed)));
        let lacking = lacking.filter(|needed| needed.0 != LIST_BUCKET);
        findings.extend(lacking.map(|(action, on)| format!("{id} needs {action} on {on}")));
        let is_used = |allowed: &Permission| needed.iter().any(|needed| covers(allowed, needed));
        let unused = allowed.iter().filter(|allowed| !is_used(allowed) && !is_rare(id, allowed));
        findings.extend(unused.map(|(action, on)| format!("{id} never uses {action} on {on}")));
    }
    assert!(findings.is_empty(), "{findings:#?}");
}
