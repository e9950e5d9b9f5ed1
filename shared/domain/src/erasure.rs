//! Erasure: everything that a deleted user wrote goes, wherever it is.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::period::{Left, SeqRange};
use crate::{Period, Seq, Timestamp, UserId};

/// Time for which a send may be under way that had read its membership before that ended.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);

/// The fate of the messages of a user who is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum MessagesOfDeleted {
    /// They stay, and keep their sender.
    #[default]
    Keep,
    Erase,
}

impl MessagesOfDeleted {
    /// The name in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Erase => "erase",
        }
    }
}

impl<'de> Deserialize<'de> for MessagesOfDeleted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = [Self::Keep, Self::Erase].into_iter().find(|messages| messages.as_str() == name);
        found.ok_or_else(|| de::Error::custom("must be `keep` or `erase`"))
    }
}

/// The state of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    Running,
    /// Everything is erased but what is in held conversations. It goes on when the last hold ends.
    Held,
    Finished,
}

/// How far the erasure of a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Erasure {
    pub user_id: UserId,
    pub state: ErasureState,
    pub requested_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Conversations that the user was ever in, as far as they are known.
    pub conversations: u64,
    /// Those of them in which nothing is left.
    pub finished_conversations: u64,
    /// Those that are held.
    pub held_conversations: u64,
    /// Messages that were erased. After a crash some are not counted.
    pub messages: u64,
    /// Reactions that were erased, likewise. Those to messages from before a membership are not counted.
    pub reactions: u64,
}

/// A part of a log in which a user may have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub range: SeqRange,
    /// End of the membership, where the range goes beyond it.
    left: Option<Left>,
}

impl Span {
    /// Returns the spans of a user with these membership periods, oldest first, below the item that says that the user is erased.
    ///
    /// In a group the item that ends a membership is the last that its user can have written before. In a public conversation no
    /// item ends it, and a message that was under way may follow, for a while.
    pub fn all(periods: &[Period], is_public: bool, erased_seq: Seq) -> Vec<Self> {
        let mut spans = Vec::new();
        for (index, period) in periods.iter().enumerate() {
            let next = periods.get(index + 1).map_or(erased_seq, |next| next.joined_seq.min(erased_seq));
            let left = period.left.filter(|_| is_public);
            let last = match period.left {
                Some(left) if !is_public => left.seq.min(next.previous()),
                _ => next.previous(),
            };
            if period.joined_seq <= last {
                spans.push(Self { range: SeqRange { first: period.joined_seq, last }, left });
            }
        }
        spans
    }

    /// Returns true if the user can have written nothing after an item with this seq and time.
    pub fn is_over(&self, seq: Seq, sent_at: Timestamp) -> bool {
        seq >= self.range.last || self.left.is_some_and(|left| seq > left.seq && sent_at > left.at.plus(SEND_TIMEOUT))
    }

    /// Returns true if whoever goes through the span meets this seq.
    pub fn covers(&self, seq: Seq) -> bool {
        let last = self.left.map_or(self.range.last, |left| left.seq.min(self.range.last));
        self.range.first <= seq && seq <= last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_millis(1_800_000_000_000 + seconds * 1_000)
    }

    fn period(joined: u64, left: Option<u64>) -> Period {
        let left = left.map(|seq| Left { seq: Seq(seq), at: at(0) });
        Period { joined_seq: Seq(joined), joined_at: at(-60), left }
    }

    fn ranges(periods: &[Period], is_public: bool, erased_seq: u64) -> Vec<(u64, u64)> {
        let spans = Span::all(periods, is_public, Seq(erased_seq));
        spans.iter().map(|span| (span.range.first.0, span.range.last.0)).collect()
    }

    #[test]
    fn spans_are_the_memberships_of_a_group() {
        let periods = [period(1, Some(5)), period(9, Some(12))];
        assert_eq!(ranges(&periods, false, 20), [(1, 5), (9, 12)]);
        assert_eq!(ranges(&[period(1, None)], false, 20), [(1, 19)]);
        assert_eq!(ranges(&[], false, 20), []);
    }

    #[test]
    fn messages_under_way_may_follow_a_membership_of_a_public_conversation() {
        let periods = [period(1, Some(5)), period(6, Some(5)), period(9, Some(12))];
        assert_eq!(ranges(&periods, true, 20), [(1, 5), (6, 8), (9, 19)]);
        let span = Span::all(&periods, true, Seq(20))[2];
        assert!(!span.is_over(Seq(12), at(90)), "its membership's own part");
        assert!(!span.is_over(Seq(13), at(60)), "under way");
        assert!(span.is_over(Seq(13), at(61)) && span.is_over(Seq(19), at(1)));
        assert_eq!([8, 9, 12, 13].map(|seq| span.covers(Seq(seq))), [false, true, true, false]);
    }
}
