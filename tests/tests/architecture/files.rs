//! The names at the top of the repository, and the sizes of its files.

use std::collections::BTreeSet;
use std::process::Command;

use end_to_end::cloud::root;

use crate::{is_rust, tracked};

/// Names at the top, beside dot-files and licences.
const TOP: [&str; 15] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "SECURITY.md",
    "clients",
    "deny.toml",
    "docs",
    "functions",
    "infra",
    "rust-toolchain.toml",
    "shared",
    "template.yaml",
    "tests",
];

/// Most lines of a Rust file.
const MAX_LINES: usize = 450;

/// Most lines of nine files in ten.
const MAX_LINES_P90: usize = 250;

/// Largest README, in bytes: it is read in one go.
const MAX_README_BYTES: usize = 8_200;

#[test]
fn top_folder_has_only_known_names() {
    let top: BTreeSet<String> =
        tracked(".").iter().filter_map(|file| file.split('/').next()).map(str::to_owned).collect();
    assert!(top.contains("template.yaml"), "these are not this repository's files: {top:?}");
    for name in top {
        let known = TOP.contains(&name.as_str()) || name.starts_with("LICENSE") || name.starts_with('.');
        assert!(known, "{name}");
    }
}

#[test]
fn file_sizes_are_bounded() {
    let rust = tracked(".").into_iter().filter(|file| is_rust(file));
    let count = |file: String| {
        let text = std::fs::read_to_string(root().join(&file)).ok()?;
        Some((text.lines().count(), file))
    };
    let mut lines: Vec<(usize, String)> = rust.filter_map(count).collect();
    lines.sort();
    let (most, file) = lines.last().expect("Rust files");
    assert!(*most <= MAX_LINES, "{file} has {most} lines");
    let (p90, file) = &lines[lines.len() * 9 / 10];
    assert!(*p90 <= MAX_LINES_P90, "one file in ten has more than {p90} lines, {file} for example");
}

/// Migrations are identified by the checksum of their bytes, wherever they were checked out.
#[test]
fn text_has_the_same_line_endings_on_every_machine() {
    let output = Command::new("git").args(["ls-files", "--eol"]).current_dir(root()).output().expect("git runs");
    let listed = String::from_utf8(output.stdout).expect("names are UTF-8");
    assert!(listed.contains("infra/migrations/"), "these are not this repository's files: {listed}");
    for line in listed.lines() {
        // `i/lf w/lf attr/text=auto eol=lf`, a tab and the name.
        let (endings, file) = line.split_once('\t').expect("a name");
        assert!(
            endings.starts_with("i/lf") || endings.starts_with("i/none") || endings.starts_with("i/-text"),
            "{line}"
        );
        assert!(
            endings.contains("eol=lf") || endings.contains("attr/-text"),
            "{file} is checked out as the machine likes"
        );
        assert!(!endings.contains("crlf") && !endings.contains("mixed"), "{line}");
    }
}

#[test]
fn readme_size_is_bounded() {
    let readme = std::fs::read(root().join("README.md")).expect("README.md");
    assert!(readme.len() <= MAX_README_BYTES, "{} bytes", readme.len());
}
