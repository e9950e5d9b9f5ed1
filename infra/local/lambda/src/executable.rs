//! A function's executable, which a build may replace while its processes run.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::error::Failure;

/// Time that an executable may be missing or unfinished while a build replaces it: cargo unlinks the old one first.
const REPLACEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Identifies one build of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Build {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl Build {
    /// `None`: there is no file.
    fn of(executable: &Path) -> Option<Self> {
        // Once per invocation at most, a microsecond: less than a thread for it would take.
        let file = std::fs::metadata(executable).ok()?;
        Some(Self { inode: file.ino(), size: file.len(), modified: Metadata::modified(&file).ok() })
    }
}

/// An executable and, once it is watched, the build that its function is to run.
#[derive(Debug)]
pub(crate) struct Executable {
    path: PathBuf,
    watched: Mutex<Watched>,
}

#[derive(Debug, Clone, Copy)]
enum Watched {
    /// Any build may run.
    No,
    /// A process that runs anything else is to be replaced.
    Newest(Option<Build>),
}

impl Executable {
    /// An executable that is not watched.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, watched: Mutex::new(Watched::No) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the failure of an invocation whose process could not be started.
    pub(crate) fn not_started(&self, error: &io::Error) -> Failure {
        Failure::InvalidEntrypoint(format!("{}: {error}", self.path.display()))
    }

    /// From here on, processes of earlier builds are to be replaced.
    pub(crate) fn watch(&self) {
        let mut watched = self.watched();
        if matches!(*watched, Watched::No) {
            *watched = Watched::Newest(self.build());
        }
    }

    /// Returns true if it is watched and another build has replaced it since the last check.
    pub(crate) fn was_replaced(&self) -> bool {
        let mut watched = self.watched();
        match (&mut *watched, self.build()) {
            (Watched::Newest(newest), Some(build)) if *newest != Some(build) => {
                *newest = Some(build);
                true
            }
            // One that is missing is being replaced: the build that ran last is the newest there is.
            _ => false,
        }
    }

    /// Returns the build that a process runs which starts after this call, or an earlier one.
    pub(crate) fn build(&self) -> Option<Build> {
        Build::of(&self.path)
    }

    /// Returns true if a process of this build may go on.
    pub(crate) fn is_newest(&self, build: Option<Build>) -> bool {
        match *self.watched() {
            Watched::No => true,
            Watched::Newest(newest) => newest == build,
        }
    }

    /// Starts a process. While a build replaces a watched executable, it waits for the end of that.
    pub(crate) async fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let deadline = Instant::now() + REPLACEMENT_TIMEOUT;
        loop {
            match command.spawn() {
                Err(error) if self.is_being_replaced(&error) && Instant::now() < deadline => {
                    sleep(Duration::from_millis(5)).await;
                }
                spawned => return spawned,
            }
        }
    }

    fn is_being_replaced(&self, error: &io::Error) -> bool {
        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ExecutableFileBusy)
            && matches!(*self.watched(), Watched::Newest(_))
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Nothing panics while it holds the lock.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_build_counts_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        std::fs::write(&path, "a").unwrap();
        let executable = Executable::new(path.clone());
        let first = executable.build();
        std::fs::write(&path, "ab").unwrap();
        assert!(!executable.was_replaced() && executable.is_newest(first), "it is not watched");

        executable.watch();
        let second = executable.build();
        assert!(!executable.was_replaced() && executable.is_newest(second) && !executable.is_newest(first));
        std::fs::remove_file(&path).unwrap();
        assert!(!executable.was_replaced() && executable.is_newest(second), "it is being replaced");
        std::fs::write(&path, "abc").unwrap();
        assert!(executable.was_replaced() && !executable.is_newest(second));
        assert!(!executable.was_replaced(), "once");
    }
}
