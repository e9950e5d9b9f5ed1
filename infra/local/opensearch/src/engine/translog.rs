//! The log of what was accepted since the last commit of an index: a JSON object a line.
//!
//! A line is in the system's hands before its request is applied, and on the disk before it is answered. A commit begins a new
//! generation and makes the earlier ones superfluous.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An accepted write, as a line of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) seq_no: i64,
    /// `None` for a deletion.
    pub(super) source: Option<Box<RawValue>>,
}

/// The log of one index.
#[derive(Debug)]
pub(super) struct Translog {
    folder: PathBuf,
    pub(super) generation: u64,
    file: Arc<File>,
    flushed: Arc<Flushed>,
}

/// Bytes that were written and flushed since the start, over all generations.
#[derive(Debug, Default)]
struct Flushed {
    written: AtomicU64,
    flushed: Mutex<u64>,
}

/// A position in the log that has to be on the disk before an answer.
#[derive(Debug)]
pub(super) struct Position {
    file: Arc<File>,
    written: u64,
    flushed: Arc<Flushed>,
}

impl Position {
    /// Waits until the log is on the disk up to here. Requests that wait together share one flush.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut flushed = self.flushed.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        if *flushed >= self.written {
            return Ok(());
        }
        // Of this generation: a later one begins only once this one is superfluous.
        let written = self.flushed.written.load(Ordering::Acquire);
        self.file.sync_data()?;
        *flushed = written;
        Ok(())
    }
}

impl Translog {
    /// Opens the log at a generation, and returns what it and later ones hold. The line that a crash cut off is no part of it.
    pub(super) fn open(folder: &Path, generation: u64) -> io::Result<(Self, Vec<Record>)> {
        let mut newest = generation;
        let mut records = Vec::new();
        for found in generations(folder)? {
            if found < generation {
                std::fs::remove_file(path(folder, found))?;
                continue;
            }
            newest = newest.max(found);
            read(&path(folder, found), &mut records)?;
        }
        let file = Arc::new(create(folder, newest + 1)?);
        let log = Self { folder: folder.to_owned(), generation: newest + 1, file, flushed: Arc::default() };
        Ok((log, records))
    }

    /// Writes records, and returns the position that has to be flushed before they are answered.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<Position> {
        (&*self.file).write_all(lines)?;
        let length = lines.len() as u64;
        let written = self.flushed.written.fetch_add(length, Ordering::AcqRel) + length;
        Ok(Position { file: Arc::clone(&self.file), written, flushed: Arc::clone(&self.flushed) })
    }

    /// Begins a new generation. The earlier ones count until [`Self::committed`].
    pub(super) fn roll(&mut self) -> io::Result<()> {
        // Else a line could be on the disk and one before it not.
        self.file.sync_data()?;
        self.file = Arc::new(create(&self.folder, self.generation + 1)?);
        self.generation += 1;
        Ok(())
    }

    /// Removes the generations before this one: the index holds what they say.
    pub(super) fn committed(&self) -> io::Result<()> {
        *self.flushed.flushed.lock().unwrap_or_else(PoisonError::into_inner) =
            self.flushed.written.load(Ordering::Acquire);
        for found in generations(&self.folder)?.into_iter().filter(|found| *found < self.generation) {
            std::fs::remove_file(path(&self.folder, found))?;
        }
        Ok(())
    }
}

fn path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("{generation}.translog"))
}

fn create(folder: &Path, generation: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path(folder, generation))?;
    // The name has to last as well.
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn generations(folder: &Path) -> io::Result<Vec<u64>> {
    let mut generations = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let generation = path.extension().filter(|extension| *extension == "translog").and(path.file_stem());
        generations.extend(generation.and_then(|stem| stem.to_str()?.parse::<u64>().ok()));
    }
    generations.sort_unstable();
    Ok(generations)
}

fn read(path: &Path, records: &mut Vec<Record>) -> io::Result<()> {
    let mut lines = BufReader::new(File::open(path)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        // Only the last line may be cut off, and then it was not answered.
        if !line.ends_with('\n') {
            tracing::warn!(file = %path.display(), bytes = line.len(), "the end of the log was cut off");
            break;
        }
        records.push(serde_json::from_str(&line)?);
        line.clear();
    }
    Ok(())
}
