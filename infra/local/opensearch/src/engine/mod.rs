//! One index on the disk: writes with versions, what makes them searchable, and what makes them last.
//!
//! Newer writes than the last commit are in the [translog](translog) and in memory. A refresh commits them, and searches see
//! them. A deletion leaves a tombstone, which keeps its version.

mod open;
mod schema;
mod translog;
mod version;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, IndexReader, IndexWriter, Searcher, SegmentReader, TERMINATED};

use crate::error::ApiError;
use crate::mapping::{Document, Mapping};

pub use open::OpenError;
pub(crate) use open::size;
pub(crate) use schema::Layout;
pub(crate) use version::{VersionType, Versioning};

use translog::{Position, Record, Translog};
use version::Current;

/// Bytes of sources since the last commit after which one is due, however long the refresh interval.
const MAX_PENDING_BYTES: usize = 48 * 1024 * 1024;

/// An index on the disk, or in memory.
pub(crate) struct Engine {
    pub(crate) mapping: Mapping,
    pub(crate) layout: Layout,
    reader: IndexReader,
    state: Mutex<State>,
}

struct State {
    writer: IndexWriter,
    /// `None` where nothing is kept.
    translog: Option<Translog>,
    next_seq_no: i64,
    /// The newest write of each id since the last commit.
    pending: HashMap<String, Pending>,
    pending_bytes: usize,
}

/// A write that is not committed.
#[derive(Clone)]
struct Pending {
    version: i64,
    seq_no: i64,
    /// `None` for a deletion.
    source: Option<Arc<str>>,
}

/// A write of one document.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) id: String,
    /// JSON of the document; `None` for a deletion.
    pub(crate) source: Option<String>,
    pub(crate) versioning: Versioning,
}

/// The outcome of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) version: i64,
    pub(crate) seq_no: i64,
    /// True if a document was there before.
    pub(crate) existed: bool,
}

/// A document as the newest write left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) version: i64,
    pub(crate) seq_no: i64,
    pub(crate) source: String,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("mapping", &self.mapping).finish_non_exhaustive()
    }
}

impl Engine {
    /// Carries out writes in their order. Those that succeeded are on the disk when it returns.
    pub(crate) fn write(&self, writes: Vec<Write>) -> Result<Vec<Result<Written, ApiError>>, ApiError> {
        // Analysis takes the most time and needs no lock.
        let read = |write: &Write| {
            write.source.as_deref().map(|source| Document::read(&self.mapping, &write.id, source)).transpose()
        };
        let documents: Vec<_> = writes.iter().map(read).collect();
        let mut state = self.state();
        let searcher = self.reader.searcher();
        let (mut lines, mut written) = (Vec::new(), Vec::with_capacity(writes.len()));
        for (write, document) in writes.into_iter().zip(documents) {
            written.push(match document {
                Ok(document) => self.write_one(&mut state, &searcher, write, document, &mut lines),
                Err(error) => Err(error),
            });
        }
        let position = state.translog.as_mut().map(|log| log.append(&lines)).transpose()?;
        if state.pending_bytes > MAX_PENDING_BYTES {
            self.commit(&mut state)?;
        }
        drop(state);
        position.as_ref().map(Position::flush).transpose()?;
        Ok(written)
    }

    fn write_one(
        &self,
        state: &mut State,
        searcher: &Searcher,
        write: Write,
        document: Option<Document>,
        lines: &mut Vec<u8>,
    ) -> Result<Written, ApiError> {
        let Write { id, source, versioning } = write;
        let current = match state.pending.get(&id) {
            Some(pending) => Some(Current { version: pending.version, is_deleted: pending.source.is_none() }),
            None => self.committed(searcher, &id)?.map(|(_, current)| current),
        };
        let version = versioning.next(&id, current)?;
        let seq_no = state.next_seq_no;
        if state.translog.is_some() {
            let source = source.clone().map(RawValue::from_string).transpose().map_err(ApiError::internal)?;
            serde_json::to_writer(&mut *lines, &Record { id: id.clone(), version, seq_no, source })
                .map_err(ApiError::internal)?;
            lines.push(b'\n');
        }
        let source = source.as_deref();
        self.put(state, &id, version, source.zip(document), current.is_some())?;
        let existed = current.is_some_and(|current| !current.is_deleted);
        Ok(Written { version, seq_no, existed })
    }

    /// Puts a document or a tombstone in the place of what its id had before.
    fn put(
        &self,
        state: &mut State,
        id: &str,
        version: i64,
        document: Option<(&str, Document)>,
        replaces: bool,
    ) -> Result<(), ApiError> {
        let seq_no = state.next_seq_no;
        state.next_seq_no += 1;
        if replaces {
            state.writer.delete_term(self.layout.id(id));
        }
        let source = document.as_ref().map(|(source, _)| Arc::from(*source));
        state.pending_bytes += id.len() + source.as_deref().map_or(0, str::len);
        state.pending.insert(id.to_owned(), Pending { version, seq_no, source });
        state.writer.add_document(match document {
            Some((source, document)) => self.layout.document(id, version, seq_no, source, document),
            None => self.layout.tombstone(id, version, seq_no),
        })?;
        Ok(())
    }

    /// Finds the newest write of an id, searchable or not.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Found>, ApiError> {
        let state = self.state();
        if let Some(Pending { version, seq_no, source }) = state.pending.get(id) {
            let found = source.as_deref().map(|source| (*version, *seq_no, source.to_owned()));
            return Ok(found.map(|(version, seq_no, source)| Found { version, seq_no, source }));
        }
        let searcher = self.reader.searcher();
        drop(state);
        let Some((address, Current { version, is_deleted: false })) = self.committed(&searcher, id)? else {
            return Ok(None);
        };
        let segment = searcher.segment_reader(address.segment_ord);
        let seq_no = segment.fast_fields().i64(schema::SEQ_NO)?.first(address.doc_id).unwrap_or_default();
        let source = self.layout.kept(&searcher.doc(address)?).source.unwrap_or_default();
        Ok(Some(Found { version, seq_no, source }))
    }

    /// Finds the committed document or tombstone of an id.
    fn committed(&self, searcher: &Searcher, id: &str) -> Result<Option<(DocAddress, Current)>, ApiError> {
        let term = self.layout.id(id);
        for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
            let index = segment.inverted_index(term.field())?;
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            while postings.doc() != TERMINATED {
                let doc_id = postings.doc();
                if !segment.is_deleted(doc_id) {
                    let current = self.current(segment, doc_id)?;
                    return Ok(Some((DocAddress { segment_ord, doc_id }, current)));
                }
                postings.advance();
            }
        }
        Ok(None)
    }

    /// Returns the version of a committed document.
    pub(crate) fn version(&self, searcher: &Searcher, address: DocAddress) -> Result<i64, ApiError> {
        Ok(self.current(searcher.segment_reader(address.segment_ord), address.doc_id)?.version)
    }

    fn current(&self, segment: &SegmentReader, doc_id: u32) -> Result<Current, ApiError> {
        let version = segment.fast_fields().i64(schema::VERSION)?.first(doc_id).unwrap_or_default();
        let tombstones = self.layout.tombstones();
        let index = segment.inverted_index(tombstones.field())?;
        let is_deleted = match index.read_postings(&tombstones, IndexRecordOption::Basic)? {
            Some(mut postings) => postings.doc() <= doc_id && postings.seek(doc_id) == doc_id,
            None => false,
        };
        Ok(Current { version, is_deleted })
    }

    /// Makes all writes searchable. Returns false if they were.
    pub(crate) fn refresh(&self) -> Result<bool, ApiError> {
        let mut state = self.state();
        let is_due = !state.pending.is_empty();
        if is_due {
            self.commit(&mut state)?;
        }
        Ok(is_due)
    }

    /// Returns what is searchable now.
    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Returns the number of searchable documents.
    pub(crate) fn count(&self) -> Result<u64, ApiError> {
        let searcher = self.searcher();
        Ok(searcher.num_docs().saturating_sub(self.tombstones(&searcher)?))
    }

    /// Returns the number of tombstones that a search has to leave out.
    pub(crate) fn tombstones(&self, searcher: &Searcher) -> Result<u64, ApiError> {
        let term = self.layout.tombstones();
        let mut count = 0;
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(term.field())?;
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            while postings.doc() != TERMINATED {
                count += u64::from(!segment.is_deleted(postings.doc()));
                postings.advance();
            }
        }
        Ok(count)
    }

    /// Puts everything into the index. The log begins anew.
    fn commit(&self, state: &mut State) -> Result<(), ApiError> {
        let next_seq_no = state.next_seq_no;
        let generation = match &mut state.translog {
            Some(log) => {
                log.roll()?;
                log.generation
            }
            None => 0,
        };
        let mut prepared = state.writer.prepare_commit()?;
        prepared.set_payload(&open::payload(generation, next_seq_no));
        prepared.commit()?;
        self.reader.reload()?;
        state.pending.clear();
        state.pending_bytes = 0;
        if let Some(log) = &state.translog {
            log.committed()?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The next start repeats writes that a panic cut off; until then versions may be too low.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
