//! Building functions with the real cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use local_lambda::build::{BuildError, Profile, Progress, build};
use local_template::model::Function;

/// A workspace of two packages without dependencies, one with a second binary.
fn workspace(main_of_b: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\"]\n");
    write("a/Cargo.toml", "[package]\nname = \"a\"\nedition = \"2024\"\n");
    write("a/src/main.rs", "fn main() {}");
    write("a/src/bin/second.rs", "fn main() {}");
    write("b/Cargo.toml", "[package]\nname = \"b\"\nedition = \"2024\"\n");
    write("b/src/main.rs", main_of_b);
    folder
}

fn function(logical_id: &str, crate_dir: &Path, binary: &str) -> Function {
    let (crate_dir, binary) = (crate_dir.to_owned(), binary.to_owned());
    Function { crate_dir, binary, ..local_testing::function(logical_id) }
}

#[tokio::test]
async fn every_function_gets_its_executable() {
    let folder = workspace("fn main() {}");
    let functions = [
        function("First", &folder.path().join("a"), "a"),
        function("Second", &folder.path().join("a"), "second"),
        function("Third", folder.path(), "b"),
        function("Fourth", &folder.path().join("b"), "b"),
    ];
    let executables = build(&functions, &Profile::Dev, &Progress::Hidden).await.unwrap();
    let names: Vec<_> = executables
        .iter()
        .map(|(id, path)| {
            assert!(path.is_absolute() && path.exists(), "{}", path.display());
            (id.as_str(), path.file_stem().unwrap().to_str().unwrap())
        })
        .collect();
    assert_eq!(names, [("First", "a"), ("Fourth", "b"), ("Second", "second"), ("Third", "b")]);
}

#[tokio::test]
async fn a_failed_build_names_its_reason() {
    let folder = workspace("fn main() { 1 + }");
    let broken = build(&[function("B", &folder.path().join("b"), "b")], &Profile::Dev, &Progress::Hidden).await;
    assert!(
        matches!(broken, Err(BuildError::Failed { workspace, .. }) if workspace.ends_with(folder.path().file_name().unwrap()))
    );

    let missing = build(&[function("B", &folder.path().join("b"), "c")], &Profile::Dev, &Progress::Hidden).await;
    let error = missing.unwrap_err();
    assert!(matches!(error, BuildError::NoBinary { .. }));
    assert!(error.to_string().starts_with("function `B`: no package of "), "{error}");

    let elsewhere = tempfile::tempdir().unwrap();
    let lost = build(&[function("B", elsewhere.path(), "b")], &Profile::Dev, &Progress::Hidden).await;
    assert!(matches!(lost, Err(BuildError::NoWorkspace { .. })));
    let nowhere = build(&[function("B", &elsewhere.path().join("none"), "b")], &Profile::Dev, &Progress::Hidden).await;
    assert!(matches!(nowhere, Err(BuildError::NoWorkspace { message, .. }) if message == "no such folder"));
}

/// Returns what a program prints that prints the name it is called by.
fn called(executable: &Path) -> String {
    String::from_utf8(Command::new(executable).output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn functions_share_a_binary_under_their_own_names() {
    let name = "fn main() { print!(\"shared {}\", std::env::args().next().unwrap()) }";
    let folder = workspace("fn main() { print!(\"own\") }");
    std::fs::write(folder.path().join("a/src/bin/second.rs"), name).unwrap();
    let shared = |id: &str, binary: &str, shared: &str| Function {
        shared_binary: Some(shared.to_owned()),
        ..function(id, folder.path(), binary)
    };
    let functions = [shared("First", "a", "second"), shared("Second", "b", "second")];
    let paths = async |profile| -> Vec<PathBuf> {
        build(&functions, &profile, &Progress::Hidden).await.unwrap().into_values().collect()
    };
    let dev = paths(Profile::Dev).await;
    for (path, binary) in dev.iter().zip(["a", "b"]) {
        assert!(path.is_absolute() && path.ends_with(format!("functions/{binary}")), "{}", path.display());
        assert_eq!(called(path), format!("shared {}", path.display()));
    }

    // A link that leads elsewhere is made anew, one that is right stays.
    std::fs::remove_file(&dev[0]).unwrap();
    std::os::unix::fs::symlink("/nowhere", &dev[0]).unwrap();
    assert_eq!(paths(Profile::Dev).await, dev);
    assert!(called(&dev[0]).starts_with("shared"));

    // What deploys is each function's own.
    assert_eq!(called(&paths(Profile::Release).await[1]), "own");
    let missing = build(&[shared("B", "b", "third")], &Profile::Dev, &Progress::Hidden).await.unwrap_err();
    assert!(missing.to_string().ends_with("has a binary `third` (Metadata.LocalCloud.Binary)"), "{missing}");
    let missing = build(&[shared("C", "c", "second")], &Profile::Dev, &Progress::Hidden).await.unwrap_err();
    assert!(missing.to_string().ends_with("has a binary `c` (Metadata.BuildProperties.Binary)"), "{missing}");
}
