//! The template names exactly what exists, and the local cloud knows nothing of it.

use std::collections::BTreeSet;

use end_to_end::cloud::root;

use crate::{packages, tracked};

fn template() -> String {
    std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml")
}

/// Logical ids of one type's resources, which the template writes two and four columns in.
fn resources(template: &str, kind: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = template.lines().collect();
    let of_kind = lines.windows(2).filter(|pair| pair[1].strip_prefix("    Type: ") == Some(kind));
    of_kind.map(|pair| pair[0].trim().trim_end_matches(':').to_owned()).collect()
}

/// Names of the function crates.
fn functions() -> BTreeSet<String> {
    let all = packages().into_iter().filter(|(_, package)| package.folder.starts_with("functions"));
    all.map(|(name, _)| name).collect()
}

#[test]
fn template_lists_exactly_the_functions() {
    let template = template();
    let binaries = template.lines().filter_map(|line| line.trim().strip_prefix("BuildProperties: {Binary: "));
    let binaries: Vec<&str> = binaries.map(|binary| binary.trim_end_matches('}')).collect();
    assert_eq!(binaries.len(), resources(&template, "AWS::Serverless::Function").len(), "one binary each");
    let named: BTreeSet<String> = binaries.into_iter().map(str::to_owned).collect();
    assert_eq!(named, functions());
}

/// CloudFormation calls `migrate` only where a property of its resource has changed.
#[test]
fn template_names_the_newest_migration() {
    let newest = tracked("infra/migrations").into_iter().max().expect("a migration");
    let newest = newest.strip_prefix("infra/migrations/").and_then(|name| name.strip_suffix(".sql"));
    let template = template();
    let named: Vec<&str> = template.lines().filter_map(|line| line.trim().strip_prefix("Newest: ")).collect();
    assert_eq!(named, [newest.expect("migrations are SQL files")]);
}

/// It would run anyone's app.
#[test]
fn local_cloud_does_not_name_this_application() {
    let template = template();
    let mut names = functions();
    for kind in ["AWS::Serverless::Function", "AWS::DynamoDB::Table"] {
        let found = resources(&template, kind);
        assert!(!found.is_empty(), "the template has no {kind}, or its layout has changed");
        names.extend(found);
    }
    for file in tracked("infra/local") {
        // Git may list files that are deleted in the folder.
        let Ok(bytes) = std::fs::read(root().join(&file)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.to_lowercase().contains("palaver"), "{file}");
        let word = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
        if let Some(name) = text.split(word).find(|word| names.contains(*word)) {
            panic!("{file} contains {name}");
        }
    }
}
