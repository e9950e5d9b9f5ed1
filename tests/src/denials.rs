//! Denials: a permission that a function lacks fails the tests, also where the function goes on without it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The file that one cloud makes when it denies something. Ends the test process with an error as soon as it is there: tests that
/// wait for the function would only time out. What comes after the last test stays for the suite `wiring`.
#[derive(Debug)]
pub(crate) struct Denials(Arc<PathBuf>);

impl Denials {
    /// Watches for a file in this folder that is of one cloud alone.
    pub(crate) fn watch(folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}.jsonl", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let file = Arc::new(folder.join(name));
        let watched = Arc::downgrade(&file);
        std::thread::spawn(move || wait(&watched));
        Self(file)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.0
    }

    /// Ends the process if there is the file.
    pub(crate) fn check(&self) {
        fail_over(&self.0);
    }
}

/// Waits for the file, as long as there is the cloud.
fn wait(watched: &Weak<PathBuf>) {
    while let Some(file) = watched.upgrade() {
        fail_over(&file);
        drop(file);
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn fail_over(file: &Path) {
    if let Ok(denied) = std::fs::read_to_string(file) {
        // Not `eprintln`, which a test captures. A failure to write leaves the exit code.
        let _ = writeln!(std::io::stderr(), "\nfunctions lack permissions:\n{denied}");
        let _ = std::fs::remove_file(file);
        std::process::exit(1);
    }
}
