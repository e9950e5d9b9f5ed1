//! `--demo`: the command that fills a cloud, as the workspace names it: `demo = […]` in `[workspace.metadata.local-cloud]`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio_util::task::AbortOnDropHandle;

use super::workspace::{self, WorkspaceError};

/// Reasons for which a cloud was not filled.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("{} has no `demo`; set it to a command and its arguments in [workspace.metadata.local-cloud]", .0.display())]
    None(PathBuf),
    #[error("cannot run `{program}`: {source}")]
    Program { program: String, source: io::Error },
    #[error("`{program}` failed: {said}")]
    Failed { program: String, said: String },
}

/// Fills the cloud of these endpoints beside everything else; what is in the way is a warning. Dropping the handle ends it.
pub(super) fn fill(template: &Path, endpoints: &Path) -> AbortOnDropHandle<()> {
    let (folder, endpoints) = (template.parent().map(Path::to_owned).unwrap_or_default(), endpoints.to_owned());
    AbortOnDropHandle::new(tokio::spawn(async move {
        match run(folder, endpoints).await {
            Ok(said) => said.lines().for_each(|line| tracing::info!("{line}")),
            Err(error) => tracing::warn!("the demo is missing: {error}"),
        }
    }))
}

async fn run(folder: PathBuf, endpoints: PathBuf) -> Result<String, DemoError> {
    let workspace = tokio::task::spawn_blocking(move || workspace::of(&folder)).await;
    let workspace = workspace.map_err(|error| WorkspaceError::Manifest(error.to_string())).flatten()?;
    let mut words = workspace.settings.demo.into_iter();
    let program = words.next().ok_or_else(|| DemoError::None(workspace.root.join("Cargo.toml")))?;
    let unusable = |source| DemoError::Program { program: program.clone(), source };
    let mut command = Command::new(&program);
    command.args(words).arg(std::path::absolute(&endpoints).map_err(unusable)?).current_dir(workspace.root);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(unusable)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(DemoError::Failed { program, said })
}
