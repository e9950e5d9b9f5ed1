//! Reactions: one per user, message and emoji.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ApiError, ErrorCode, Periods, Seq, UserId};

/// Most reactions of one message, withdrawn ones included. The limit keeps the item small.
pub const MAX_REACTIONS: usize = 500;

/// Most reactions of one user to one message, withdrawn ones included: no user takes the room of others.
pub const MAX_REACTIONS_PER_USER: usize = 20;

/// One emoji of Unicode's list, in its fully qualified form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Emoji(String);

impl Emoji {
    /// Parses an emoji of Unicode's list, fully qualified or not. All spellings of an emoji are equal.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let emoji = emojis::get(text).ok_or_else(|| ApiError::new(ErrorCode::InvalidEmoji, "This is not an emoji."))?;
        Ok(Self(emoji.as_str().to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The seqs at which a user reacted and withdrew the reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Seq of the event that added the reaction.
    pub added_seq: Seq,
    /// Seq of the event that withdrew the reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_seq: Option<Seq>,
}

impl Reaction {
    /// Returns true if it was added during a period, and not withdrawn during one.
    fn stands(&self, periods: &Periods) -> bool {
        periods.covers(self.added_seq) && !self.removed_seq.is_some_and(|seq| periods.covers(seq))
    }
}

/// All reactions to one message, withdrawn ones included: a former member who left before a withdrawal still sees the reaction,
/// even if its user has reacted again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reactions(BTreeMap<Emoji, BTreeMap<UserId, Vec<Reaction>>>);

/// The number of users with the same reaction, as one user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReactionCount {
    pub emoji: Emoji,
    pub count: u32,
    /// True if the viewer is one of them.
    #[serde(default)]
    pub mine: bool,
    /// The users, in the order of their ids. Only exports and imports have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
}

impl Reactions {
    /// Returns true if no user has ever reacted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if the user has reacted and not withdrawn it.
    pub fn has(&self, emoji: &Emoji, user: UserId) -> bool {
        let last = self.0.get(emoji).and_then(|users| users.get(&user)).and_then(|reactions| reactions.last());
        last.is_some_and(|reaction| reaction.removed_seq.is_none())
    }

    /// Returns true if the message has [`MAX_REACTIONS`] reactions.
    pub fn is_full(&self) -> bool {
        self.0.values().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>() >= MAX_REACTIONS
    }

    /// Returns true if the user has [`MAX_REACTIONS_PER_USER`] reactions to the message.
    pub fn is_full_for(&self, user: UserId) -> bool {
        self.0.values().filter_map(|users| users.get(&user)).map(Vec::len).sum::<usize>() >= MAX_REACTIONS_PER_USER
    }

    /// Adds a reaction of the user with the event at `seq`.
    pub fn add(&mut self, emoji: Emoji, user: UserId, seq: Seq) {
        let reactions = self.0.entry(emoji).or_default().entry(user).or_default();
        reactions.push(Reaction { added_seq: seq, removed_seq: None });
    }

    /// Withdraws the user's reaction with the event at `seq`.
    pub fn remove(&mut self, emoji: &Emoji, user: UserId, seq: Seq) {
        let reactions = self.0.get_mut(emoji).and_then(|users| users.get_mut(&user));
        if let Some(reaction) = reactions.and_then(|reactions| reactions.last_mut()) {
            reaction.removed_seq = Some(seq);
        }
    }

    /// Removes all reactions of a user, withdrawn ones included. Returns the number of emojis that they had.
    pub fn forget(&mut self, user: UserId) -> usize {
        let forgotten = self.0.values_mut().filter_map(|users| users.remove(&user)).count();
        self.0.retain(|_, users| !users.is_empty());
        forgotten
    }

    /// Removes withdrawn reactions that were added after `seq`. No user can see them if no membership period has ended since
    /// `seq`.
    pub fn remove_withdrawn_since(&mut self, seq: Seq) {
        for users in self.0.values_mut() {
            for reactions in users.values_mut() {
                reactions.retain(|reaction| reaction.added_seq <= seq || reaction.removed_seq.is_none());
            }
            users.retain(|_, reactions| !reactions.is_empty());
        }
        self.0.retain(|_, users| !users.is_empty());
    }

    /// Returns the reactions that a viewer with these periods sees: added during a period, and not withdrawn during one.
    pub fn seen_by(&self, viewer: UserId, periods: &Periods) -> Vec<ReactionCount> {
        let any_stands = |reactions: &Vec<Reaction>| reactions.iter().any(|reaction| reaction.stands(periods));
        let count = |(emoji, users): (&Emoji, &BTreeMap<UserId, Vec<Reaction>>)| {
            let count = users.values().filter(|reactions| any_stands(reactions)).count();
            (count > 0).then(|| ReactionCount {
                emoji: emoji.clone(),
                count: u32::try_from(count).unwrap_or(u32::MAX),
                mine: users.get(&viewer).is_some_and(any_stands),
                user_ids: Vec::new(),
            })
        };
        self.0.iter().filter_map(count).collect()
    }

    /// Returns the same reactions with their users.
    pub fn named_to(&self, viewer: UserId, periods: &Periods) -> Vec<ReactionCount> {
        let mut counts = self.seen_by(viewer, periods);
        for count in &mut counts {
            let users = self.0.get(&count.emoji).into_iter().flatten();
            let standing = users.filter(|(_, reactions)| reactions.iter().any(|reaction| reaction.stands(periods)));
            count.user_ids = standing.map(|(user, _)| *user).collect();
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Timestamp;
    use crate::period::{Left, Period};

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn period(first: u64, last: Option<u64>) -> Periods {
        let at = Timestamp::from_epoch_millis(0);
        let left = last.map(|seq| Left { seq: Seq(seq), at });
        Periods::new(vec![Period { joined_seq: Seq(first), joined_at: at, left }])
    }

    #[test]
    fn only_a_single_unicode_emoji_is_accepted() {
        assert_eq!(Emoji::parse("\u{2764}").unwrap(), Emoji::parse("\u{2764}\u{fe0f}").unwrap());
        assert!(Emoji::parse("👩‍👩‍👧").is_ok());
        for text in ["", "a", ":+1:", "👍👍", "<b>", "👍 "] {
            assert_eq!(Emoji::parse(text).unwrap_err().code, ErrorCode::InvalidEmoji, "{text:?}");
        }
    }

    #[test]
    fn reactions_are_counted_within_the_periods_of_the_viewer() {
        let thumb = Emoji::parse("👍").unwrap();
        let mut reactions = Reactions::default();
        reactions.add(thumb.clone(), user(1), Seq(5));
        reactions.add(thumb.clone(), user(2), Seq(9));
        reactions.remove(&thumb, user(1), Seq(12));
        let counts = |viewer, periods: &Periods| -> Vec<(u32, bool)> {
            reactions.seen_by(viewer, periods).into_iter().map(|seen| (seen.count, seen.mine)).collect()
        };
        assert_eq!(counts(user(2), &period(1, None)), [(1, true)]);
        assert_eq!(counts(user(3), &period(1, Some(10))), [(2, false)], "left before a reaction was withdrawn");
        assert_eq!(counts(user(3), &period(1, Some(6))), [(1, false)]);
        assert_eq!(counts(user(3), &period(1, Some(4))), []);
        assert!(!reactions.has(&thumb, user(1)) && reactions.has(&thumb, user(2)));
        let named = |viewer, periods: &Periods| reactions.named_to(viewer, periods).pop().map(|seen| seen.user_ids);
        assert_eq!(named(user(2), &period(1, None)), Some(vec![user(2)]));
        assert_eq!(named(user(3), &period(1, Some(10))), Some(vec![user(1), user(2)]));

        reactions.add(thumb.clone(), user(1), Seq(15));
        let counts = |viewer, periods: &Periods| -> Vec<(u32, bool)> {
            reactions.seen_by(viewer, periods).into_iter().map(|seen| (seen.count, seen.mine)).collect()
        };
        assert_eq!(counts(user(1), &period(1, None)), [(2, true)]);
        assert_eq!(
            counts(user(3), &period(1, Some(10))),
            [(2, false)],
            "a reaction added again does not change earlier views"
        );
    }

    #[test]
    fn reactions_of_a_user_are_forgotten() {
        let [thumb, heart] = ["👍", "❤️"].map(|emoji| Emoji::parse(emoji).unwrap());
        let mut reactions = Reactions::default();
        reactions.add(thumb.clone(), user(1), Seq(5));
        reactions.add(thumb.clone(), user(2), Seq(6));
        reactions.add(heart.clone(), user(1), Seq(7));
        reactions.remove(&heart, user(1), Seq(8));
        assert_eq!((reactions.forget(user(1)), reactions.forget(user(1))), (2, 0));
        assert!(reactions.has(&thumb, user(2)));
        assert_eq!(reactions.forget(user(2)), 1);
        assert!(reactions.is_empty());
    }

    #[test]
    fn withdrawn_reactions_that_no_period_can_show_are_dropped() {
        let thumb = Emoji::parse("👍").unwrap();
        let mut reactions = Reactions::default();
        reactions.add(thumb.clone(), user(1), Seq(5));
        reactions.remove(&thumb, user(1), Seq(6));
        reactions.remove_withdrawn_since(Seq(5));
        assert!(!reactions.is_empty(), "a user may have left at 5");
        reactions.remove_withdrawn_since(Seq(4));
        assert!(reactions.is_empty());
        reactions.add(thumb.clone(), user(1), Seq(7));
        reactions.remove_withdrawn_since(Seq(4));
        assert!(reactions.has(&thumb, user(1)));
    }
}
