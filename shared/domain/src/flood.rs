//! Flood control: the number of messages that one sender may send to one conversation in a window of time.
//!
//! The log itself holds the necessary state: a text holds the counts of the last few senders, and every send reads the previous
//! items anyway.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// Number of senders whose counts are kept. The count of any further sender is dropped: with that many active senders in one
/// window each can flood little, and every count adds some 60 bytes to every message.
pub const MAX_SENDERS: usize = 8;

/// The number of messages that one sender may send to one conversation within a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodLimit {
    messages: u32,
    window: Duration,
}

impl FloodLimit {
    /// Returns the limit of this many messages per window; `None` (no limit) if either is zero.
    pub fn new(messages: u32, window: Duration) -> Option<Self> {
        (messages > 0 && !window.is_zero()).then_some(Self { messages, window })
    }
}

/// The number of messages that one sender has sent since their window began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    #[serde(rename = "u")]
    sender: UserId,
    /// Start of the window: the sender's first message after the previous window ended.
    #[serde(rename = "s", with = "millis")]
    since: Timestamp,
    #[serde(rename = "n")]
    messages: u32,
}

impl Count {
    /// Returns the remaining time of the window at `now`; `None` if it has ended, or if it began in the future: a clock that is
    /// ahead must not block a sender.
    fn left(&self, limit: FloodLimit, now: Timestamp) -> Option<Duration> {
        let left = limit.window.checked_sub(now.since(self.since)).filter(|left| !left.is_zero());
        left.filter(|_| self.since <= now)
    }
}

/// The counts of the last few senders, the most recent one last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentSenders(Vec<Count>);

impl RecentSenders {
    /// Returns true if no count is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the counts after one more message of `sender`. Drops windows that have ended and, beyond [`MAX_SENDERS`], the
    /// sender with the oldest message.
    ///
    /// # Errors
    ///
    /// Returns the time to wait if the sender has reached the limit.
    pub fn after(&self, sender: UserId, now: Timestamp, limit: FloodLimit) -> Result<Self, Duration> {
        let mut counts: Vec<Count> = self.0.iter().copied().filter(|count| count.left(limit, now).is_some()).collect();
        let at = counts.iter().position(|count| count.sender == sender);
        let mut own = at.map_or(Count { sender, since: now, messages: 0 }, |at| counts.remove(at));
        if own.messages >= limit.messages {
            return Err(own.left(limit, now).unwrap_or(limit.window));
        }
        own.messages += 1;
        counts.push(own);
        let surplus = counts.len().saturating_sub(MAX_SENDERS);
        counts.drain(..surplus);
        Ok(Self(counts))
    }
}

/// Stored as a number, which is smaller than text.
mod millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Timestamp;

    // The signature that serde requires.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        time.epoch_millis().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_epoch_millis)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn limit() -> FloodLimit {
        FloodLimit::new(3, Duration::from_secs(10)).unwrap()
    }

    /// A conversation to which people say things at these seconds; whether each may.
    #[derive(Default)]
    struct Talk(RecentSenders);

    impl Talk {
        fn say(&mut self, sender: u128, second: i64) -> Result<(), Duration> {
            self.0 = self.0.after(user(sender), Timestamp::from_epoch_millis(1000 * second), limit())?;
            Ok(())
        }
    }

    #[test]
    fn whoever_says_too_much_waits_for_the_next_window() {
        let mut talk = Talk::default();
        for second in [0, 1, 8] {
            assert_eq!(talk.say(1, second), Ok(()));
        }
        assert_eq!(talk.say(1, 8), Err(Duration::from_secs(2)));
        assert_eq!(talk.say(2, 8), Ok(()), "others may");
        assert_eq!(talk.say(1, 9), Err(Duration::from_secs(1)));
        for second in [10, 11, 12] {
            assert_eq!(talk.say(1, second), Ok(()));
        }
        assert_eq!(talk.say(1, 19), Err(Duration::from_secs(1)), "the window began with the first message in it");
        assert_eq!(talk.say(1, 20), Ok(()));
    }

    #[test]
    fn a_refusal_does_not_count() {
        let mut talk = Talk::default();
        for second in [0, 0, 0] {
            talk.say(1, second).unwrap();
        }
        let before = talk.0.clone();
        assert!(talk.say(1, 1).is_err());
        assert_eq!(talk.0, before);
    }

    #[test]
    fn of_too_many_senders_the_one_silent_for_longest_is_forgotten() {
        let mut talk = Talk::default();
        for _ in 0..3 {
            talk.say(1, 0).unwrap();
        }
        for sender in 2..=8 {
            talk.say(sender, 1).unwrap();
        }
        assert!(talk.say(1, 1).is_err());
        talk.say(9, 1).unwrap();
        assert_eq!((talk.0.0.len(), talk.0.0[0].sender), (MAX_SENDERS, user(2)));
        assert_eq!(talk.say(1, 1), Ok(()));
        assert_eq!(talk.0.0[0].sender, user(3));
    }

    #[test]
    fn windows_that_are_over_are_left_out() {
        let mut talk = Talk::default();
        for sender in 1..=5 {
            talk.say(sender, 0).unwrap();
        }
        talk.say(6, 10).unwrap();
        assert_eq!(talk.0.0.len(), 1);
    }

    #[test]
    fn a_clock_that_goes_back_silences_nobody() {
        let mut talk = Talk::default();
        for _ in 0..3 {
            talk.say(1, 1000).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(talk.say(1, 5), Ok(()));
        }
        assert_eq!(talk.say(1, 5), Err(Duration::from_secs(10)), "the limit holds by the other clock as well");
    }

    #[test]
    fn nothing_is_limited_where_a_limit_is_zero() {
        assert_eq!(FloodLimit::new(0, Duration::from_secs(10)), None);
        assert_eq!(FloodLimit::new(3, Duration::ZERO), None);
    }

    #[test]
    fn it_is_stored_in_little_room() {
        let counts = RecentSenders::default().after(user(1), Timestamp::from_epoch_millis(5), limit()).unwrap();
        let json = serde_json::to_value(&counts).unwrap();
        assert_eq!(json, serde_json::json!([{"u": user(1), "s": 5, "n": 1}]));
        assert_eq!(serde_json::from_value::<RecentSenders>(json).unwrap(), counts);
    }
}
