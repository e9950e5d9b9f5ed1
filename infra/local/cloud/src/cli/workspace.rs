//! The workspace of an application, and what its manifest says to this command: `[workspace.metadata.local-cloud]`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use local_lambda::build::names_a_package;
use serde::Deserialize;

/// Reasons for which there is no workspace.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkspaceError {
    /// A program that is not there.
    #[error("cannot run `{}`: {source}", program.display())]
    Program { program: OsString, source: io::Error },
    /// A manifest that is not there or that cargo rejects.
    #[error("{0}")]
    Manifest(String),
    #[error("cannot read cargo's output: {0}")]
    Output(#[from] serde_json::Error),
}

/// A workspace with its settings.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    pub(super) settings: Settings,
}

/// What the table `[workspace.metadata.local-cloud]` says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Settings {
    /// A command and its arguments.
    #[serde(default)]
    pub(super) bench: Vec<String>,
    /// The command that fills a cloud.
    #[serde(default)]
    pub(super) demo: Vec<String>,
    /// Path of the cost file, from the workspace's folder.
    pub(super) cost: Option<PathBuf>,
    /// The page for browsers.
    pub(super) web: Option<PageSettings>,
}

/// The page for browsers that a workspace has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageSettings {
    /// The folder of the npm package, from the workspace's folder.
    pub(super) package: PathBuf,
    /// Further folders whose files become parts of the page.
    #[serde(default)]
    pub(super) sources: Vec<PathBuf>,
}

/// Returns the workspace in which `folder` is.
pub(super) fn of(folder: &Path) -> Result<Workspace, WorkspaceError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // A path without a parent is in this folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut command = outside_cargo(&cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(folder);
    let output = command.output().map_err(|source| WorkspaceError::Program { program: cargo, source })?;
    if !output.status.success() {
        return Err(WorkspaceError::Manifest(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let Output { workspace_root, metadata } = serde_json::from_slice(&output.stdout)?;
    let settings = metadata.and_then(|metadata| metadata.local_cloud).unwrap_or_default();
    Ok(Workspace { root: workspace_root, settings })
}

/// A command without the variables of the package that cargo has started this process for.
pub(super) fn outside_cargo(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    std::env::vars_os().filter(|(name, _)| names_a_package(name)).for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// The parts of `cargo metadata` that are read.
#[derive(Deserialize)]
struct Output {
    workspace_root: PathBuf,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "local-cloud")]
    local_cloud: Option<Settings>,
}
