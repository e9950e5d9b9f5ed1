//! The items of a chunk with the rows that are newer.

use store::dynamodb::StoredRow;

use super::chunk::MAX_CHUNK_BYTES;

/// Part of a chunk that is not its items: the header, rounded up.
const HEADER_BYTES: usize = 1_024;

/// The items of a segment while newer rows take the place of older ones, no more than fit in a chunk.
#[derive(Debug)]
pub(super) struct Merge {
    /// The rows, oldest first.
    items: Vec<StoredRow>,
    bytes: usize,
    /// Number of rows that have taken the place of an item.
    pub(super) taken: usize,
    /// Number of rows that are newer than their items and did not fit.
    pub(super) refused: usize,
}

impl Merge {
    /// Begins with the items of a chunk.
    pub(super) fn of(items: Vec<StoredRow>) -> Self {
        let bytes = HEADER_BYTES + items.iter().map(size).sum::<usize>();
        Self { items, bytes, taken: 0, refused: 0 }
    }

    /// Puts a row in the place of its item if it is newer. One that makes the chunk too large stays a row; one that makes it smaller,
    /// such as that of a deleted message, always fits.
    pub(super) fn take(&mut self, row: StoredRow) {
        let Ok(at) = self.items.binary_search_by_key(&row.seq, |item| item.seq) else { return };
        let item = &mut self.items[at];
        if row.amended <= item.amended {
            return;
        }
        let bytes = self.bytes - size(item) + size(&row);
        if bytes > MAX_CHUNK_BYTES && bytes > self.bytes {
            self.refused += 1;
            return;
        }
        (self.bytes, self.taken) = (bytes, self.taken + 1);
        *item = StoredRow { restored: false, ..row };
    }

    /// Returns the items, oldest first.
    pub(super) fn into_items(self) -> Vec<StoredRow> {
        self.items
    }
}

/// Returns the bytes of an item in a chunk, with the end of its line.
fn size(row: &StoredRow) -> usize {
    row.json.len() + 1
}

#[cfg(test)]
mod tests {
    use domain::{Seq, Timestamp};

    use super::*;

    fn row(seq: u64, amended: Option<u64>, bytes: usize) -> StoredRow {
        let sent_at = Timestamp::from_epoch_millis(0);
        StoredRow { seq: Seq(seq), sent_at, amended: amended.map(Seq), restored: true, json: "x".repeat(bytes) }
    }

    #[test]
    fn newer_rows_count_as_far_as_they_fit() {
        let half = MAX_CHUNK_BYTES / 2;
        let mut merge = Merge::of((1..=4).map(|seq| row(seq, (seq == 3).then_some(9), 100)).collect());
        merge.take(row(1, None, 50));
        merge.take(row(3, Some(8), 50));
        merge.take(row(7, Some(10), 50));
        assert_eq!((merge.taken, merge.refused), (0, 0), "none of them is newer than an item");
        merge.take(row(1, Some(10), half));
        merge.take(row(2, Some(11), half));
        merge.take(row(4, Some(12), 20));
        assert_eq!((merge.taken, merge.refused), (2, 1));
        // It makes room.
        merge.take(row(1, Some(13), 30));
        merge.take(row(2, Some(11), half));
        assert_eq!((merge.taken, merge.refused), (4, 1));
        let sizes: Vec<usize> = merge.into_items().iter().map(|item| item.json.len()).collect();
        assert_eq!(sizes, [30, half, 100, 20]);
    }
}
