//! The file of everything that happened to messages. A request that changes something is answered once its record is on the disk.
//!
//! One JSON record a line. The records of requests that are under way together are written and synchronised together. A process
//! that is killed can leave half a record at the end, which belongs to no answered request and is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use crate::state::Change;

/// Size in bytes from which the file is written anew, if most of it is about messages that are gone.
const MIN_REWRITTEN_BYTES: usize = 16 * 1024 * 1024;

/// Resolves once a record is on the disk; an error means that it is not known to be.
pub(crate) type Written = oneshot::Receiver<()>;

/// Writes records to the journal, one batch after the other.
#[derive(Debug)]
pub(crate) struct Journal {
    jobs: Sender<Job>,
    /// Bytes in the file, and after it was written anew.
    size: usize,
    least: usize,
}

#[derive(Debug)]
enum Job {
    Append(Vec<u8>, oneshot::Sender<()>),
    /// All that is known at this point.
    Rewrite(Vec<u8>),
}

/// Reads all whole records; no file, no records.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Change>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (lines, torn) = bytes.split_at(whole);
    if !torn.is_empty() {
        tracing::warn!(file = %path.display(), bytes = torn.len(), "an incomplete record at the end is dropped");
    }
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

/// Appends records to a text.
pub(crate) fn write_records<'a>(records: impl IntoIterator<Item = &'a Change>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, record)?;
        text.push(b'\n');
    }
    Ok(text)
}

impl Journal {
    /// Begins the file anew with what is known.
    pub(crate) fn start(path: PathBuf, known: &[u8]) -> io::Result<Self> {
        let file = rewrite(&path, known)?;
        let (jobs, receiver) = channel();
        std::thread::Builder::new().name("sqs-journal".to_owned()).spawn(move || run(&path, file, &receiver))?;
        Ok(Self { jobs, size: known.len(), least: known.len() })
    }

    /// Appends records. The order of calls is that of the file.
    pub(crate) fn append(&mut self, records: Vec<u8>) -> Written {
        self.size += records.len();
        let (done, written) = oneshot::channel();
        // Without the thread the sender is dropped, which is an error for whoever waits.
        let _ = self.jobs.send(Job::Append(records, done));
        written
    }

    /// Returns true if the file is worth writing anew.
    pub(crate) fn is_large(&self) -> bool {
        self.size > MIN_REWRITTEN_BYTES && self.size > 4 * self.least
    }

    /// Replaces the file by what is known now.
    pub(crate) fn rewrite(&mut self, known: Vec<u8>) {
        (self.size, self.least) = (known.len(), known.len());
        let _ = self.jobs.send(Job::Rewrite(known));
    }
}

/// Writes until the journal is dropped.
fn run(path: &Path, mut file: File, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut text = Vec::new();
        let mut waiting = Vec::new();
        for job in std::iter::once(first).chain(jobs.try_iter()) {
            match job {
                Job::Append(records, done) => {
                    text.extend(records);
                    waiting.push(done);
                }
                // It has all that was appended before.
                Job::Rewrite(known) => match rewrite(path, &known) {
                    Ok(new) => {
                        file = new;
                        text.clear();
                    }
                    Err(error) => tracing::error!(file = %path.display(), %error, "the queues' journal stays long"),
                },
            }
        }
        match file.write_all(&text).and_then(|()| file.sync_data()) {
            Ok(()) => {
                for done in waiting {
                    // Whoever waited may be gone.
                    let _ = done.send(());
                }
            }
            Err(error) => tracing::error!(file = %path.display(), %error, "cannot write the queues' journal"),
        }
    }
}

/// Replaces the file as a whole and opens it for more.
fn rewrite(path: &Path, known: &[u8]) -> io::Result<File> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(known)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purged(queue: &str) -> Change {
        Change::Purged { queue: queue.to_owned() }
    }

    fn names(changes: &[Change]) -> Vec<String> {
        let name = |change: &Change| match change {
            Change::Purged { queue } => queue.clone(),
            other => panic!("{other:?}"),
        };
        changes.iter().map(name).collect()
    }

    #[tokio::test]
    async fn half_a_record_at_the_end_is_dropped_and_any_other_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        assert!(read(&path).unwrap().is_empty());
        let mut journal = Journal::start(path.clone(), &write_records(&[purged("a")]).unwrap()).unwrap();
        for name in ["b", "c"] {
            journal.append(write_records(&[purged(name)]).unwrap()).await.unwrap();
        }
        assert_eq!(names(&read(&path).unwrap()), ["a", "b", "c"]);
        let bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - write_records(&[purged("c")]).unwrap().len();
        for cut in last..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(names(&read(&path).unwrap()), ["a", "b"], "{cut}");
        }
        std::fs::write(&path, [b"{\n", &bytes[..]].concat()).unwrap();
        read(&path).unwrap_err();
    }

    #[tokio::test]
    async fn a_rewritten_file_has_what_is_known_and_what_came_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::start(path.clone(), b"").unwrap();
        drop(journal.append(write_records(&[purged("old")]).unwrap()));
        journal.rewrite(write_records(&[purged("known")]).unwrap());
        journal.append(write_records(&[purged("new")]).unwrap()).await.unwrap();
        assert_eq!(names(&read(&path).unwrap()), ["known", "new"]);
    }
}
