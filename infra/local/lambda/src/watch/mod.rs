//! Hot reload: when a source of the functions changes, they are built again.
//!
//! That a function then runs its new binary is [`Lambda::reload_rebuilt`](crate::Lambda::reload_rebuilt)'s doing,
//! whoever has built it.

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use local_template::model::Function;
use tokio_util::sync::CancellationToken;

use crate::build;
use crate::build::{BuildError, Profile, Progress, Workspace};
use sources::SourceTree;

/// Reasons for which the sources cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The sources are in no cargo workspace.
    #[error(transparent)]
    Workspace(#[from] BuildError),
    /// The operating system refuses, for example because too many files are watched already.
    #[error("cannot watch the sources: {0}")]
    Files(#[from] notify::Error),
    /// The template cannot be read.
    #[error("cannot watch {}: {source}", file.display())]
    Template { file: PathBuf, source: io::Error },
}

/// The sources of a stack's functions and its template.
pub struct Watch {
    functions: Vec<Function>,
    profile: Profile,
    progress: Progress,
    roots: BTreeSet<PathBuf>,
    template: PathBuf,
    /// The content at the start of the cloud.
    taken: Vec<u8>,
    sources: SourceTree,
}

impl Watch {
    /// Changes from here on count, but not those of the folder `data`.
    pub async fn begin(
        template: &Path,
        functions: &[Function],
        data: Option<&Path>,
        profile: Profile,
        progress: Progress,
    ) -> Result<Self, WatchError> {
        let unreadable = |source| WatchError::Template { file: template.to_owned(), source };
        let taken = tokio::fs::read(template).await.map_err(unreadable)?;
        // Events have the names of real files.
        let template = template.canonicalize().map_err(unreadable)?;
        // A path that does not exist yet has no canonical name.
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        let mut roots = BTreeSet::new();
        let mut outputs: BTreeSet<PathBuf> = data.map(Path::to_owned).into_iter().map(real).collect();
        for Workspace { root, target } in build::workspaces(functions).await? {
            roots.insert(real(root));
            outputs.insert(real(target));
        }
        let sources = SourceTree::watch(&roots, outputs, &template)?;
        Ok(Self { functions: functions.to_vec(), profile, progress, roots, template, taken, sources })
    }

    /// Builds after every change until `shutdown` fires. The functions have been built once.
    pub async fn run(mut self, shutdown: CancellationToken) -> io::Result<()> {
        let mut locked = self.lock_files().await;
        while let Some(mut changed) = shutdown.run_until_cancelled(self.sources.changed()).await {
            if changed.remove(&self.template) {
                self.compare_template().await;
            }
            if changed.iter().any(|path| locked.contains_key(path)) {
                let found = self.lock_files().await;
                changed.retain(|path| !locked.contains_key(path) || locked.get(path) != found.get(path));
            }
            if changed.is_empty() {
                continue;
            }
            tracing::debug!("{} changed: building the functions", self.name(&changed));
            let built = build::build(&self.functions, &self.profile, &self.progress);
            match shutdown.run_until_cancelled(built).await {
                // The next invocation runs the new build, and its log says so.
                Some(Ok(_)) => {}
                Some(Err(error)) => tracing::error!("{error}; the functions run as they were built before"),
                None => break,
            }
            locked = self.lock_files().await;
        }
        Ok(())
    }

    /// Returns the content of the workspaces' `Cargo.lock`: cargo writes it, so it counts as changed only if it differs from
    /// that of the last build.
    async fn lock_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for file in self.roots.iter().map(|root| root.join("Cargo.lock")) {
            // One that is not there or cannot be read is cargo's business.
            if let Ok(text) = tokio::fs::read(&file).await {
                files.insert(file, text);
            }
        }
        files
    }

    async fn compare_template(&self) {
        // One that is gone for the moment is being written.
        if tokio::fs::read(&self.template).await.is_ok_and(|text| text != self.taken) {
            tracing::warn!("the template changed; restart the local cloud to apply it");
        }
    }

    /// The files for people: the first one, and how many more there are.
    fn name(&self, changed: &BTreeSet<PathBuf>) -> String {
        let Some(first) = changed.first() else { return String::new() };
        let within = self.roots.iter().find_map(|root| first.strip_prefix(root).ok());
        let first = within.unwrap_or(first).display();
        match changed.len() - 1 {
            0 => first.to_string(),
            more => format!("{first} and {more} more"),
        }
    }
}
