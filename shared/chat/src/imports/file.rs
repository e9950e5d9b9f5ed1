//! The file of an import: a ZIP archive, of which some entries at a time are read.
//!
//! The format is described in PKWARE's APPNOTE: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>. The directory at the
//! end says where each entry is, so an entry is one request to S3.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use domain::ImportId;
use domain::import::{MAX_ENTRIES, MAX_ENTRY_BYTES};
use flate2::read::DeflateDecoder;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::import_objects::ImportObjects;

use super::errors::StepError;

/// Bytes of the record that ends an archive, without its comment, and of the longest comment.
const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: usize = 65_535;

/// Bytes of the ZIP64 locator before that record, and of the record that it leads to.
const LOCATOR_BYTES: usize = 20;
const END64_BYTES: u64 = 56;

/// Bytes of the header before an entry, and of a record of the directory, both without names.
const LOCAL_BYTES: usize = 30;
const RECORD_BYTES: usize = 46;

/// Bytes of the extra fields of a header that are read with its entry.
const MAX_EXTRA_BYTES: u64 = 4_096;

/// Most bytes of one request for entries beside each other, and such requests at once.
const MAX_RUN_BYTES: u64 = 16 * 1024 * 1024;
const RUNS_AT_ONCE: usize = 4;

/// Largest directory of a ZIP file that is read.
const MAX_DIRECTORY_BYTES: u64 = 64 * 1024 * 1024;

const STORED: u64 = 0;
const DEFLATED: u64 = 8;

/// An entry of the archive, by the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    flags: u64,
    method: u64,
    crc: u64,
    compressed: u64,
    pub(super) size: u64,
    offset: u64,
}

/// The archive of an import.
#[derive(Debug)]
pub(super) struct ImportFile<'a> {
    objects: &'a ImportObjects,
    import: ImportId,
    size: u64,
    pub(super) entries: Vec<Entry>,
}

impl<'a> ImportFile<'a> {
    /// Reads the directory. Cost: two requests to S3, three for a very large archive.
    pub(super) async fn open(objects: &'a ImportObjects, import: ImportId, size: u64) -> Result<Self, StepError> {
        let mut file = Self { objects, import, size, entries: Vec::new() };
        let tail = size.min((END_BYTES + LOCATOR_BYTES + MAX_COMMENT_BYTES) as u64);
        let end = file.bytes(size - tail, tail).await?;
        let at = end.windows(4).rposition(|window| window == b"PK\x05\x06").filter(|at| at + END_BYTES <= end.len());
        let at = at.ok_or_else(|| StepError::of_file("The file is no ZIP archive."))?;
        let mut directory = Directory {
            count: number(&end, at + 10, 2),
            size: number(&end, at + 12, 4),
            offset: number(&end, at + 16, 4),
        };
        if directory.needs_zip64() {
            let locator = at.checked_sub(LOCATOR_BYTES).filter(|at| end[*at..].starts_with(b"PK\x06\x07"));
            let locator = locator.ok_or_else(|| StepError::of_file("The ZIP archive has no ZIP64 locator."))?;
            let record = file.bytes(number(&end, locator + 8, 8), END64_BYTES).await?;
            if !record.starts_with(b"PK\x06\x06") || record.len() < 56 {
                return Err(StepError::of_file("The ZIP archive has no ZIP64 record."));
            }
            directory = Directory {
                count: number(&record, 32, 8),
                size: number(&record, 40, 8),
                offset: number(&record, 48, 8),
            };
        }
        if directory.count > MAX_ENTRIES || directory.size > MAX_DIRECTORY_BYTES {
            return Err(StepError::of_file(format!("The ZIP archive has more than {MAX_ENTRIES} entries.")));
        }
        let records =
            if directory.size == 0 { Vec::new() } else { file.bytes(directory.offset, directory.size).await? };
        file.entries = entries(&records).map_err(StepError::of_file)?;
        let mut names = BTreeSet::new();
        if let Some(twice) = file.entries.iter().find(|entry| !names.insert(&entry.name)) {
            return Err(StepError::of_file(format!("The ZIP archive has the entry {} twice.", twice.name)));
        }
        Ok(file)
    }

    /// Reads an entry, of at most 64 MB. Cost: a request to S3.
    pub(super) async fn read(&self, entry: &Entry) -> Result<Vec<u8>, StepError> {
        let broken = |message: String| broken(entry, &message);
        check_size(entry).map_err(broken)?;
        let bytes = self.bytes(entry.offset, span(entry)).await?;
        content(entry, &bytes).map_err(broken)
    }

    /// Reads entries, of at most 64 MB each. Returns them in the same order. Cost: a request to S3 for those that lie beside each other, up to
    /// 16 MB.
    pub(super) async fn read_all(&self, entries: &[&Entry]) -> Result<Vec<Result<Vec<u8>, StepError>>, StepError> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_unstable_by_key(|number| entries[*number].offset);
        let mut runs: Vec<Run> = Vec::new();
        let mut found: BTreeMap<usize, Result<Vec<u8>, StepError>> = BTreeMap::new();
        for number in order {
            let entry = entries[number];
            if let Err(message) = check_size(entry) {
                found.insert(number, Err(broken(entry, &message)));
                continue;
            }
            let (first, end) = (entry.offset, entry.offset + span(entry));
            match runs.last_mut() {
                Some(run) if first <= run.end && end - run.first <= MAX_RUN_BYTES => {
                    run.end = run.end.max(end);
                    run.numbers.push(number);
                }
                _ => runs.push(Run { first, end, numbers: vec![number] }),
            }
        }
        let read = runs.into_iter().map(async |run| {
            let bytes = self.bytes(run.first, run.end - run.first).await?;
            let content = |number: usize| {
                let entry = entries[number];
                let first = usize::try_from(entry.offset - run.first).unwrap_or(usize::MAX);
                let content = content(entry, bytes.get(first..).unwrap_or_default());
                (number, content.map_err(|message| broken(entry, &message)))
            };
            Ok::<Vec<_>, StepError>(run.numbers.into_iter().map(content).collect())
        });
        let read: Vec<Vec<_>> = stream::iter(read).buffered(RUNS_AT_ONCE).try_collect().await?;
        found.extend(read.into_iter().flatten());
        Ok(found.into_values().collect())
    }

    async fn bytes(&self, first: u64, count: u64) -> Result<Vec<u8>, StepError> {
        if first >= self.size {
            return Err(StepError::of_file("The ZIP archive refers to bytes that it does not have."));
        }
        let count = count.min(self.size - first);
        let bytes = self.objects.bytes(self.import, first, count).await?;
        bytes.ok_or_else(|| StepError::of_file("The file is not there any more."))
    }
}

/// Entries that one request reads: where they begin and end, and their numbers.
struct Run {
    first: u64,
    end: u64,
    numbers: Vec<usize>,
}

/// Returns the most bytes that an entry has in the archive, its header included.
fn span(entry: &Entry) -> u64 {
    LOCAL_BYTES as u64 + entry.name.len() as u64 + MAX_EXTRA_BYTES + entry.compressed
}

fn broken(entry: &Entry, message: &str) -> StepError {
    StepError::of_file(format!("{}: {message}", entry.name))
}

/// Returns an error for an entry that is too large.
pub(super) fn check_size(entry: &Entry) -> Result<(), String> {
    if entry.size > MAX_ENTRY_BYTES || entry.compressed > MAX_ENTRY_BYTES {
        return Err(format!("The entry has more than {MAX_ENTRY_BYTES} bytes."));
    }
    Ok(())
}

struct Directory {
    count: u64,
    size: u64,
    offset: u64,
}

impl Directory {
    fn needs_zip64(&self) -> bool {
        self.count == 0xffff || self.size == 0xffff_ffff || self.offset == 0xffff_ffff
    }
}

/// Reads the number of so many bytes at this place, the smallest byte first; zero beyond the end.
fn number(bytes: &[u8], at: usize, count: usize) -> u64 {
    let bytes = bytes.get(at..at + count).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Reads the records of the directory. Folders are left out.
fn entries(mut records: &[u8]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    while !records.is_empty() {
        if !records.starts_with(b"PK\x01\x02") || records.len() < RECORD_BYTES {
            return Err("The directory of the ZIP archive is damaged.".to_owned());
        }
        let length = |at: usize| usize::try_from(number(records, at, 2)).unwrap_or_default();
        let (name, extra, comment) = (length(28), length(30), length(32));
        let end = RECORD_BYTES + name + extra + comment;
        let cut = || "The directory of the ZIP archive ends early.".to_owned();
        let bytes = records.get(RECORD_BYTES..RECORD_BYTES + name).ok_or_else(cut)?;
        let fields = records.get(RECORD_BYTES + name..RECORD_BYTES + name + extra).ok_or_else(cut)?;
        let name = std::str::from_utf8(bytes).map_err(|_| "A name in the ZIP archive is not UTF-8.".to_owned())?;
        let mut entry = Entry {
            name: name.to_owned(),
            flags: number(records, 8, 2),
            method: number(records, 10, 2),
            crc: number(records, 16, 4),
            compressed: number(records, 20, 4),
            size: number(records, 24, 4),
            offset: number(records, 42, 4),
        };
        read_zip64(&mut entry, fields);
        if !name.ends_with('/') {
            entries.push(entry);
        }
        records = records.get(end..).ok_or_else(cut)?;
    }
    Ok(entries)
}

/// Takes numbers of 64 bits out of the ZIP64 field: it has those that the record has no room for, in this order.
fn read_zip64(entry: &mut Entry, mut fields: &[u8]) {
    while fields.len() >= 4 {
        let (id, length) = (number(fields, 0, 2), usize::try_from(number(fields, 2, 2)).unwrap_or_default());
        let field = fields.get(4..4 + length).unwrap_or_default();
        if id == 1 {
            let mut at = 0;
            for wide in [&mut entry.size, &mut entry.compressed, &mut entry.offset] {
                if *wide == 0xffff_ffff {
                    *wide = number(field, at, 8);
                    at += 8;
                }
            }
        }
        fields = fields.get(4 + length..).unwrap_or_default();
    }
}

/// Returns the bytes of an entry out of those that begin with its header.
fn content(entry: &Entry, bytes: &[u8]) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Err("The ZIP archive has no entry where its directory says so.".to_owned());
    }
    if entry.flags & 1 == 1 {
        return Err("The entry is encrypted.".to_owned());
    }
    let length = |at: usize| usize::try_from(number(bytes, at, 2)).unwrap_or_default();
    let first = LOCAL_BYTES + length(26) + length(28);
    let last = usize::try_from(entry.compressed).ok().and_then(|count| first.checked_add(count));
    let compressed = last.and_then(|last| bytes.get(first..last)).ok_or("The entry ends early.")?;
    let content = match entry.method {
        STORED => compressed.to_vec(),
        DEFLATED => {
            let mut content = Vec::with_capacity(usize::try_from(entry.size).unwrap_or_default());
            // One byte more would show that the directory does not tell the truth.
            let read = DeflateDecoder::new(compressed).take(entry.size + 1).read_to_end(&mut content);
            read.map_err(|error| format!("The entry cannot be decompressed: {error}."))?;
            content
        }
        method => return Err(format!("The entry is compressed by the method {method}; 0 and 8 (deflate) are read.")),
    };
    if content.len() as u64 != entry.size || u64::from(crc32fast::hash(&content)) != entry.crc {
        return Err("The entry has another checksum or size than the directory says.".to_owned());
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn archives_of_another_writer_are_read() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let text = "again and again ".repeat(1000);
        let stored = SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
        writer.add_directory("messages", stored).unwrap();
        writer.start_file("messages/grün.jsonl", SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.start_file("b", stored.large_file(true)).unwrap();
        writer.write_all(b"abc").unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
        let offset = usize::try_from(number(&bytes, end + 16, 4)).unwrap();
        let found = entries(&bytes[offset..end]).unwrap();
        let names: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["messages/grün.jsonl", "b"]);
        let read = |entry: &Entry| content(entry, &bytes[usize::try_from(entry.offset).unwrap()..]);
        assert_eq!(read(&found[0]).unwrap(), text.as_bytes());
        assert_eq!(read(&found[1]).unwrap(), b"abc");
        let lying = Entry { size: 10, ..found[0].clone() };
        assert!(read(&lying).is_err(), "no more bytes than the directory says are decompressed");
        let damaged = Entry { crc: 1, ..found[1].clone() };
        assert!(read(&damaged).is_err());
        assert!(entries(&bytes[offset..end - 1]).is_err() && entries(b"PK").is_err());
    }
}
