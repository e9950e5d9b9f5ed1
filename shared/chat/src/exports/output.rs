//! The file of an export: an archive that becomes the parts of an upload.

use domain::export::ExportFailure;
use domain::{ExportId, Timestamp, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::StoreError;
use store::export_objects::{ExportObjects, UploadedPart};
use uuid::Uuid;

use super::cursor::Cursor;
use super::zip::{Archive, Entry, MessagesOf};

/// Size of the first parts; S3 takes no smaller ones than 5 MB but the last.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Number of parts after which they are twice as large. With 10,000 parts, the most that S3 takes, a file has up to 480 GB.
const PARTS_PER_SIZE: usize = 2_000;

/// Most parts of an upload.
const MAX_PARTS: usize = 10_000;

/// Most entries of an archive: the last step has all of them in memory.
const MAX_ENTRIES: usize = 200_000;

/// Entries that a checkpoint has; more are left in objects of their own.
const ENTRIES_PER_CHECKPOINT: usize = 2_000;

/// Reasons for which no more can be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// The export ends for this reason.
    #[error("the export has failed: {0:?}")]
    Failed(ExportFailure),
    /// The upload ended: by another worker, or the user has cancelled the export.
    #[error("the upload has ended")]
    UploadOver,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<serde_json::Error> for OutputError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Progress of an export, as a checkpoint has it before the bytes that fill no part yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// Number of checkpoints before.
    pub(super) steps: u64,
    pub(super) cursor: Cursor,
    pub(super) counts: Counts,
    archive: Archive,
    /// Objects with earlier entries.
    earlier_entries: Vec<String>,
    /// Number of those entries.
    earlier_count: usize,
    parts: Vec<UploadedPart>,
}

/// Numbers of what is in an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) conversations: u64,
    pub(super) members: u64,
    pub(super) messages: u64,
    pub(super) files: u64,
    /// Files that were deleted while they were read.
    pub(super) missing_files: u64,
}

/// Writes the file of an export.
#[derive(Debug)]
pub(super) struct Output<'a> {
    objects: &'a ExportObjects,
    export_id: ExportId,
    upload_id: &'a str,
    /// Time that all entries have.
    at: Timestamp,
    pub(super) saved: Saved,
    /// Name of the newest checkpoint.
    pub(super) newest: Option<String>,
    /// Bytes that are in no part yet.
    buffer: Vec<u8>,
    /// Number of bytes since the last checkpoint.
    unsaved: usize,
}

impl<'a> Output<'a> {
    /// Goes on from a checkpoint, or begins.
    pub(super) async fn open(
        objects: &'a ExportObjects,
        export_id: ExportId,
        upload_id: &'a str,
        at: Timestamp,
        checkpoint: Option<&str>,
    ) -> Result<Self, StoreError> {
        let (saved, buffer) = match checkpoint {
            None => (Saved::default(), Vec::new()),
            Some(name) => {
                let bytes = objects.checkpoint(export_id, name).await?;
                let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
                (serde_json::from_slice(&bytes[..end])?, bytes.get(end + 1..).unwrap_or_default().to_vec())
            }
        };
        let newest = checkpoint.map(str::to_owned);
        Ok(Self { objects, export_id, upload_id, at, saved, newest, buffer, unsaved: 0 })
    }

    /// Number of bytes that would be written again after a crash.
    pub(super) const fn unsaved(&self) -> usize {
        self.unsaved
    }

    /// Number of bytes of the open entry so far; `None` if there is none.
    pub(super) fn open_bytes(&self) -> Option<u64> {
        self.saved.archive.open.as_ref().map(|open| open.size)
    }

    /// Adds an entry of JSON lines, unless it has none.
    pub(super) async fn add_lines(
        &mut self,
        name: String,
        lines: &[u8],
        messages: Option<MessagesOf>,
    ) -> Result<(), OutputError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.add(name, lines, hex(&Sha256::digest(lines)), messages, true).await
    }

    /// Adds an entry of JSON.
    pub(super) async fn add_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), OutputError> {
        let mut json = serde_json::to_vec_pretty(value)?;
        json.push(b'\n');
        self.add(name.to_owned(), &json, hex(&Sha256::digest(&json)), None, true).await
    }

    /// Adds an entry of bytes that are written as they are.
    pub(super) async fn add_file(&mut self, name: String, bytes: &[u8]) -> Result<(), OutputError> {
        self.add(name, bytes, hex(&Sha256::digest(bytes)), None, false).await
    }

    async fn add(
        &mut self,
        name: String,
        bytes: &[u8],
        sha256: String,
        messages: Option<MessagesOf>,
        compress: bool,
    ) -> Result<(), OutputError> {
        let before = self.buffer.len();
        let entry = self.saved.archive.add(&mut self.buffer, name, bytes, sha256, self.at, compress);
        entry.messages = messages;
        self.wrote(before).await
    }

    /// Begins an entry whose bytes come one after the other. It has this SHA-256.
    pub(super) fn begin(&mut self, name: String, size: u64, sha256: String) {
        let before = self.buffer.len();
        self.saved.archive.begin(&mut self.buffer, name, size, sha256, self.at);
        self.unsaved += self.buffer.len() - before;
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        let before = self.buffer.len();
        self.saved.archive.append(&mut self.buffer, bytes);
        self.wrote(before).await
    }

    pub(super) async fn end(&mut self) -> Result<(), OutputError> {
        let before = self.buffer.len();
        self.saved.archive.end(&mut self.buffer);
        self.wrote(before).await
    }

    /// Uploads the parts that have become full.
    async fn wrote(&mut self, before: usize) -> Result<(), OutputError> {
        self.unsaved += self.buffer.len() - before;
        if self.saved.earlier_count + self.saved.archive.entries.len() > MAX_ENTRIES {
            return Err(OutputError::Failed(ExportFailure::TooLarge));
        }
        loop {
            let size = part_bytes(self.saved.parts.len());
            if self.buffer.len() < size {
                return Ok(());
            }
            let rest = self.buffer.split_off(size);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.put_part(part).await?;
        }
    }

    async fn put_part(&mut self, bytes: Vec<u8>) -> Result<(), OutputError> {
        if self.saved.parts.len() >= MAX_PARTS {
            return Err(OutputError::Failed(ExportFailure::TooLarge));
        }
        let number = i32::try_from(self.saved.parts.len() + 1).unwrap_or(i32::MAX);
        let part = self.objects.put_part(self.export_id, self.upload_id, number, bytes).await?;
        self.saved.parts.push(part.ok_or(OutputError::UploadOver)?);
        Ok(())
    }

    /// Writes a checkpoint and returns its name, which no other worker uses.
    pub(super) async fn checkpoint(&mut self, by: Uuid) -> Result<String, StoreError> {
        self.saved.steps += 1;
        let name = format!("{}-{by}", self.saved.steps);
        if self.saved.archive.entries.len() >= ENTRIES_PER_CHECKPOINT {
            let entries = std::mem::take(&mut self.saved.archive.entries);
            let name = format!("entries-{name}");
            self.objects.put_checkpoint(self.export_id, &name, serde_json::to_vec(&entries)?).await?;
            self.saved.earlier_entries.push(name);
            self.saved.earlier_count += entries.len();
        }
        let mut bytes = serde_json::to_vec(&self.saved)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.buffer);
        self.objects.put_checkpoint(self.export_id, &name, bytes).await?;
        self.unsaved = 0;
        Ok(name)
    }

    /// Brings all entries together, for the last step, and returns them.
    pub(super) async fn all_entries(&mut self) -> Result<&[Entry], StoreError> {
        let mut entries = Vec::new();
        for name in std::mem::take(&mut self.saved.earlier_entries) {
            let bytes = self.objects.checkpoint(self.export_id, &name).await?;
            entries.extend(serde_json::from_slice::<Vec<Entry>>(&bytes)?);
        }
        self.saved.earlier_count = 0;
        entries.append(&mut self.saved.archive.entries);
        self.saved.archive.entries = entries;
        Ok(&self.saved.archive.entries)
    }

    /// Ends the archive and the upload. Returns the size of the file. All entries have to be together.
    pub(super) async fn finish(&mut self) -> Result<u64, OutputError> {
        let before = self.buffer.len();
        self.saved.archive.finish(&mut self.buffer, self.at);
        self.wrote(before).await?;
        let last = std::mem::take(&mut self.buffer);
        if !last.is_empty() {
            self.put_part(last).await?;
        }
        if self.objects.join(self.export_id, self.upload_id, &self.saved.parts).await? {
            Ok(self.saved.archive.offset)
        } else {
            Err(OutputError::UploadOver)
        }
    }
}

/// Returns the size of the part after so many others.
fn part_bytes(before: usize) -> usize {
    PART_BYTES << (before / PARTS_PER_SIZE).min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_and_fit_what_s3_takes() {
        let total: usize = (0..MAX_PARTS).map(part_bytes).sum();
        assert_eq!((part_bytes(0), part_bytes(1_999), part_bytes(2_000)), (PART_BYTES, PART_BYTES, 2 * PART_BYTES));
        assert_eq!(part_bytes(MAX_PARTS - 1), 128 * 1024 * 1024);
        assert!(total as u64 / 1_000_000_000 >= 480, "{total}");
    }
}
