//! The ZIP format, written in pieces: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
//!
//! The crates that write ZIP keep the entries of an archive within their writer. Here an archive is written by several invocations, so the
//! position and the entries are values that can be stored in between. Sizes beyond 4 GB are written as ZIP64.

use std::io::Write;

use domain::{ConversationId, Seq, Timestamp};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// Flag of an entry whose name is UTF-8.
const UTF8: u16 = 1 << 11;

/// The checksum and the sizes follow the bytes.
const DESCRIPTOR: u16 = 1 << 3;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Version of the format that a reader needs: 2.0, and 4.5 for ZIP64.
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;

/// Made on Unix, where the upper half of the external attributes is the mode: a file that its owner may read and write.
const MADE_BY: u16 = (3 << 8) | VERSION_ZIP64;
const MODE: u32 = 0o100_644 << 16;

/// A number of 32 bits that says that the ZIP64 field has it.
const IN_ZIP64: u32 = u32::MAX;

/// Id of the ZIP64 field.
const ZIP64_FIELD: u16 = 1;

/// An entry that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Position of its header.
    offset: u64,
    /// The checksum of its bytes.
    crc: u32,
    /// Number of its bytes.
    pub(super) size: u64,
    /// Number of its bytes in the archive.
    compressed: u64,
    deflated: bool,
    described: bool,
    /// SHA-256 of its bytes, in hex.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) messages: Option<MessagesOf>,
}

/// The messages of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MessagesOf {
    pub(super) conversation_id: ConversationId,
    pub(super) first_seq: Seq,
    pub(super) last_seq: Seq,
    pub(super) count: u64,
}

/// An entry whose bytes are not all written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenEntry {
    name: String,
    offset: u64,
    crc: u32,
    /// Number of bytes so far.
    pub(super) size: u64,
    zip64: bool,
    sha256: String,
}

/// The position in an archive, and what precedes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Archive {
    /// Number of bytes so far.
    pub(super) offset: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) open: Option<OpenEntry>,
}

impl Archive {
    /// Writes an entry whose bytes are all known, compressed if that makes it smaller. It has less than 4 GB.
    pub(super) fn add(
        &mut self,
        out: &mut Vec<u8>,
        name: String,
        bytes: &[u8],
        sha256: String,
        at: Timestamp,
        compress: bool,
    ) -> &mut Entry {
        let deflated = if compress { deflate(bytes) } else { None };
        let written = deflated.as_deref().unwrap_or(bytes);
        let crc = crc32fast::hash(bytes);
        let (size, compressed) = (bytes.len() as u64, written.len() as u64);
        let method = if deflated.is_some() { DEFLATED } else { STORED };
        let header = LocalHeader {
            name: &name,
            version: VERSION,
            flags: UTF8,
            method,
            crc,
            sizes: [low(compressed), low(size)],
        };
        let offset = self.offset;
        let before = out.len();
        header.write(out, at, &[]);
        out.extend_from_slice(written);
        self.offset += (out.len() - before) as u64;
        let deflated = deflated.is_some();
        self.entries.push(Entry {
            name,
            offset,
            crc,
            size,
            compressed,
            deflated,
            described: false,
            sha256,
            messages: None,
        });
        self.entries.last_mut().expect("an entry was added")
    }

    /// Begins an entry of about `size` bytes with this SHA-256, which are written as they are.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>, name: String, size: u64, sha256: String, at: Timestamp) {
        let zip64 = size >= u64::from(IN_ZIP64);
        let (version, sizes) = if zip64 { (VERSION_ZIP64, [IN_ZIP64; 2]) } else { (VERSION, [0; 2]) };
        let header = LocalHeader { name: &name, version, flags: UTF8 | DESCRIPTOR, method: STORED, crc: 0, sizes };
        let offset = self.offset;
        let before = out.len();
        header.write(out, at, if zip64 { &[0; 2] } else { &[] });
        self.offset += (out.len() - before) as u64;
        self.open = Some(OpenEntry { name, offset, crc: 0, size: 0, zip64, sha256 });
    }

    /// Writes the next bytes of the open entry.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        let mut crc = crc32fast::Hasher::new_with_initial_len(open.crc, open.size);
        crc.update(bytes);
        open.crc = crc.finalize();
        open.size += bytes.len() as u64;
        out.extend_from_slice(bytes);
        self.offset += bytes.len() as u64;
    }

    /// Ends the open entry: checksum and sizes follow its bytes.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let Some(OpenEntry { name, offset, crc, size, zip64, sha256 }) = self.open.take() else { return };
        let before = out.len();
        out.extend(0x0807_4b50_u32.to_le_bytes());
        out.extend(crc.to_le_bytes());
        for _ in ["compressed", "uncompressed"] {
            if zip64 {
                out.extend(size.to_le_bytes());
            } else {
                out.extend(low(size).to_le_bytes());
            }
        }
        self.offset += (out.len() - before) as u64;
        let entry = Entry {
            name,
            offset,
            crc,
            size,
            compressed: size,
            deflated: false,
            described: true,
            sha256,
            messages: None,
        };
        self.entries.push(entry);
    }

    /// Writes the directory of all entries, with which the archive ends.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>, at: Timestamp) {
        let start = self.offset;
        let before = out.len();
        for entry in &self.entries {
            entry.write(out, at);
        }
        let size = (out.len() - before) as u64;
        let count = self.entries.len() as u64;
        let short_count = u16::try_from(count).unwrap_or(u16::MAX);
        if short_count == u16::MAX || low(start) == IN_ZIP64 || low(size) == IN_ZIP64 {
            let end = start + size;
            out.extend(0x0606_4b50_u32.to_le_bytes());
            // Bytes that follow.
            out.extend(44_u64.to_le_bytes());
            out.extend(MADE_BY.to_le_bytes());
            out.extend(VERSION_ZIP64.to_le_bytes());
            // Numbers of this disk and of the one with the directory.
            out.extend([0; 8]);
            for number in [count, count, size, start] {
                out.extend(number.to_le_bytes());
            }
            // The locator of the record before: its disk, its position, and the number of disks.
            out.extend(0x0706_4b50_u32.to_le_bytes());
            out.extend(0_u32.to_le_bytes());
            out.extend(end.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        out.extend(0x0605_4b50_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(short_count.to_le_bytes());
        out.extend(short_count.to_le_bytes());
        out.extend(low(size).to_le_bytes());
        out.extend(low(start).to_le_bytes());
        // No comment.
        out.extend([0; 2]);
        self.offset += (out.len() - before) as u64;
    }
}

impl Entry {
    /// Writes its record in the directory.
    fn write(&self, out: &mut Vec<u8>, at: Timestamp) {
        let numbers = [self.size, self.compressed, self.offset];
        let beyond: Vec<u64> = numbers.into_iter().filter(|number| low(*number) == IN_ZIP64).collect();
        let flags = UTF8 | if self.described { DESCRIPTOR } else { 0 };
        out.extend(0x0201_4b50_u32.to_le_bytes());
        out.extend(MADE_BY.to_le_bytes());
        out.extend(if beyond.is_empty() { VERSION } else { VERSION_ZIP64 }.to_le_bytes());
        out.extend(flags.to_le_bytes());
        out.extend(if self.deflated { DEFLATED } else { STORED }.to_le_bytes());
        out.extend(dos_time(at));
        out.extend(self.crc.to_le_bytes());
        out.extend(low(self.compressed).to_le_bytes());
        out.extend(low(self.size).to_le_bytes());
        out.extend(length(self.name.as_bytes()).to_le_bytes());
        out.extend(zip64_length(&beyond).to_le_bytes());
        // No comment, the first disk, no internal attributes.
        out.extend([0; 6]);
        out.extend(MODE.to_le_bytes());
        out.extend(low(self.offset).to_le_bytes());
        out.extend(self.name.as_bytes());
        write_zip64(out, &beyond);
    }
}

/// The header before the bytes of an entry.
struct LocalHeader<'a> {
    name: &'a str,
    version: u16,
    flags: u16,
    method: u16,
    crc: u32,
    /// Compressed, and as they are.
    sizes: [u32; 2],
}

impl LocalHeader<'_> {
    fn write(&self, out: &mut Vec<u8>, at: Timestamp, zip64: &[u64]) {
        out.extend(0x0403_4b50_u32.to_le_bytes());
        out.extend(self.version.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend(dos_time(at));
        out.extend(self.crc.to_le_bytes());
        out.extend(self.sizes.into_iter().flat_map(u32::to_le_bytes));
        out.extend(length(self.name.as_bytes()).to_le_bytes());
        out.extend(zip64_length(zip64).to_le_bytes());
        out.extend(self.name.as_bytes());
        write_zip64(out, zip64);
    }
}

fn zip64_length(numbers: &[u64]) -> u16 {
    if numbers.is_empty() { 0 } else { 4 + length(numbers) * 8 }
}

fn write_zip64(out: &mut Vec<u8>, numbers: &[u64]) {
    if !numbers.is_empty() {
        out.extend(ZIP64_FIELD.to_le_bytes());
        out.extend((length(numbers) * 8).to_le_bytes());
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
}

/// Returns the length of something that is always short.
fn length<T>(short: &[T]) -> u16 {
    u16::try_from(short.len()).unwrap_or(u16::MAX)
}

/// Returns the number in 32 bits, or the mark that the ZIP64 field has it.
fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_ZIP64)
}

/// Returns time and date as MS-DOS had them, in UTC.
fn dos_time(at: Timestamp) -> [u8; 4] {
    let at = OffsetDateTime::from(at);
    let date: Date = at.date();
    let time = (u16::from(at.hour()) << 11) | (u16::from(at.minute()) << 5) | (u16::from(at.second()) / 2);
    let year = u16::try_from(date.year() - 1980).unwrap_or_default().min(127);
    let date = (year << 9) | (u16::from(u8::from(date.month())) << 5) | u16::from(date.day());
    let ([a, b], [c, d]) = (time.to_le_bytes(), date.to_le_bytes());
    [a, b, c, d]
}

/// Returns the compressed bytes, if they are fewer.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().filter(|deflated| deflated.len() < bytes.len())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom};

    use ::zip::ZipArchive;

    use super::*;

    const AT: Timestamp = Timestamp::from_epoch_millis(1_764_000_000_000);

    /// A position that needs ZIP64.
    const FAR: u64 = 5 << 30;

    /// An archive in a file that begins at `start`; the bytes before are a hole.
    fn written(start: u64, write: impl FnOnce(&mut Archive, &mut File)) -> ZipArchive<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.seek(SeekFrom::Start(start)).unwrap();
        let mut archive = Archive { offset: start, ..Archive::default() };
        write(&mut archive, &mut file);
        let mut end = Vec::new();
        archive.finish(&mut end, AT);
        file.write_all(&end).unwrap();
        assert_eq!(file.stream_position().unwrap(), archive.offset);
        ZipArchive::new(file).unwrap()
    }

    fn content(archive: &mut ZipArchive<File>, name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    #[test]
    fn entries_come_at_once_or_in_pieces() {
        let text = b"again and again ".repeat(100);
        let mut archive = written(0, |archive, file| {
            let mut out = Vec::new();
            archive.add(&mut out, "gr\u{fc}n.jsonl".to_owned(), &text, String::new(), AT, true);
            archive.begin(&mut out, "b".to_owned(), 6, String::new(), AT);
            // A checkpoint in the middle.
            let mut restored: Archive = serde_json::from_slice(&serde_json::to_vec(archive).unwrap()).unwrap();
            restored.append(&mut out, b"abc");
            restored.append(&mut out, b"def");
            restored.end(&mut out);
            file.write_all(&out).unwrap();
            assert!(out.len() < text.len(), "the text is compressed");
            *archive = restored;
        });
        assert_eq!(content(&mut archive, "gr\u{fc}n.jsonl"), text);
        assert_eq!(content(&mut archive, "b"), b"abcdef");
    }

    #[test]
    fn positions_beyond_four_gigabytes_are_zip64() {
        let mut archive = written(FAR, |archive, file| {
            let mut out = Vec::new();
            archive.add(&mut out, "a".to_owned(), b"far away", String::new(), AT, false);
            file.write_all(&out).unwrap();
        });
        assert_eq!(content(&mut archive, "a"), b"far away");
    }

    #[test]
    fn file_of_more_than_four_gigabytes_is_zip64() {
        const PIECE: usize = 64 << 20;
        let zeros = vec![0; PIECE];
        let mut archive = written(0, |archive, file| {
            let mut out = Vec::new();
            archive.begin(&mut out, "large".to_owned(), FAR, String::new(), AT);
            file.write_all(&out).unwrap();
            for _ in 0..FAR / PIECE as u64 {
                out.clear();
                archive.append(&mut out, &zeros);
                file.seek(SeekFrom::Current(i64::try_from(out.len()).unwrap())).unwrap();
            }
            out.clear();
            archive.end(&mut out);
            archive.add(&mut out, "after".to_owned(), b"it", String::new(), AT, false);
            file.write_all(&out).unwrap();
        });
        let large = archive.by_name("large").unwrap();
        assert_eq!((large.size(), large.compressed_size()), (FAR, FAR));
        drop(large);
        assert_eq!(content(&mut archive, "after"), b"it");
    }
}
