//! From the seqs of a file to those of the log that is made of it.
//!
//! A file has no events, so its seqs have holes. The log has none: its seqs count the messages of the file. If the file does not begin with
//! the item that begins a log, the log has one more before them.

use domain::Seq;
use serde::{Deserialize, Serialize};

/// Runs of seqs without a hole: the first one, and their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seqs {
    runs: Vec<(u64, u64)>,
    /// Number of seqs in the runs before each.
    #[serde(skip)]
    before: Vec<u64>,
    pub(super) count: u64,
    /// Number of items that the log has before the first message of the file.
    pub(super) offset: u64,
}

impl Seqs {
    /// Begins a log with so many items before the first message of the file.
    pub(super) fn after(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Adds the next seq of the file, which is larger than all before.
    pub(super) fn push(&mut self, Seq(seq): Seq) {
        match self.runs.last_mut() {
            Some((first, count)) if *first + *count == seq => *count += 1,
            _ => self.runs.push((seq, 1)),
        }
        self.count += 1;
    }

    /// Returns the last seq of the file.
    pub(super) fn last(&self) -> Option<Seq> {
        self.runs.last().map(|(first, count)| Seq(first + count - 1))
    }

    /// Returns the last seq of the log.
    pub(super) fn head(&self) -> Seq {
        Seq(self.offset + self.count)
    }

    /// Prepares the look-up, after reading or changing.
    pub(super) fn index(&mut self) {
        let counts = self.runs.iter().scan(0, |sum, (_, count)| {
            let before = *sum;
            *sum += count;
            Some(before)
        });
        self.before = counts.collect();
    }

    /// Returns the number of messages of the file up to this seq.
    fn up_to(&self, Seq(seq): Seq) -> u64 {
        let run = self.runs.partition_point(|(first, _)| *first <= seq);
        let Some(run) = run.checked_sub(1) else { return 0 };
        let (first, count) = self.runs[run];
        self.before.get(run).copied().unwrap_or_default() + count.min(seq - first + 1)
    }

    /// Returns the seq that a message of the file has in the log; `None` if the file has no such message.
    pub(super) fn of(&self, seq: Seq) -> Option<Seq> {
        let (with, without) = (self.up_to(seq), self.up_to(seq.previous()));
        (with > without && seq > Seq::ZERO).then(|| Seq(self.offset + with))
    }

    /// Returns the first seq of the log that is visible to a user who joined at this seq of the file.
    pub(super) fn joined(&self, seq: Seq) -> Seq {
        match self.up_to(seq.previous()) {
            0 => Seq(1),
            before => Seq(self.offset + before + 1),
        }
    }

    /// Returns the last seq of the log that is visible to a user who left at this seq of the file.
    pub(super) fn left(&self, seq: Seq) -> Seq {
        Seq(self.offset + self.up_to(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(of: &[u64], offset: u64) -> Seqs {
        let mut seqs = Seqs::after(offset);
        for seq in of {
            seqs.push(Seq(*seq));
        }
        seqs.index();
        seqs
    }

    #[test]
    fn seqs_of_the_log_have_no_holes() {
        let seqs = seqs(&[1, 2, 3, 7, 8, 20], 0);
        assert_eq!(seqs.runs, [(1, 3), (7, 2), (20, 1)]);
        let of: Vec<Option<u64>> =
            [0, 1, 3, 4, 7, 8, 20, 21].map(|seq| seqs.of(Seq(seq)).map(|seq| seq.0)).into_iter().collect();
        assert_eq!(of, [None, Some(1), Some(3), None, Some(4), Some(5), Some(6), None]);
        assert_eq!((seqs.head(), seqs.last()), (Seq(6), Some(Seq(20))));
        assert_eq!([1, 4, 7, 21].map(|seq| seqs.joined(Seq(seq)).0), [1, 4, 4, 7]);
        assert_eq!([1, 5, 8, 30].map(|seq| seqs.left(Seq(seq)).0), [1, 3, 5, 6]);
    }

    #[test]
    fn log_may_begin_with_an_item_that_the_file_lacks() {
        let seqs = seqs(&[40, 42], 1);
        assert_eq!((seqs.of(Seq(40)), seqs.of(Seq(42)), seqs.head()), (Some(Seq(2)), Some(Seq(3)), Seq(3)));
        assert_eq!((seqs.joined(Seq(40)), seqs.joined(Seq(41)), seqs.left(Seq(39))), (Seq(1), Seq(3), Seq(1)));
        assert_eq!(Seqs::default().of(Seq(1)), None);
    }
}
