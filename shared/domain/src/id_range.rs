//! Ranges of ids, into which work on many rows is split.

/// The ids after one, up to and including another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange<Id> {
    /// The last id before the range.
    pub after: Id,
    /// The last id of the range.
    pub last: Id,
}

impl<Id: Copy> IdRange<Id> {
    /// Splits the range behind each of these ids, which lie in it in ascending order.
    pub fn split(self, borders: &[Id]) -> Vec<Self> {
        let mut after = self.after;
        let ends = borders.iter().copied().chain([self.last]);
        ends.map(|last| Self { after: std::mem::replace(&mut after, last), last }).collect()
    }

    /// Splits the range as [`Self::split`] does, into the beginnings and ends of its parts. With as many borders as were asked for,
    /// more may follow: the last part then has no end, and is still to be split.
    pub fn split_as_far_as_known(self, borders: &[Id], asked: usize) -> Vec<(Id, Option<Id>)> {
        let parts = self.split(borders).into_iter().enumerate();
        let is_known = |part: usize| part < borders.len() || borders.len() < asked;
        parts.map(|(part, Self { after, last })| (after, is_known(part).then_some(last))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_range_follow_each_other_without_gaps() {
        let range = IdRange { after: 0, last: 9 };
        assert_eq!(range.split(&[]), [range]);
        let parts = [(0, 3), (3, 6), (6, 9)].map(|(after, last)| IdRange { after, last });
        assert_eq!(range.split(&[3, 6]), parts);
        assert_eq!(range.split_as_far_as_known(&[3, 6], 3), [(0, Some(3)), (3, Some(6)), (6, Some(9))]);
        assert_eq!(range.split_as_far_as_known(&[3, 6], 2), [(0, Some(3)), (3, Some(6)), (6, None)]);
    }
}
