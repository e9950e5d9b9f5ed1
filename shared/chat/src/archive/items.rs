//! Reading the items of logs, wherever they are.
//!
//! Rows are read first, then the index: a segment is in the index before its first row is deleted. So an item that was in neither never
//! was there.

use std::collections::{BTreeMap, HashSet};

use domain::period::SeqRange;
use domain::{ConversationId, Seq};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::dynamodb::messages::{LogPart, Order};
use store::dynamodb::{LogItem, Messages};

use super::reader::{Archive, Archived};

/// Size of the items of an archive that count as a request for them, as in the table.
const BYTES_PER_MEGABYTE: usize = 1 << 20;

/// Chunks that are read at once.
const CONCURRENCY: usize = 4;

/// Reads items: rows of the table, and what the archive has in their place.
#[derive(Clone, Debug)]
pub struct Items {
    pub messages: Messages,
    /// `None` in functions that read only the newest items.
    pub archive: Option<Archive>,
}

/// An item, and the place where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub item: LogItem,
    archived: Option<Archived>,
}

impl Items {
    /// Reads one item consistently. Cost: a read unit for each 4 KB, and a chunk if it is no row.
    pub async fn get(&self, conversation: ConversationId, seq: Seq) -> Result<Option<LogItem>, StoreError> {
        Ok(self.find(conversation, seq).await?.map(|found| found.item))
    }

    /// The same, for whoever will change the item.
    pub async fn find(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Found>, StoreError> {
        if let Some(item) = self.messages.get(conversation, seq).await? {
            return Ok(Some(Found { item, archived: None }));
        }
        let Some(archive) = &self.archive else { return Ok(None) };
        let Some(archived) = archive.segment_of(conversation, seq).await? else { return Ok(None) };
        let item = archived.chunk.item(seq)?;
        Ok(item.map(|(item, _)| Found { item, archived: Some(archived) }))
    }

    /// Makes an item a row again, which can be changed. Returns false if it is one. Whoever restores an item reads it again.
    pub async fn restore(&self, found: &Found) -> Result<bool, StoreError> {
        let (Some(archive), Some(archived)) = (&self.archive, &found.archived) else { return Ok(false) };
        let attributes = archived.chunk.attributes(found.item.seq)?;
        let missing = || StoreError::Inconsistent(format!("the chunk of {} lost it", found.item.seq));
        archive.chunks.restore(&attributes.ok_or_else(missing)?, &archived.item).await?;
        Ok(true)
    }

    /// Reads the existing items with these seqs, consistently and in no order. Cost: one request per hundred items, and a chunk for
    /// each segment of items that are no rows.
    pub async fn get_all(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<Vec<LogItem>, StoreError> {
        let mut items = self.messages.get_all(conversation, seqs).await?;
        let Some(archive) = &self.archive else { return Ok(items) };
        let rows: HashSet<Seq> = items.iter().map(|item| item.seq).collect();
        let mut missing: BTreeMap<Seq, Vec<Seq>> = BTreeMap::new();
        for seq in seqs.iter().filter(|seq| !rows.contains(seq)) {
            missing.entry(archive.size.segment_of(*seq).first).or_default().push(*seq);
        }
        let segments = stream::iter(missing).map(|(first, seqs)| async move {
            let Some(Archived { chunk, .. }) = archive.segment_of(conversation, first).await? else {
                return Ok(Vec::new());
            };
            let items = seqs.into_iter().filter_map(|seq| chunk.item(seq).transpose());
            items.map(|item| Ok(item?.0)).collect::<Result<Vec<LogItem>, StoreError>>()
        });
        let archived: Vec<Vec<LogItem>> = segments.buffer_unordered(CONCURRENCY).try_collect().await?;
        items.extend(archived.into_iter().flatten());
        Ok(items)
    }

    /// Reads up to `limit` items of a range.
    pub async fn read(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        order: Order,
        limit: usize,
        consistent: bool,
    ) -> Result<Vec<LogItem>, StoreError> {
        Ok(self.read_bounded(conversation, range, order, limit, usize::MAX, consistent).await?.items)
    }

    /// Reads up to `limit` items of a range, and at most `megabytes` of 1 MB: large items end the read before the limit.
    ///
    /// Cost: that of [`Messages::read_bounded`], and a chunk for each archived segment that the result reaches into. A range without an
    /// end begins at the head, which is always a row.
    pub async fn read_bounded(
        &self,
        conversation: ConversationId,
        range: SeqRange,
        order: Order,
        limit: usize,
        megabytes: usize,
        consistent: bool,
    ) -> Result<LogPart, StoreError> {
        let Some(archive) = &self.archive else {
            return self.messages.read_bounded(conversation, range, order, limit, megabytes, consistent).await;
        };
        let (mut rest, mut part) = (range, LogPart { items: Vec::new(), megabytes: 0, more: false });
        loop {
            // Behind a segment that has moved lie rows that an upward read may not get to: they are not read for nothing.
            let first = rest.first.max(Seq(1));
            let segment = archive.size.segment_of(first);
            let is_known = order == Order::Ascending && archive.knows(conversation, first);
            let stretch = SeqRange { last: if is_known { segment.last.min(rest.last) } else { rest.last }, ..rest };
            let rows = Rows { archive, messages: &self.messages, conversation, order, consistent };
            let (items, left) = (limit - part.items.len(), megabytes - part.megabytes);
            let read = rows.read(stretch, items, left).await?;
            part.items.extend(read.items);
            part.megabytes += read.megabytes;
            part.more = read.more || stretch.last < rest.last;
            if read.more || !part.more || part.items.len() >= limit || part.megabytes >= megabytes {
                return Ok(part);
            }
            rest.first = stretch.last.next();
        }
    }
}

/// The rows of a log, and what the archive has in their place.
struct Rows<'a> {
    archive: &'a Archive,
    messages: &'a Messages,
    conversation: ConversationId,
    order: Order,
    consistent: bool,
}

impl Rows<'_> {
    async fn read(&self, range: SeqRange, limit: usize, megabytes: usize) -> Result<LogPart, StoreError> {
        let Self { archive, messages, conversation, order, consistent } = *self;
        let read = messages.read_bounded(conversation, range, order, limit, megabytes, consistent).await?;
        let LogPart { items: rows, megabytes: requests, more } = read;
        let mut walk = Walk {
            archive,
            conversation,
            order,
            next: if order == Order::Ascending { range.first.max(Seq(1)) } else { range.last },
            limit,
            megabytes,
            part: LogPart { items: Vec::new(), megabytes: 0, more },
            bytes: 0,
        };
        let is_open = range.last >= Seq::MAX.previous();
        let is_empty = rows.is_empty();
        for (index, row) in rows.into_iter().enumerate() {
            let gap = match order {
                Order::Ascending => SeqRange { first: walk.next, last: row.seq.previous() },
                Order::Descending => SeqRange { first: row.seq.next(), last: walk.next },
            };
            let is_behind_head = order == Order::Descending && index == 0 && is_open;
            if !is_behind_head && !walk.fill(gap).await? {
                return Ok(LogPart { more: true, ..walk.part });
            }
            if index == 0 {
                // Rows count once the read has got to them.
                walk.part.megabytes += requests;
            }
            if !walk.take(row) {
                return Ok(LogPart { more: true, ..walk.part });
            }
        }
        let rest = match order {
            Order::Ascending => SeqRange { first: walk.next, last: range.last },
            Order::Descending => SeqRange { first: range.first.max(Seq(1)), last: walk.next },
        };
        let may_have_more = match order {
            Order::Ascending => !is_open,
            Order::Descending => !(is_open && is_empty),
        };
        if !more && may_have_more && !walk.fill(rest).await? {
            walk.part.more = true;
        }
        Ok(walk.part)
    }
}

/// A read that has got to a seq.
struct Walk<'a> {
    archive: &'a Archive,
    conversation: ConversationId,
    order: Order,
    /// The seq that comes next.
    next: Seq,
    limit: usize,
    megabytes: usize,
    part: LogPart,
    /// Bytes of archived items since the last megabyte.
    bytes: usize,
}

impl Walk<'_> {
    /// Takes the items of a gap between rows from the archive, as far as it has them. Returns false if the read ends before the end
    /// of the gap.
    async fn fill(&mut self, mut gap: SeqRange) -> Result<bool, StoreError> {
        while gap.first <= gap.last {
            if self.is_full() {
                return Ok(false);
            }
            let at = if self.order == Order::Ascending { gap.first } else { gap.last };
            let Some(Archived { chunk, .. }) = self.archive.segment_of(self.conversation, at).await? else {
                // Whole segments that have expired are no part of the index: the oldest one that is left comes next.
                let is_ascending = self.order == Order::Ascending;
                let oldest = if is_ascending { self.archive.oldest(self.conversation).await? } else { None };
                let next = oldest.map(|oldest| oldest.segment().first).filter(|first| *first > gap.first);
                let Some(next) = next else { break };
                gap.first = next;
                continue;
            };
            let segment = self.archive.size.segment_of(at);
            let (first, last) = (gap.first.max(segment.first).0, gap.last.min(segment.last).0);
            let seqs: Box<dyn Iterator<Item = u64> + Send> = match self.order {
                Order::Ascending => Box::new(first..=last),
                Order::Descending => Box::new((first..=last).rev()),
            };
            for seq in seqs.map(Seq) {
                let Some((item, bytes)) = chunk.item(seq)? else { continue };
                if self.is_full() || !self.take(item) {
                    return Ok(false);
                }
                self.bytes += bytes;
                if self.bytes >= BYTES_PER_MEGABYTE {
                    (self.bytes, self.part.megabytes) = (0, self.part.megabytes + 1);
                }
            }
            match self.order {
                Order::Ascending => gap.first = segment.last.next(),
                Order::Descending if segment.first <= gap.first => break,
                Order::Descending => gap.last = segment.first.previous(),
            }
        }
        Ok(true)
    }

    /// Adds an item. Returns false if there is no room.
    fn take(&mut self, item: LogItem) -> bool {
        if self.part.items.len() >= self.limit {
            return false;
        }
        self.next = if self.order == Order::Ascending { item.seq.next() } else { item.seq.previous() };
        self.part.items.push(item);
        true
    }

    /// Returns true if the read ends here. Each read has at least one item, from which the next one goes on.
    fn is_full(&self) -> bool {
        let LogPart { items, megabytes, .. } = &self.part;
        items.len() >= self.limit || (*megabytes >= self.megabytes && !items.is_empty())
    }
}
