//! `cargo local bench`: the project's own bench, as the manifest of its workspace names it.
//!
//! ```toml
//! [workspace.metadata.local-cloud]
//! bench = ["cargo", "bench", "--bench", "numbers", "--"]
//! ```
//!
//! It runs in the workspace's folder, with what else is given on the command line, and starts what clouds it wants.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use local_lambda::build::names_a_package;
use serde::Deserialize;

/// Reasons for which the bench does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// A program that is not there.
    #[error("cannot run `{}`: {source}", program.display())]
    Program { program: OsString, source: io::Error },
    /// A manifest that is not there or that cargo rejects.
    #[error("no bench: {0}")]
    Manifest(String),
    #[error("cannot read cargo's output: {0}")]
    Output(#[from] serde_json::Error),
    /// The manifest names none.
    #[error(
        "no bench: {} has no `bench`; set it to a command and its arguments in [workspace.metadata.local-cloud]", .0.display()
    )]
    None(PathBuf),
}

/// Becomes the bench of the workspace in which `folder` is. Returns only where that fails.
pub(super) fn run(folder: &Path, arguments: &[OsString]) -> Result<std::convert::Infallible, BenchError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let (program, named, root) = bench_of(&cargo, folder)?;
    let mut bench = outside_cargo(program.as_ref());
    // The process itself, so that signals, the terminal and the exit code are the bench's own.
    let source = bench.args(named).args(arguments).current_dir(root).exec();
    Err(BenchError::Program { program: program.into(), source })
}

/// Program, arguments, and where to run them.
fn bench_of(cargo: &OsStr, folder: &Path) -> Result<(String, Vec<String>, PathBuf), BenchError> {
    // A path without a parent is in this folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut command = outside_cargo(cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(folder);
    let unusable = |source| BenchError::Program { program: cargo.to_owned(), source };
    let output = command.output().map_err(unusable)?;
    if !output.status.success() {
        return Err(BenchError::Manifest(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let Workspace { workspace_root, metadata } = serde_json::from_slice(&output.stdout)?;
    let named = metadata.and_then(|metadata| metadata.local_cloud).unwrap_or_default().bench;
    let mut words = named.into_iter();
    let program = words.next().ok_or_else(|| BenchError::None(workspace_root.join("Cargo.toml")))?;
    Ok((program, words.collect(), workspace_root))
}

/// A command without the variables of the package that cargo has started this process for.
fn outside_cargo(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    std::env::vars_os().filter(|(name, _)| names_a_package(name)).for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// The parts of `cargo metadata` that are read.
#[derive(Deserialize)]
struct Workspace {
    workspace_root: PathBuf,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "local-cloud")]
    local_cloud: Option<LocalCloud>,
}

#[derive(Default, Deserialize)]
struct LocalCloud {
    #[serde(default)]
    bench: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        folder
    }

    fn bench_in(folder: &Path) -> Result<(String, Vec<String>, PathBuf), BenchError> {
        bench_of(env!("CARGO").as_ref(), folder)
    }

    #[test]
    fn the_manifest_names_the_bench() {
        let folder = workspace("[workspace]\n[workspace.metadata.local-cloud]\nbench = [\"a\", \"--b\"]\n");
        let (program, arguments, root) = bench_in(folder.path()).unwrap();
        assert_eq!((program.as_str(), arguments), ("a", vec!["--b".to_owned()]));
        assert_eq!(root, folder.path().canonicalize().unwrap());
    }

    #[test]
    fn a_manifest_without_one_is_named() {
        let folder = workspace("[workspace]\n");
        let error = bench_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml has no `bench`"), "{error}");
        let error = bench_in(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert!(matches!(error, BenchError::Manifest(_)), "{error}");
    }
}
