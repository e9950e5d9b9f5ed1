//! `cargo local bench`: the project's own bench, as the manifest of its workspace names it.
//!
//! ```toml
//! [workspace.metadata.local-cloud]
//! bench = ["cargo", "bench", "--bench", "numbers", "--"]
//! ```
//!
//! It runs in the workspace's folder, with what else is given on the command line, and starts what clouds it wants.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use super::workspace::{self, WorkspaceError};

/// Reasons for which the bench does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// A program that is not there.
    #[error("cannot run `{}`: {source}", program.display())]
    Program { program: OsString, source: io::Error },
    #[error("no bench: {0}")]
    Workspace(#[from] WorkspaceError),
    /// The manifest names none.
    #[error(
        "no bench: {} has no `bench`; set it to a command and its arguments in [workspace.metadata.local-cloud]", .0.display()
    )]
    None(PathBuf),
}

/// Becomes the bench of the workspace in which `folder` is. Returns only where that fails.
pub(super) fn run(folder: &Path, arguments: &[OsString]) -> Result<std::convert::Infallible, BenchError> {
    let (program, named, root) = bench_of(folder)?;
    let mut bench = workspace::outside_cargo(program.as_ref());
    // The process itself, so that signals, the terminal and the exit code are the bench's own.
    let source = bench.args(named).args(arguments).current_dir(root).exec();
    Err(BenchError::Program { program: program.into(), source })
}

/// Program, arguments, and where to run them.
fn bench_of(folder: &Path) -> Result<(String, Vec<String>, PathBuf), BenchError> {
    let workspace = workspace::of(folder)?;
    let mut words = workspace.settings.bench.into_iter();
    let program = words.next().ok_or_else(|| BenchError::None(workspace.root.join("Cargo.toml")))?;
    Ok((program, words.collect(), workspace.root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        folder
    }

    #[test]
    fn the_manifest_names_the_bench() {
        let folder = workspace("[workspace]\n[workspace.metadata.local-cloud]\nbench = [\"a\", \"--b\"]\n");
        let (program, arguments, root) = bench_of(folder.path()).unwrap();
        assert_eq!((program.as_str(), arguments), ("a", vec!["--b".to_owned()]));
        assert_eq!(root, folder.path().canonicalize().unwrap());
    }

    #[test]
    fn a_manifest_without_one_is_named() {
        let folder = workspace("[workspace]\n");
        let error = bench_of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml has no `bench`"), "{error}");
        let error = bench_of(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert!(matches!(error, BenchError::Workspace(WorkspaceError::Manifest(_))), "{error}");
    }
}
