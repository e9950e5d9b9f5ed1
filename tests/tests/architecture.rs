//! The shape of the repository: imports between crates, the files at the top, and a template that names what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::cloud::root;
use serde_json::Value;

/// Names at the top, beside dot-files and licences.
const TOP: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "functions",
    "infra",
    "rust-toolchain.toml",
    "shared",
    "template.yaml",
    "tests",
];

/// A package of the workspace.
struct Package {
    /// Its folder, from the top.
    folder: PathBuf,
    /// Folders of the workspace's packages that it is built with.
    imports: BTreeSet<PathBuf>,
    /// Those that only its tests are built with.
    tested_with: BTreeSet<PathBuf>,
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("packages").iter().map(package).collect()
}

fn package(package: &Value) -> (String, Package) {
    let inside = |path: &Value| {
        let path = Path::new(path.as_str().expect("a path"));
        path.strip_prefix(root()).expect("path dependencies stay in the workspace").to_owned()
    };
    let manifest = inside(&package["manifest_path"]);
    let (mut imports, mut tested_with) = (BTreeSet::new(), BTreeSet::new());
    // Only what comes by path is ours; everything else comes from a registry.
    for dependency in package["dependencies"].as_array().expect("dependencies") {
        if !dependency["path"].is_null() {
            let set = if dependency["kind"] == "dev" { &mut tested_with } else { &mut imports };
            set.insert(inside(&dependency["path"]));
        }
    }
    let folder = manifest.parent().expect("a manifest lies in a folder").to_owned();
    (package["name"].as_str().expect("a name").to_owned(), Package { folder, imports, tested_with })
}

fn folders(names: &[&str]) -> BTreeSet<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

#[test]
fn imports_point_in_one_direction() {
    for (name, package) in packages() {
        let allowed: &[&str] = match package.folder.to_str().expect("UTF-8") {
            // Nobody imports it, so it may import what it likes: it drives the whole from outside.
            "tests" => continue,
            // Migrations need the driver itself; all others use it through the store.
            "functions/migrate" => &["shared/domain", "shared/lambda-kit", "shared/sqlx-data-api", "shared/store"],
            folder if folder.starts_with("functions/") => &["shared/domain", "shared/lambda-kit", "shared/store"],
            "shared/store" => &["shared/domain", "shared/sqlx-data-api"],
            // Clients share the protocol types of the domain; everything else they learn over the network.
            "shared/lambda-kit" | "infra/client" => &["shared/domain"],
            // The rules know nothing of the cloud; the driver is fit to publish alone; the local cloud runs anyone's app.
            "shared/domain" | "shared/sqlx-data-api" | "infra/local" => &[],
            folder => panic!("{name} is in {folder}, which has no rules yet"),
        };
        let mut tested_with = folders(allowed);
        if name == "sqlx-data-api" {
            // Its tests talk to a Data API, and this is one.
            tested_with.insert("infra/local".into());
        }
        assert!(package.imports.is_subset(&folders(allowed)), "{name} imports {:?}", package.imports);
        assert!(package.tested_with.is_subset(&tested_with), "{name} is tested with {:?}", package.tested_with);
    }
}

#[test]
fn a_package_is_called_like_its_folder() {
    for (name, package) in packages() {
        // `local` and `tests` say where they are, not what they are.
        if !["infra/local", "tests"].contains(&package.folder.to_str().expect("UTF-8")) {
            assert!(package.folder.ends_with(&name), "{name} is in {}", package.folder.display());
        }
    }
}

/// Files that Git knows of below a path, from the top.
fn tracked(path: &str) -> Vec<String> {
    let output = Command::new("git").args(["ls-files", "-z", path]).current_dir(root()).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    names.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn nothing_else_lies_at_the_top() {
    let top: BTreeSet<String> =
        tracked(".").iter().filter_map(|file| file.split('/').next()).map(str::to_owned).collect();
    assert!(top.contains("template.yaml"), "these are not this repository's files: {top:?}");
    for name in top {
        let known = TOP.contains(&name.as_str()) || name.starts_with("LICENSE") || name.starts_with('.');
        assert!(known, "{name}");
    }
}

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
fn the_template_has_every_function_and_no_other() {
    let template = template();
    let binaries = template.lines().filter_map(|line| line.trim().strip_prefix("BuildProperties: {Binary: "));
    let binaries: Vec<&str> = binaries.map(|binary| binary.trim_end_matches('}')).collect();
    assert_eq!(binaries.len(), resources(&template, "AWS::Serverless::Function").len(), "one binary each");
    let named: BTreeSet<String> = binaries.into_iter().map(str::to_owned).collect();
    assert_eq!(named, functions());
}

/// CloudFormation calls `migrate` only where a property of its resource has changed.
#[test]
fn the_template_names_the_newest_migration() {
    let newest = tracked("infra/migrations").into_iter().max().expect("a migration");
    let newest = newest.strip_prefix("infra/migrations/").and_then(|name| name.strip_suffix(".sql"));
    let template = template();
    let named: Vec<&str> = template.lines().filter_map(|line| line.trim().strip_prefix("Newest: ")).collect();
    assert_eq!(named, [newest.expect("migrations are SQL files")]);
}

/// It would run anyone's app.
#[test]
fn the_local_cloud_has_never_heard_of_this_app() {
    let template = template();
    let mut names = functions();
    for kind in ["AWS::Serverless::Function", "AWS::DynamoDB::Table"] {
        let found = resources(&template, kind);
        assert!(!found.is_empty(), "the template has no {kind}, or is written otherwise");
        names.extend(found);
    }
    for file in tracked("infra/local") {
        // Git may list files that are deleted in the folder.
        let Ok(bytes) = std::fs::read(root().join(&file)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.to_lowercase().contains("palaver"), "{file}");
        let word = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
        if let Some(name) = text.split(word).find(|word| names.contains(*word)) {
            panic!("{file} says {name}");
        }
    }
}
