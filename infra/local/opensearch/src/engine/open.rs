//! Opens an index, and applies what its log has beyond the last commit.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tantivy::directory::{MmapDirectory, RamDirectory};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexSettings, ReloadPolicy, TantivyDocument};

use super::translog::{Record, Translog};
use super::{Engine, Layout, State};
use crate::error::ApiError;
use crate::mapping::{Document, Mapping};

/// Memory for terms that are not in a segment yet.
const WRITER_BYTES: usize = 64 * 1024 * 1024;

/// Part of a segment that replaced documents may take before it is written anew.
const MAX_DELETED_RATIO: f32 = 0.3;

/// An index cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The index in a folder is damaged or cannot be read.
    #[error("{}: {error}", .0.display(), error = .1)]
    Index(PathBuf, #[source] tantivy::TantivyError),
    /// A file or folder beside an index cannot be read or written.
    #[error("{}: {error}", .0.display(), error = .1)]
    File(PathBuf, #[source] io::Error),
    /// Accepted writes of the index in a folder cannot be repeated.
    #[error("{}: {error}", .0.display(), error = .1)]
    Replay(PathBuf, String),
}

/// The text that comes with a commit: where the log begins after it.
#[derive(Default, Serialize, Deserialize)]
struct Payload {
    translog: u64,
    next_seq_no: i64,
}

pub(super) fn payload(translog: u64, next_seq_no: i64) -> String {
    // Two numbers always have a JSON form.
    serde_json::to_string(&Payload { translog, next_seq_no }).unwrap_or_default()
}

impl Engine {
    /// Opens the index in a folder, which is made where it does not exist; without a folder nothing is kept.
    pub(crate) fn open(folder: Option<&Path>, mapping: Mapping) -> Result<Self, OpenError> {
        let named = folder.unwrap_or(Path::new("the index in memory")).to_owned();
        let failed = |source| OpenError::Index(named.clone(), source);
        let layout = Layout::of(&mapping);
        let index = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|source| OpenError::File(folder.to_owned(), source))?;
                let directory = MmapDirectory::open(folder).map_err(|error| failed(error.into()))?;
                // A lock file of a process that was killed keeps nobody out: the system has released the lock itself.
                Index::open_or_create(directory, layout.schema.clone()).map_err(failed)?
            }
            None => Index::create(RamDirectory::create(), layout.schema.clone(), IndexSettings::default())
                .map_err(failed)?,
        };
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options::<TantivyDocument>(options).map_err(failed)?;
        let mut merges = LogMergePolicy::default();
        merges.set_del_docs_ratio_before_merge(MAX_DELETED_RATIO);
        writer.set_merge_policy(Box::new(merges));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(failed)?;
        let committed = index.load_metas().map_err(failed)?.payload;
        let committed: Payload = committed.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (translog, records) = match folder {
            Some(folder) => {
                let opened = Translog::open(folder, committed.translog);
                let (log, records) = opened.map_err(|source| OpenError::File(folder.to_owned(), source))?;
                (Some(log), records)
            }
            None => (None, Vec::new()),
        };
        let state =
            State { writer, translog, next_seq_no: committed.next_seq_no, pending: HashMap::new(), pending_bytes: 0 };
        let engine = Self { mapping, layout, reader, state: Mutex::new(state) };
        let replayed = engine.replay(records);
        replayed.map_err(|error| OpenError::Replay(named, error.to_string()))?;
        Ok(engine)
    }

    /// Applies accepted writes again, and commits them.
    fn replay(&self, records: Vec<Record>) -> Result<(), ApiError> {
        let mut state = self.state();
        for Record { id, version, seq_no, source } in records {
            let source = source.as_ref().map(|source| source.get());
            let document = source.map(|source| Document::read(&self.mapping, &id, source)).transpose()?;
            state.next_seq_no = seq_no;
            // The id may be new: deleting nothing does no harm.
            self.put(&mut state, &id, version, source.zip(document), true)?;
        }
        self.commit(&mut state)
    }

    /// Copies everything into a new index with another mapping, which admits all documents of this one.
    pub(crate) fn copied(&self, folder: Option<&Path>, mapping: Mapping) -> Result<Self, ApiError> {
        self.refresh()?;
        let copy = Self::open(folder, mapping).map_err(ApiError::internal)?;
        {
            let mut state = copy.state();
            let searcher = self.searcher();
            for segment in searcher.segment_readers() {
                let store = segment.get_store_reader(1)?;
                for doc_id in segment.doc_ids_alive() {
                    let kept = self.layout.kept(&store.get(doc_id)?);
                    let version = self.current(segment, doc_id)?.version;
                    let source = kept.source.as_deref();
                    let document = source.map(|source| Document::read(&copy.mapping, &kept.id, source)).transpose()?;
                    copy.put(&mut state, &kept.id, version, source.zip(document), false)?;
                    if state.pending_bytes > super::MAX_PENDING_BYTES {
                        copy.commit(&mut state)?;
                    }
                }
            }
            let next_seq_no = self.state().next_seq_no;
            state.next_seq_no = state.next_seq_no.max(next_seq_no);
            copy.commit(&mut state)?;
        }
        Ok(copy)
    }
}

/// Returns the bytes that the files of a folder take.
pub(crate) fn size(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        // Merged segments go while they are counted.
        size += entry?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(size)
}
