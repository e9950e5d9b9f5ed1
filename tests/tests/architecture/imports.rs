//! Imports between crates, from `cargo metadata`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{Package, packages};

/// What each crate is built with, of this workspace. A function may leave out what it does not need; every other edge exists.
const EDGES: [(&str, &[&str]); 29] = [
    ("shared/domain", &[]),
    ("shared/sqlx-data-api", &[]),
    // Alone, so that optimising it for tests compiles nothing else.
    ("shared/thumbnails", &["shared/domain"]),
    ("shared/store", &["shared/domain", "shared/sqlx-data-api"]),
    ("shared/chat", &["shared/domain", "shared/store"]),
    ("shared/lambda-kit", &["shared/chat", "shared/domain", "shared/store"]),
    // Clients share the protocol types; everything else they learn over the network.
    ("clients/rust", &["shared/domain"]),
    ("clients/terminal", &["clients/rust"]),
    // Makes files in the format of exports, out of those of other chats.
    ("infra/import", &["shared/domain"]),
    // Writes the specifications out of the types of the protocol.
    ("infra/specification", &["shared/domain"]),
    ("infra/local/aws", &[]),
    ("infra/local/template", &["infra/local/aws"]),
    ("infra/local/lambda", &["infra/local/aws", "infra/local/start", "infra/local/template"]),
    ("infra/local/aurora", &["infra/local/aws", "infra/local/template"]),
    ("infra/local/dynamodb", &["infra/local/aws", "infra/local/template"]),
    ("infra/local/sqs", &["infra/local/aws", "infra/local/template"]),
    // Its gate looks at callers.
    ("infra/local/opensearch", &["infra/local/aws"]),
    ("infra/local/secrets", &["infra/local/aws", "infra/local/template"]),
    ("infra/local/s3", &["infra/local/aws", "infra/local/lambda", "infra/local/template"]),
    ("infra/local/scheduler", &["infra/local/aws", "infra/local/sqs", "infra/local/template"]),
    (
        "infra/local/sources",
        &["infra/local/aws", "infra/local/dynamodb", "infra/local/lambda", "infra/local/sqs", "infra/local/template"],
    ),
    ("infra/local/gate", &["infra/local/aws", "infra/local/dynamodb", "infra/local/lambda"]),
    ("infra/local/gateway", &["infra/local/aws", "infra/local/gate", "infra/local/lambda", "infra/local/template"]),
    (
        "infra/local/cloud",
        &[
            "infra/local/aurora",
            "infra/local/aws",
            "infra/local/dynamodb",
            "infra/local/gate",
            "infra/local/gateway",
            "infra/local/lambda",
            "infra/local/opensearch",
            "infra/local/s3",
            "infra/local/scheduler",
            "infra/local/secrets",
            "infra/local/sources",
            "infra/local/sqs",
            "infra/local/template",
        ],
    ),
    // Built before everything else, with nothing: its program says what is in the way.
    ("infra/local/start", &[]),
    // Only tests are built with it.
    ("infra/local/testing", &["infra/local/aws", "infra/local/lambda", "infra/local/template"]),
    // The only functions that decode images.
    ("functions/http-avatars", &["shared/domain", "shared/lambda-kit", "shared/store", "shared/thumbnails"]),
    (
        "functions/file-inspect",
        &["shared/chat", "shared/domain", "shared/lambda-kit", "shared/store", "shared/thumbnails"],
    ),
    // The migrations need the driver itself; the other functions use it through the doors.
    ("functions/migrate", &["shared/domain", "shared/lambda-kit", "shared/sqlx-data-api", "shared/store"]),
];

/// The crate of the binary with all functions.
const ALL_FUNCTIONS: &str = "infra/all-functions";

/// What a function may be built with.
const FUNCTION: &[&str] = &["shared/chat", "shared/domain", "shared/lambda-kit", "shared/store"];

/// What the tests of a crate are built with besides.
const TESTED_WITH: [(&str, &[&str]); 11] = [
    // Its tests search in an index, and this is one.
    ("shared/store", &["infra/local/opensearch"]),
    // Its tests talk to a Data API, and this is one.
    ("shared/sqlx-data-api", &["infra/local/aurora", "infra/local/template"]),
    ("infra/local/lambda", &["infra/local/testing"]),
    ("infra/local/aurora", &["infra/local/testing"]),
    ("infra/local/dynamodb", &["infra/local/testing"]),
    ("infra/local/sqs", &["infra/local/testing"]),
    ("infra/local/s3", &["infra/local/testing"]),
    ("infra/local/scheduler", &["infra/local/testing"]),
    // Counts are read as the command reads them.
    ("infra/local/sources", &["infra/local/cloud", "infra/local/testing"]),
    (
        "infra/local/gate",
        &[
            "infra/local/cloud",
            "infra/local/gateway",
            "infra/local/opensearch",
            "infra/local/sqs",
            "infra/local/template",
            "infra/local/testing",
        ],
    ),
    ("infra/local/gateway", &["infra/local/testing"]),
];

fn folders(names: &[&str]) -> BTreeSet<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

fn of<'a>(table: &[(&str, &'a [&'a str])], folder: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(name, _)| *name == folder).map(|(_, others)| *others)
}

#[test]
fn crate_imports_match_the_map() {
    for (name, Package { folder, imports, tested_with }) in packages() {
        let path = folder.to_str().expect("UTF-8");
        match of(&EDGES, path) {
            Some(allowed) => assert_eq!(imports, folders(allowed), "{name}"),
            // It drives the whole from outside, and nothing imports it.
            None if path == "tests" => continue,
            // Links every function, and each can then run locally.
            None if path == ALL_FUNCTIONS => {
                let functions = packages().into_values().map(|package| package.folder);
                let mut all: BTreeSet<PathBuf> = functions.filter(|folder| folder.starts_with("functions")).collect();
                all.insert("shared/lambda-kit".into());
                assert_eq!(imports, all, "{name}");
            }
            None if path.starts_with("functions/") => {
                assert!(imports.is_subset(&folders(FUNCTION)), "{name} imports {imports:?}");
            }
            None => panic!("{name} is in {path}, which is not on the map"),
        }
        let mut allowed = imports;
        allowed.extend(folders(of(&TESTED_WITH, path).unwrap_or(&["infra/local/testing"])));
        assert!(tested_with.is_subset(&allowed), "{name} is tested with {tested_with:?}");
    }
}

#[test]
fn no_crate_imports_a_function_or_the_tests() {
    let may_import = |folder: &Path| folder.ends_with("tests") || folder == ALL_FUNCTIONS;
    for (name, package) in packages().into_iter().filter(|(_, package)| !may_import(&package.folder)) {
        let of_function = |folder: &&PathBuf| {
            folder.starts_with("functions") || folder.starts_with("tests") || folder.as_path() == ALL_FUNCTIONS
        };
        assert_eq!(package.imports.iter().find(of_function), None, "{name}");
    }
}

#[test]
fn packages_are_named_after_their_folders() {
    for (name, package) in packages() {
        let folder = package.folder.to_str().expect("UTF-8");
        let last = package.folder.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let expected = match folder {
            "tests" => "end-to-end".to_owned(),
            "clients/rust" => "client".to_owned(),
            _ if folder.starts_with("infra/local/") => format!("local-{last}"),
            _ => last.to_owned(),
        };
        assert_eq!(name, expected, "in {folder}");
    }
}
