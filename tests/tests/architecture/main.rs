//! The shape of the repository: imports between crates and between rooms, names, sizes of files, and a template that names what
//! exists, and that can be operated.

mod cycles;
mod errors;
mod files;
mod imports;
mod operations;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::cloud::root;
use serde_json::Value;

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

/// Files that Git knows of below a path, from the top.
fn tracked(path: &str) -> Vec<String> {
    let output = Command::new("git").args(["ls-files", "-z", path]).current_dir(root()).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    names.split_terminator('\0').map(str::to_owned).collect()
}

fn is_rust(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "rs")
}
