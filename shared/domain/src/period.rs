//! Membership periods: a user sees exactly the items of the periods in which they were a member.

use serde::{Deserialize, Serialize};

use crate::{HistoryPolicy, Seq, Timestamp};

/// One membership period, both ends included; empty if nothing was sent during it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first visible seq: the seq of the item that added the user, or, in a public conversation, the seq after the head at
    /// the time of joining.
    pub joined_seq: Seq,
    /// `sent_at` of that item, or that moment.
    pub joined_at: Timestamp,
    /// Seq and time of the item that ended the period; `None` for a current one.
    pub left: Option<Left>,
}

/// The end of a [`Period`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The last visible seq: that of the item that ended the period, or the head at that moment. It is one before `joined_seq`
    /// if nothing was sent in between.
    pub seq: Seq,
    /// `sent_at` of that item, or that moment.
    pub at: Timestamp,
}

/// A closed range of seqs, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeqRange {
    pub first: Seq,
    pub last: Seq,
}

impl SeqRange {
    fn new(first: Seq, last: Seq) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }
}

/// All membership periods of one user in one conversation, oldest first and without overlap.
///
/// A user sees the union of these, on every path that reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Periods(Vec<Period>);

impl Periods {
    /// Builds the list from periods in any order. Periods do not overlap, in the log as in time.
    pub fn new(mut periods: Vec<Period>) -> Self {
        periods.sort_by_key(|period| (period.joined_seq, period.joined_at));
        Self(periods)
    }

    /// Returns the periods of a user who has been a member from the beginning.
    pub fn all() -> Self {
        Self(vec![Period { joined_seq: Seq(1), joined_at: Timestamp::from_epoch_millis(0), left: None }])
    }

    /// Returns the periods that are visible to a user with these membership periods under this policy.
    pub fn visible(periods: Vec<Period>, history: HistoryPolicy) -> Self {
        let mut periods = Self::new(periods);
        if history == HistoryPolicy::Full
            && let Some(last) = periods.0.pop()
        {
            periods.0 = vec![Period { joined_seq: Seq(1), ..last }];
        }
        periods
    }

    /// Hides what has expired: everything up to this seq. The periods stay, although some may show nothing then.
    #[must_use]
    pub fn after_expiry(mut self, expired_seq: Seq) -> Self {
        for period in &mut self.0 {
            period.joined_seq = period.joined_seq.max(expired_seq.next());
        }
        self
    }

    /// Returns this seq, or the end of the last period if that is earlier.
    pub fn until(&self, seq: Seq) -> Seq {
        self.0.last().and_then(|period| period.left).map_or(seq, |left| left.seq.min(seq))
    }

    /// Returns true if the user was never a member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if the item at `seq` lies within a period.
    pub fn covers(&self, seq: Seq) -> bool {
        self.0.iter().any(|period| period.joined_seq <= seq && period.left.is_none_or(|left| seq <= left.seq))
    }

    /// Returns the highest visible seq, given the conversation's `head`; `None` if nothing is visible.
    pub fn last_visible(&self, head: Seq) -> Option<Seq> {
        self.within(Seq::ZERO, head).last().map(|range| range.last)
    }

    /// Returns the end of the last period; `None` if that goes on, or if there is none.
    pub fn end(&self) -> Option<Left> {
        self.0.last()?.left
    }

    /// The visible parts of `first ..= last`, ascending.
    pub fn within(&self, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = SeqRange> + '_ {
        self.0.iter().filter_map(move |period| {
            let end = period.left.map_or(last, |left| left.seq.min(last));
            SeqRange::new(period.joined_seq.max(first), end)
        })
    }

    /// The parts of `first ..= last` that are not visible, ascending.
    pub fn hidden_within(&self, first: Seq, last: Seq) -> Vec<SeqRange> {
        let mut hidden = Vec::new();
        let mut next = first;
        for range in self.within(first, last) {
            hidden.extend(SeqRange::new(next, range.first.previous()).filter(|_| range.first > next));
            next = range.last.next();
        }
        hidden.extend(SeqRange::new(next, last));
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(joined: u64, left: Option<u64>) -> Period {
        let at = Timestamp::from_epoch_millis(0);
        Period { joined_seq: Seq(joined), joined_at: at, left: left.map(|seq| Left { seq: Seq(seq), at }) }
    }

    fn ranges(periods: &Periods, first: u64, last: u64) -> Vec<(u64, u64)> {
        periods.within(Seq(first), Seq(last)).map(|range| (range.first.0, range.last.0)).collect()
    }

    #[test]
    fn items_from_joining_to_leaving_are_visible_and_items_between_periods_are_not() {
        let periods = Periods::new(vec![period(20, None), period(5, Some(9))]);
        let visible: Vec<u64> = (1..25).filter(|seq| periods.covers(Seq(*seq))).collect();
        assert_eq!(visible, [5, 6, 7, 8, 9, 20, 21, 22, 23, 24]);
    }

    #[test]
    fn membership_period_without_items_shows_nothing() {
        let periods = Periods::new(vec![period(5, Some(9)), period(10, Some(9)), period(12, None)]);
        assert_eq!(ranges(&periods, 0, 11), [(5, 9)]);
        assert_eq!(periods.last_visible(Seq(11)), Some(Seq(9)), "a member who has just joined sees nothing later");
        assert!(!Periods::new(vec![period(10, Some(9))]).is_empty(), "the period exists");
        assert_eq!(ranges(&Periods::visible(vec![period(10, Some(9))], HistoryPolicy::Full), 0, 100), [(1, 9)]);
    }

    #[test]
    fn full_history_ends_with_the_last_membership_period() {
        let periods = |last| vec![period(20, last), period(5, Some(9))];
        let seen = |last| ranges(&Periods::visible(periods(last), HistoryPolicy::Full), 0, 100);
        assert_eq!(seen(None), [(1, 100)]);
        assert_eq!(seen(Some(30)), [(1, 30)]);
        assert!(Periods::visible(Vec::new(), HistoryPolicy::Full).is_empty());
    }

    #[test]
    fn expired_items_are_hidden_and_the_periods_stay() {
        let periods = || Periods::new(vec![period(5, Some(9)), period(20, None)]);
        assert_eq!(periods().after_expiry(Seq::ZERO), periods());
        assert_eq!(ranges(&periods().after_expiry(Seq(7)), 0, 30), [(8, 9), (20, 30)]);
        let all = periods().after_expiry(Seq(30));
        assert_eq!(ranges(&all, 0, 30), []);
        assert!(!all.is_empty(), "a member of a conversation that has expired is a member");
        let hidden: Vec<SeqRange> = all.hidden_within(Seq(1), Seq(31));
        assert_eq!(hidden, [SeqRange { first: Seq(1), last: Seq(30) }]);
    }

    #[test]
    fn hidden_ranges_complement_the_visible_ones() {
        let hidden = |periods: Vec<Period>, first: u64, last: u64| -> Vec<(u64, u64)> {
            let hidden = Periods::new(periods).hidden_within(Seq(first), Seq(last));
            hidden.into_iter().map(|range| (range.first.0, range.last.0)).collect()
        };
        let periods = || vec![period(5, Some(9)), period(20, None)];
        assert_eq!(hidden(periods(), 1, 30), [(1, 4), (10, 19)]);
        assert_eq!(hidden(periods(), 5, 12), [(10, 12)]);
        assert_eq!(hidden(periods(), 6, 9), []);
        assert_eq!(hidden(periods(), 21, 20), []);
        assert_eq!(hidden(vec![], 1, 3), [(1, 3)]);
    }

    #[test]
    fn ranges_are_clipped_on_both_sides() {
        let periods = Periods::new(vec![period(5, Some(9)), period(20, None)]);
        assert_eq!(ranges(&periods, 0, 100), [(5, 9), (20, 100)]);
        assert_eq!(ranges(&periods, 7, 21), [(7, 9), (20, 21)]);
        assert_eq!(ranges(&periods, 10, 19), []);
    }

    #[test]
    fn head_of_a_former_member_is_the_end_of_the_last_period() {
        assert_eq!(Periods::new(vec![period(5, Some(9))]).last_visible(Seq(50)), Some(Seq(9)));
        assert_eq!(Periods::new(vec![period(5, None)]).last_visible(Seq(50)), Some(Seq(50)));
        assert_eq!(Periods::default().last_visible(Seq(50)), None);
    }
}
