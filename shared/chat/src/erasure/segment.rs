//! Erasing a segment: its chunk, then its rows.

use std::collections::{BTreeMap, BTreeSet};

use domain::period::SeqRange;
use domain::{SegmentSize, Seq, Timestamp};
use futures_util::future::join_all;
use store::StoreError;
use store::dynamodb::LogItem;
use store::dynamodb::messages::{AmendedBy, LogPart, Order};
use store::sql::erasures::ErasedPart;

use super::ErasureJob;
use super::conversation::Work;
use super::item::Eraser;
use crate::archive::{ArchiveError, Change, Pace, units_of};

/// Times that a segment, or a row, is erased again because others changed it meanwhile.
const MAX_ROUNDS: u32 = 8;

/// Rows that are read at once, and megabytes.
const ROWS_PER_READ: usize = 250;
const MEGABYTES_PER_READ: usize = 4;

/// A segment that is erased.
#[derive(Debug, Default)]
pub(super) struct ErasedSegment {
    pub(super) part: ErasedPart,
    /// Seq and time of the newest item.
    pub(super) newest: Option<(Seq, Timestamp)>,
}

/// A row without what the user wrote.
struct Erased {
    item: LogItem,
    before: Option<AmendedBy>,
    units: u32,
}

impl ErasureJob {
    /// Erases the part of a segment in which the user may have written: in the chunk first, so that a row which is put back later has
    /// nothing of it; then in the rows. Does it again if the segment moves to the archive meanwhile.
    ///
    /// Safe to repeat. Cost: reading the segment, and a write unit for each KB of an erased row; for a chunk, those of another one.
    pub(super) async fn erase_segment(
        &self,
        work: &Work,
        segment: SeqRange,
        range: SeqRange,
        until: Timestamp,
    ) -> Result<ErasedSegment, ArchiveError> {
        let mut erased = ErasedSegment::default();
        for _ in 0..MAX_ROUNDS {
            let change = |item: &mut LogItem| work.eraser.erase(item);
            let prepare = async |before: &[LogItem]| self.prepare(work, before, true).await;
            let chunk = self.archiver.rewrite(work.conversation, segment, change, prepare).await?;
            add(&mut erased.part, &work.eraser, &chunk.before);
            erased.newest = chunk.newest.max(erased.newest);
            if chunk.is_touched
                && let Some(queue) = &self.search
            {
                queue.send_reindex_slice(work.conversation, segment).await?;
            }
            if !self.erase_rows(work, range, &mut erased, until).await? {
                continue;
            }
            if !chunk.is_archived {
                // A worker of the archive may be about to move it still: that is found after the grace.
                if self.archiver.archive.is_archived(work.conversation, segment.first).await? {
                    continue;
                }
                erased.part.unarchived_seq = Some(segment.first);
            }
            return Ok(erased);
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other workers were faster".into() }.into())
    }

    /// Erases rows. Returns false if one was changed or moved meanwhile.
    async fn erase_rows(
        &self,
        work: &Work,
        mut range: SeqRange,
        erased: &mut ErasedSegment,
        until: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let messages = &self.items.messages;
        let mut are_all = true;
        loop {
            let (order, megabytes) = (Order::Ascending, MEGABYTES_PER_READ);
            let read = messages.read_bounded(work.conversation, range, order, ROWS_PER_READ, megabytes, true).await?;
            let LogPart { items, more, .. } = read;
            erased.newest = items.last().map(|item| (item.seq, item.sent_at)).max(erased.newest);
            self.prepare(work, &items, false).await?;
            let changes: Vec<Erased> =
                items.iter().filter_map(|item| changed(item, |item| work.eraser.erase(item))).collect();
            are_all &= self.replace_rows(work, &items, &changes, &mut erased.part, until).await?;
            match items.last() {
                Some(last) if more && last.seq < range.last => range.first = last.seq.next(),
                _ => return Ok(are_all),
            }
        }
    }

    /// Writes erased rows at the pace of the archive. Returns false if one was changed or moved meanwhile.
    async fn replace_rows(
        &self,
        work: &Work,
        items: &[LogItem],
        changes: &[Erased],
        part: &mut ErasedPart,
        until: Timestamp,
    ) -> Result<bool, ArchiveError> {
        let pace = Pace::new(self.archiver.deletion_rate, until);
        let (mut left, mut pace, mut are_all) = (changes, pace, true);
        while !left.is_empty() {
            let (now, later) = pace.next(left).ok_or(ArchiveError::OutOfTime)?;
            let messages = &self.items.messages;
            let replacements = now.iter().map(|change| messages.replace(&change.item, change.before));
            let attempts = join_all(replacements).await;
            let units = now.iter().map(|change| change.units).sum();
            let Some(outcomes) = pace.written(attempts, units).await? else { continue };
            for (is_written, change) in outcomes.into_iter().zip(now) {
                let before = items.iter().find(|item| item.seq == change.item.seq);
                add(part, &work.eraser, before.filter(|_| is_written));
                are_all &= is_written;
            }
            left = later;
        }
        Ok(are_all)
    }

    /// Does what has to be done before items are erased, since they alone say it: erases the user's reactions to messages that are not
    /// gone through, and for items of a chunk, removes references to files. Those of rows go by the stream.
    async fn prepare(&self, work: &Work, items: &[LogItem], are_archived: bool) -> Result<(), StoreError> {
        let is_outside = |seq: &Seq| !work.spans.iter().any(|span| span.covers(*seq));
        let targets: BTreeSet<Seq> =
            items.iter().filter_map(|item| work.eraser.reacted_to(item)).filter(is_outside).collect();
        if !targets.is_empty() {
            Box::pin(self.erase_reactions(work, &targets)).await?;
        }
        for item in items.iter().filter(|item| are_archived && item.sender_id == work.eraser.user) {
            for attachment in item.kind.attachments() {
                self.references.reference_removed(attachment.file_id, item.seq).await?;
            }
        }
        Ok(())
    }

    /// Erases the user's reactions to these messages, wherever they are.
    async fn erase_reactions(&self, work: &Work, targets: &BTreeSet<Seq>) -> Result<(), StoreError> {
        let mut segments: BTreeMap<Seq, SeqRange> = BTreeMap::new();
        for target in targets {
            let segment = SegmentSize::STORED.segment_of(*target);
            segments.insert(segment.first, segment);
        }
        let change = |item: &mut LogItem| {
            if targets.contains(&item.seq) { work.eraser.erase_reactions(item) } else { Change::None }
        };
        for segment in segments.into_values() {
            let prepare = async |_: &[LogItem]| Ok(());
            match self.archiver.rewrite(work.conversation, segment, change, prepare).await {
                Ok(_) => {}
                Err(ArchiveError::Store(error)) => return Err(error),
                Err(error) => return Err(StoreError::Inconsistent(error.to_string())),
            }
        }
        for target in targets {
            self.erase_reactions_to(work, *target).await?;
        }
        Ok(())
    }

    async fn erase_reactions_to(&self, work: &Work, target: Seq) -> Result<(), StoreError> {
        for _ in 0..MAX_ROUNDS {
            let Some(item) = self.items.messages.get(work.conversation, target).await? else { return Ok(()) };
            let Some(change) = changed(&item, |item| work.eraser.erase_reactions(item)) else { return Ok(()) };
            if self.items.messages.replace(&change.item, change.before).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other writers were faster".into() })
    }
}

/// Returns the row after a change; `None` if it stays as it is.
fn changed(row: &LogItem, change: impl Fn(&mut LogItem) -> Change) -> Option<Erased> {
    let mut item = row.clone();
    (change(&mut item) == Change::Changed).then(|| {
        let units = units_of(serde_json::to_string(row).map_or(0, |json| json.len()));
        Erased { item, before: row.amended, units }
    })
}

fn add<'a>(part: &mut ErasedPart, eraser: &Eraser, before: impl IntoIterator<Item = &'a LogItem>) {
    for item in before {
        let (messages, reactions) = eraser.count(item);
        (part.messages, part.reactions) = (part.messages + messages, part.reactions + reactions);
    }
}
