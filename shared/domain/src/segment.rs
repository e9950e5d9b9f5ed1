//! Segments: runs of seqs that move to the archive together.

use crate::Seq;
use crate::period::SeqRange;

/// Number of seqs in a segment.
///
/// The segments of a log follow each other from seq 1 on, so a seq alone says which segment it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize(u64);

impl SegmentSize {
    /// The size of every stored segment. Another one would not find the chunks that are there.
    pub const STORED: Self = Self(1_000);

    /// Returns a size for tests, at least one.
    pub const fn of(seqs: u64) -> Self {
        Self(if seqs == 0 { 1 } else { seqs })
    }

    /// Returns the number of seqs.
    pub const fn seqs(self) -> u64 {
        self.0
    }

    /// Returns the segment that has this seq.
    pub const fn segment_of(self, seq: Seq) -> SeqRange {
        let before = seq.previous().0 / self.0 * self.0;
        SeqRange { first: Seq(before + 1), last: Seq(before + self.0) }
    }

    /// Returns true if the segment may move to the archive: as many items as a segment has stay behind it.
    pub const fn may_move(self, segment: SeqRange, head: Seq) -> bool {
        segment.last.0.saturating_add(self.0) <= head.0
    }

    /// Returns the segments of a log with this head that may move, oldest first.
    pub fn movable(self, head: Seq) -> impl Iterator<Item = SeqRange> {
        let segments = (head.0 / self.0).saturating_sub(1);
        (0..segments).map(move |number| self.segment_of(Seq(number * self.0 + 1)))
    }

    /// Returns true if a log with this head has a segment that may move.
    pub const fn has_movable(self, head: Seq) -> bool {
        head.0 / self.0 > 1
    }

    /// Returns the segment that may move once the item at this seq is there; `None` for an item that ends no segment, and for the first
    /// end of one.
    pub fn moved_by(self, seq: Seq) -> Option<SeqRange> {
        let ends_segment = seq.0 > self.0 && seq.0.is_multiple_of(self.0);
        ends_segment.then(|| self.segment_of(Seq(seq.0 - self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> SeqRange {
        SeqRange { first: Seq(first), last: Seq(last) }
    }

    #[test]
    fn segments_follow_each_other_without_gaps() {
        let size = SegmentSize::of(10);
        for (seq, segment) in [(1, (1, 10)), (10, (1, 10)), (11, (11, 20)), (995, (991, 1000))] {
            assert_eq!(size.segment_of(Seq(seq)), range(segment.0, segment.1), "{seq}");
        }
    }

    #[test]
    fn newest_items_stay() {
        let size = SegmentSize::of(10);
        let movable = |head| size.movable(Seq(head)).collect::<Vec<_>>();
        assert_eq!(movable(0), []);
        assert_eq!(movable(19), []);
        assert_eq!(movable(20), [range(1, 10)]);
        assert_eq!(movable(35), [range(1, 10), range(11, 20)]);
        for head in 0..60 {
            let may_move = |n: u64| size.may_move(size.segment_of(Seq(n * 10 + 1)), Seq(head));
            assert_eq!((0..6).filter(|n| may_move(*n)).count(), movable(head).len(), "{head}");
            assert_eq!(size.has_movable(Seq(head)), !movable(head).is_empty(), "{head}");
        }
    }

    #[test]
    fn each_end_of_a_segment_moves_the_one_before() {
        let size = SegmentSize::of(10);
        assert_eq!((size.moved_by(Seq(10)), size.moved_by(Seq(21))), (None, None));
        assert_eq!((size.moved_by(Seq(20)), size.moved_by(Seq(30))), (Some(range(1, 10)), Some(range(11, 20))));
    }
}
