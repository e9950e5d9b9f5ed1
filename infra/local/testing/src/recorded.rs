//! Compares the events that functions get with AWS's, field by field.
//!
//! The other side are the examples that the crate `aws_lambda_events` is tested with, most of them recorded. They are read
//! from the crate's own folder.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Objects whose keys are data: they are compared by the kinds of their values.
const MAPS: [&str; 10] = [
    "ResourceProperties",
    "attributes",
    "claims",
    "headers",
    "messageAttributes",
    "multiValueHeaders",
    "multiValueQueryStringParameters",
    "pathParameters",
    "queryStringParameters",
    "stageVariables",
];

/// Objects that are data altogether.
const DATA: [&str; 4] = ["Keys", "NewImage", "OldImage", "lambda"];

static FIXTURES: LazyLock<PathBuf> = LazyLock::new(|| {
    // For this platform only: what others need may not be here, and is not asked for.
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", &host(), "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "aws_lambda_events").unwrap();
    PathBuf::from(package["manifest_path"].as_str().unwrap()).with_file_name("src").join("fixtures")
});

/// The platform that everything here is built for.
fn host() -> String {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(rustc.stdout).unwrap();
    about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// One of the crate's examples.
///
/// # Panics
///
/// If the crate has no such example.
pub fn fixture(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(FIXTURES.join(format!("example-{name}.json"))).unwrap()).unwrap()
}

/// Checks that an event has the fields of an example, each of the same kind, and no others. `deliberate` are the differences
/// that are meant, each with its reason; one that is none fails, too.
///
/// # Panics
///
/// If they differ otherwise.
pub fn assert_like(event: &Value, example: &Value, deliberate: &[(&str, &str)]) {
    let mut found = differences(event, example, "");
    found.sort_unstable();
    let mut meant: Vec<_> = deliberate.iter().map(|(difference, _)| (*difference).to_owned()).collect();
    meant.sort_unstable();
    assert_eq!(found, meant, "{event:#}");
}

/// Checks that a function which reads the event into the crate's type loses no field of it but these.
///
/// # Panics
///
/// If the type loses something else.
pub fn assert_kept<T: DeserializeOwned + Serialize>(event: &Value, lost: &[&str]) {
    let typed: T = serde_json::from_value(event.clone()).unwrap();
    let kept = serde_json::to_value(typed).unwrap();
    let mut found = missing(event, &kept, "");
    found.sort_unstable();
    assert_eq!(found, lost, "{event:#}");
}

/// `+a.b` is a field that the example lacks, `-a.b` one that the event lacks, `!a.b` one of another kind. Of several items of a
/// list, each is compared with the example's most similar one.
fn differences(event: &Value, example: &Value, path: &str) -> Vec<String> {
    let name = path.rsplit('.').next().unwrap_or_default();
    match (event, example) {
        (Value::Object(_), Value::Object(_)) if DATA.contains(&name) => Vec::new(),
        (Value::Object(event), Value::Object(example)) if MAPS.contains(&name) => {
            let examples: Vec<_> = example.values().collect();
            event.iter().flat_map(|(key, value)| nearest(value, &examples, &join(path, key))).collect()
        }
        (Value::Object(event), Value::Object(example)) => {
            let mut found: Vec<_> = absent(event, example).map(|key| format!("+{}", join(path, key))).collect();
            for (key, example) in example {
                let path = join(path, key);
                match event.get(key) {
                    Some(value) => found.extend(differences(value, example, &path)),
                    None => found.push(format!("-{path}")),
                }
            }
            found
        }
        (Value::Array(event), Value::Array(example)) => {
            let examples: Vec<_> = example.iter().collect();
            let path = format!("{path}[]");
            let mut found: Vec<_> = event.iter().flat_map(|item| nearest(item, &examples, &path)).collect();
            found.sort_unstable();
            found.dedup();
            found
        }
        _ if std::mem::discriminant(event) == std::mem::discriminant(example) => Vec::new(),
        _ => vec![format!("!{path}")],
    }
}

/// Returns the fewest differences to any of the examples. Without examples every value is fine.
fn nearest(value: &Value, examples: &[&Value], path: &str) -> Vec<String> {
    let all = examples.iter().map(|example| differences(value, example, path));
    all.min_by_key(Vec::len).unwrap_or_default()
}

/// The fields of an event that are not there any more. Names in maps are no fields.
fn missing(event: &Value, kept: &Value, path: &str) -> Vec<String> {
    let name = path.rsplit('.').next().unwrap_or_default();
    match (event, kept) {
        (Value::Object(_), Value::Object(_)) if DATA.contains(&name) || MAPS.contains(&name) => Vec::new(),
        (Value::Object(event), Value::Object(kept)) => {
            let mut lost: Vec<_> = absent(event, kept).map(|key| join(path, key)).collect();
            for (key, value) in kept {
                lost.extend(event.get(key).into_iter().flat_map(|event| missing(event, value, &join(path, key))));
            }
            lost
        }
        (Value::Array(event), Value::Array(kept)) => {
            let path = format!("{path}[]");
            event.iter().zip(kept).flat_map(|(event, kept)| missing(event, kept, &path)).collect()
        }
        _ => Vec::new(),
    }
}

fn absent<'a>(from: &'a Map<String, Value>, other: &Map<String, Value>) -> impl Iterator<Item = &'a String> {
    from.iter().filter(|(key, value)| !value.is_null() && !other.contains_key(*key)).map(|(key, _)| key)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
