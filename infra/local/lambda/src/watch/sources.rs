//! The files from which cargo may build.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ignore::{DirEntry, Walk, WalkBuilder};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout_at};

/// Time without changes after which they are reported: an editor that saves, or a checkout, makes many.
const QUIET_PERIOD: Duration = Duration::from_millis(100);

/// Cargo's mark of target folders, which other programs use for their caches: <https://bford.info/cachedir/>.
const CACHE: &str = "CACHEDIR.TAG";

/// The files of some folders, without hidden ones, those that a `.gitignore` names, and caches; and one more file.
pub(super) struct SourceTree {
    roots: BTreeSet<PathBuf>,
    outputs: Arc<BTreeSet<PathBuf>>,
    file: PathBuf,
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<notify::Result<Event>>,
}

impl SourceTree {
    /// Changes from here on count, except in the folders `outputs`. The paths must be those of real files.
    pub(super) fn watch(roots: &BTreeSet<PathBuf>, outputs: BTreeSet<PathBuf>, file: &Path) -> notify::Result<Self> {
        let (told, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Fails once the receiver is dropped.
            let _ = told.send(event);
        })?;
        let mut sources =
            Self { roots: roots.clone(), outputs: Arc::new(outputs), file: file.to_owned(), watcher, events };
        for root in roots {
            sources.watch_tree(root)?;
        }
        if let Some(folder) = file.parent() {
            sources.watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(sources)
    }

    /// Waits for changes; gives the files and folders that appeared, changed or went.
    pub(super) async fn changed(&mut self) -> BTreeSet<PathBuf> {
        loop {
            let mut changed = self.touched().await;
            let mut quiet = Instant::now() + QUIET_PERIOD;
            // Changes of other files, for example the cloud's own log, do not delay a build.
            while let Ok(more) = timeout_at(quiet, self.touched()).await {
                if !more.is_empty() {
                    changed.extend(more);
                    quiet = Instant::now() + QUIET_PERIOD;
                }
            }
            for folder in changed.iter().filter(|path| path.is_dir()) {
                if let Err(error) = self.watch_tree(folder) {
                    tracing::warn!(%error, "cannot watch {}: changes there are not noticed", folder.display());
                }
            }
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    /// Returns the sources among the next files that may have changed.
    async fn touched(&mut self) -> BTreeSet<PathBuf> {
        let touched = self.next().await;
        touched.into_iter().filter(|path| self.is_source(path)).collect()
    }

    /// Waits for the next files that may have changed.
    async fn next(&mut self) -> Vec<PathBuf> {
        loop {
            match self.events.recv().await {
                // Reading a file changes nothing.
                Some(Ok(event)) if event.kind.is_access() => {}
                // The system dropped events: anything may have changed.
                Some(Ok(event)) if event.need_rescan() => return self.roots.iter().cloned().collect(),
                Some(Ok(event)) => return event.paths,
                Some(Err(error)) => tracing::warn!(%error, "some changes of the sources may be missed"),
                // Cannot be: the watcher holds the sender.
                None => return std::future::pending().await,
            }
        }
    }

    /// Watches a folder and those in it, one by one: their system's own recursion would take in target folders, too.
    fn watch_tree(&mut self, folder: &Path) -> notify::Result<()> {
        for entry in self.walk(folder, None) {
            match entry {
                Ok(entry) if is_folder(&entry) => self.watcher.watch(entry.path(), RecursiveMode::NonRecursive)?,
                Ok(_) => {}
                // The folder was deleted meanwhile, or is not readable; cargo reports it if that matters.
                Err(error) => tracing::debug!(%error, "not watched"),
            }
        }
        Ok(())
    }

    fn is_source(&self, path: &Path) -> bool {
        if path == self.file || self.roots.contains(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        if name.as_encoded_bytes().starts_with(b".") || !self.roots.iter().any(|root| path.starts_with(root)) {
            return false;
        }
        if is_own_output(path) {
            return false;
        }
        // A deleted file may have been an ignored one.
        (!path.exists() && !self.outputs.contains(path))
            || self.walk(folder, Some(1)).flatten().any(|entry| entry.path() == path)
    }

    fn walk(&self, folder: &Path, depth: Option<usize>) -> Walk {
        let outputs = Arc::clone(&self.outputs);
        let is_output = move |entry: &DirEntry| {
            is_folder(entry) && (outputs.contains(entry.path()) || entry.path().join(CACHE).exists())
        };
        WalkBuilder::new(folder)
            .require_git(false)
            .max_depth(depth)
            .filter_entry(move |entry| !is_output(entry))
            .build()
    }
}

/// Returns true for a file to which this process prints: its messages about a build are no reason to build.
fn is_own_output(path: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let found = identity(path);
    found.is_some() && ["/dev/stdout", "/dev/stderr"].iter().any(|output| identity(Path::new(output)) == found)
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn changes_of_sources_count_and_those_of_build_outputs_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |path: &str| root.join(path);
        for made in ["a/src", "target/debug", "cache", "generated", ".git"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("cache/CACHEDIR.TAG"), "").unwrap();
        fs::write(at(".gitignore"), "generated\n*.log\n").unwrap();
        let mut sources =
            SourceTree::watch(&[root.clone()].into(), [at("target")].into(), &at("template.yaml")).unwrap();

        for ignored in ["target/debug/a", "cache/a", "generated/b.rs", ".git/index", "a.log", "a/src/.main.rs.swp"] {
            fs::write(at(ignored), "").unwrap();
        }
        fs::write(at("a/src/main.rs"), "").unwrap();
        assert_eq!(sources.changed().await, [at("a/src/main.rs")].into());

        fs::create_dir_all(at("a/src/b/c")).unwrap();
        let found = sources.changed().await;
        assert!(found.contains(&at("a/src/b")), "{found:?}");
        fs::write(at("a/src/b/c/mod.rs"), "").unwrap();
        assert_eq!(sources.changed().await, [at("a/src/b/c/mod.rs")].into());

        fs::remove_file(at("a/src/main.rs")).unwrap();
        fs::read(at("a/src/b/c/mod.rs")).unwrap();
        assert_eq!(sources.changed().await, [at("a/src/main.rs")].into());
        fs::write(at("template.yaml"), "").unwrap();
        assert_eq!(sources.changed().await, [at("template.yaml")].into());
    }
}
