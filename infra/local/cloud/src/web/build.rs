//! Builds a page with npm, and keeps what was built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::serve::Files;
use super::{Source, sources};

/// Lines of a failed command that a warning repeats.
const MAX_REPEATED_LINES: usize = 8;

/// Reasons for which a page is missing. Each text is the end of a sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    #[error("`{0}` is not in PATH; it comes with Node.js (20 or later)")]
    NoNpm(&'static str),
    #[error("`{command}` failed in {}:{}", folder.display(), indented(.said))]
    Failed { command: String, folder: PathBuf, said: String },
    #[error("cannot run `{command}`: {source}")]
    Run { command: String, source: io::Error },
    #[error("cannot read its sources: {0}")]
    Sources(io::Error),
    #[error("cannot keep its files in {}: {source}", folder.display())]
    Output { folder: PathBuf, source: io::Error },
}

/// Returns the files of the page, built if its sources have changed since the last build.
pub(super) async fn files(source: &Source, npm: &'static str) -> Result<Files, BuildError> {
    let folders = source.folders.clone();
    let digest = tokio::task::spawn_blocking(move || sources::digest(&folders));
    let digest = digest.await.map_err(io::Error::other).flatten().map_err(BuildError::Sources)?;
    let unusable = |error| BuildError::Output { folder: source.output.clone(), source: error };
    let kept = source.output.join("sources");
    if fs::read_to_string(&kept).is_ok_and(|built| built == digest) {
        return Files::read(&page(source)).map_err(unusable);
    }
    if !is_in_path(npm) {
        return Err(BuildError::NoNpm(npm));
    }
    tracing::info!("building the page for browsers, beside the rest");
    if !is_installed(&source.package) {
        run(npm, &["ci", "--no-audit", "--no-fund"], &source.package).await?;
    }
    // Built elsewhere, so that a failure leaves the page of the last build, and an interruption nothing half.
    let parent = source.output.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(unusable)?;
    let parent = std::path::absolute(parent).map_err(unusable)?;
    let new = tempfile::Builder::new().prefix("web-").tempdir_in(parent).map_err(unusable)?;
    let page_folder = new.path().join("page");
    let out_dir = page_folder.to_string_lossy();
    run(npm, &["run", "--silent", "bundle", "--", "--outDir", &out_dir], &source.package).await?;
    let files = Files::read(&page_folder).map_err(unusable)?;
    fs::write(new.path().join("sources"), &digest).map_err(unusable)?;
    replace(new.path(), &source.output).map_err(unusable)?;
    Ok(files)
}

fn page(source: &Source) -> PathBuf {
    source.output.join("page")
}

fn replace(new: &Path, output: &Path) -> io::Result<()> {
    match fs::remove_dir_all(output) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(new, output)
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns true if the installed packages are those of the lock file: npm writes a list of its own after it has installed them.
fn is_installed(package: &Path) -> bool {
    let changed = |file: &str| fs::metadata(package.join(file)).and_then(|file| file.modified());
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

async fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), BuildError> {
    let command = || format!("{program} {}", arguments.iter().take(3).copied().collect::<Vec<_>>().join(" "));
    let mut process = Command::new(program);
    process.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = process.output().await.map_err(|source| BuildError::Run { command: command(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(BuildError::Failed { command: command(), folder: folder.to_owned(), said })
}

fn indented(said: &str) -> String {
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(MAX_REPEATED_LINES)..];
    last.iter().fold(String::new(), |text, line| text + "\n  " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(folder: &Path) -> Source {
        let package = folder.join("page");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), "{}").unwrap();
        Source { folders: vec![package.clone()], package, output: folder.join("kept/web") }
    }

    #[tokio::test]
    async fn without_npm_the_reason_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = files(&source(folder.path()), "absent-npm").await.unwrap_err();
        assert_eq!(error.to_string(), "`absent-npm` is not in PATH; it comes with Node.js (20 or later)");
    }

    #[tokio::test]
    async fn a_command_that_fails_is_named_with_the_end_of_its_output() {
        let folder = tempfile::tempdir().unwrap();
        // `false` takes all arguments that npm takes.
        let error = files(&source(folder.path()), "false").await.unwrap_err();
        let expected = format!("`false ci --no-audit --no-fund` failed in {}:", folder.path().join("page").display());
        assert_eq!(error.to_string(), expected);
        let said: Vec<_> = (0..20).map(|line| format!("line {line}\n")).collect();
        assert_eq!(indented(&said.concat()).lines().count(), 1 + MAX_REPEATED_LINES);
        assert!(!folder.path().join("kept").exists());
    }

    #[tokio::test]
    async fn an_earlier_build_of_the_same_sources_needs_no_npm() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(folder.path());
        fs::create_dir_all(page(&source)).unwrap();
        fs::write(page(&source).join("index.html"), "<p>").unwrap();
        fs::write(source.output.join("sources"), sources::digest(&source.folders).unwrap()).unwrap();
        assert!(files(&source, "absent-npm").await.is_ok());
        fs::write(source.package.join("package.json"), "{ }").unwrap();
        assert!(files(&source, "absent-npm").await.is_err());
    }
}
