//! Reading chunks, with the last ones remembered.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::period::SeqRange;
use domain::{ConversationId, SegmentSize, Seq};
use lru::LruCache;
use store::StoreError;
use store::chunk_objects::ChunkObjects;
use store::dynamodb::{ChunkItem, Chunks};
use tokio::sync::Semaphore;

use super::chunk::Chunk;

/// Most bytes of chunks that a process remembers. A page of history and the next ones mostly lie in one chunk.
const MAX_CACHED_BYTES: usize = 16 << 20;

/// Most chunks that a process remembers.
const MAX_CACHED_CHUNKS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Most segments that a process knows to be archived.
const MAX_KNOWN_SEGMENTS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Chunks that a process reads at once: each takes up to twice its size while it is decoded, and a sync reads many conversations.
const MAX_LOADS: usize = 2;

/// Times that a chunk is looked for whose object has just gone.
const MAX_LOOKS: u32 = 4;

/// Segments of logs that are no rows any more. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Archive {
    pub(crate) chunks: Chunks,
    pub(super) objects: ChunkObjects,
    pub(super) size: SegmentSize,
    cache: Arc<Mutex<Cache>>,
    loads: Arc<Semaphore>,
}

#[derive(Debug)]
struct Cache {
    /// By the key of their objects, which never change.
    chunks: LruCache<String, Arc<Chunk>>,
    bytes: usize,
    /// First seqs of segments that the index had.
    known: LruCache<(ConversationId, Seq), ()>,
}

/// A segment in the archive.
#[derive(Clone, Debug)]
pub(super) struct Archived {
    pub(super) item: ChunkItem,
    pub(super) chunk: Arc<Chunk>,
}

impl Archive {
    /// Reads the chunks of the index from a bucket.
    pub fn new(chunks: Chunks, objects: ChunkObjects, size: SegmentSize) -> Self {
        let (chunks_by_key, known) = (LruCache::new(MAX_CACHED_CHUNKS), LruCache::new(MAX_KNOWN_SEGMENTS));
        let cache = Arc::new(Mutex::new(Cache { chunks: chunks_by_key, bytes: 0, known }));
        Self { chunks, objects, size, cache, loads: Arc::new(Semaphore::new(MAX_LOADS)) }
    }

    /// Returns true if the index has the segment that begins at this seq. Cost: a read unit.
    pub(crate) async fn is_archived(&self, conversation: ConversationId, first: Seq) -> Result<bool, StoreError> {
        Ok(self.chunks.get(conversation, first).await?.is_some())
    }

    /// Reads the index item of the oldest segment of a conversation. Cost: one read unit.
    pub(crate) async fn oldest(&self, conversation: ConversationId) -> Result<Option<ChunkItem>, StoreError> {
        self.chunks.oldest(conversation).await
    }

    /// Returns true if the process has seen the segment of this seq in the index.
    pub(super) fn knows(&self, conversation: ConversationId, seq: Seq) -> bool {
        let first = self.size.segment_of(seq).first;
        self.cache().known.get(&(conversation, first)).is_some()
    }

    /// Reads the segment that has this seq; `None` if it is not in the archive. Whoever has found no row before, and finds no chunk
    /// now, knows that the log has no such item.
    ///
    /// Cost: a read unit, and a request to S3 unless the process remembers the chunk.
    pub(super) async fn segment_of(
        &self,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Option<Archived>, StoreError> {
        if seq == Seq::ZERO {
            return Ok(None);
        }
        self.segment(conversation, self.size.segment_of(seq)).await
    }

    pub(super) async fn segment(
        &self,
        conversation: ConversationId,
        segment: SeqRange,
    ) -> Result<Option<Archived>, StoreError> {
        let mut look = 1;
        loop {
            let Some(item) = self.chunks.get(conversation, segment.first).await? else { return Ok(None) };
            self.cache().known.put((conversation, segment.first), ());
            if let Some(chunk) = self.chunk(&item).await? {
                return Ok(Some(Archived { item, chunk }));
            }
            // Another chunk takes the place of one before the object of that is deleted.
            if look == MAX_LOOKS {
                let ChunkItem { object_key, .. } = item;
                return Err(StoreError::Inconsistent(format!("the object {object_key} of the archive is missing")));
            }
            look += 1;
        }
    }

    /// Returns the chunk that an index item names; `None` if its object is gone.
    pub(super) async fn chunk(&self, item: &ChunkItem) -> Result<Option<Arc<Chunk>>, StoreError> {
        if let Some(chunk) = self.remembered(&item.object_key) {
            return Ok(Some(chunk));
        }
        // Nobody closes it.
        let _load = self.loads.acquire().await;
        // Another read may have brought it meanwhile.
        if let Some(chunk) = self.remembered(&item.object_key) {
            return Ok(Some(chunk));
        }
        let Some(object) = self.objects.get(&item.object_key).await? else { return Ok(None) };
        let chunk = Arc::new(Chunk::decode(&object, item)?);
        self.remember(&item.object_key, &chunk);
        Ok(Some(chunk))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, key: &str) -> Option<Arc<Chunk>> {
        self.cache().chunks.get(key).cloned()
    }

    fn remember(&self, key: &str, chunk: &Arc<Chunk>) {
        let mut cache = self.cache();
        let forgotten = cache.chunks.push(key.to_owned(), Arc::clone(chunk));
        cache.bytes = cache.bytes + chunk.bytes() - forgotten.map_or(0, |(_, forgotten)| forgotten.bytes());
        while cache.bytes > MAX_CACHED_BYTES
            && let Some((_, forgotten)) = cache.chunks.pop_lru()
        {
            cache.bytes -= forgotten.bytes();
        }
    }
}
