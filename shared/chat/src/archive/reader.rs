//! Reading chunks.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use domain::period::SeqRange;
use domain::{ConversationId, SegmentSize, Seq};
use lru::LruCache;
use store::StoreError;
use store::chunk_objects::ChunkObjects;
use store::dynamodb::{ChunkItem, Chunks};

use super::chunk::Chunk;

/// Most bytes of chunks that a process remembers. A page of history and the next ones mostly lie in one chunk.
const MAX_CACHED_BYTES: usize = 16 << 20;

/// Most chunks that a process remembers.
const MAX_CACHED_CHUNKS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Times that a chunk is looked for whose object has just gone.
const MAX_LOOKS: u32 = 4;

/// Segments of logs that are no rows any more. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Archive {
    pub(super) chunks: Chunks,
    pub(super) objects: ChunkObjects,
    pub(super) size: SegmentSize,
    cache: Arc<Mutex<Cache>>,
}

#[derive(Debug)]
struct Cache {
    /// By the key of their objects, which never change.
    chunks: LruCache<String, Arc<Chunk>>,
    bytes: usize,
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
        let cache = Cache { chunks: LruCache::new(MAX_CACHED_CHUNKS), bytes: 0 };
        Self { chunks, objects, size, cache: Arc::new(Mutex::new(cache)) }
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
            if let Some(chunk) = self.remembered(&item.object_key) {
                return Ok(Some(Archived { item, chunk }));
            }
            // Another chunk takes the place of one before the object of that is deleted.
            if let Some(object) = self.objects.get(&item.object_key).await? {
                let chunk = Arc::new(Chunk::decode(&object, &item)?);
                self.remember(&item.object_key, &chunk);
                return Ok(Some(Archived { item, chunk }));
            }
            if look == MAX_LOOKS {
                let ChunkItem { object_key, .. } = item;
                return Err(StoreError::Inconsistent(format!("the object {object_key} of the archive is missing")));
            }
            look += 1;
        }
    }

    fn remembered(&self, key: &str) -> Option<Arc<Chunk>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).chunks.get(key).cloned()
    }

    fn remember(&self, key: &str, chunk: &Arc<Chunk>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = cache.chunks.push(key.to_owned(), Arc::clone(chunk));
        cache.bytes = cache.bytes + chunk.bytes() - forgotten.map_or(0, |(_, forgotten)| forgotten.bytes());
        while cache.bytes > MAX_CACHED_BYTES
            && let Some((_, forgotten)) = cache.chunks.pop_lru()
        {
            cache.bytes -= forgotten.bytes();
        }
    }
}
