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
        i64::deserialize(deserializer).map(Timestamp::nearest)
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

    /// A conversation to which users send messages at given seconds.
    #[derive(Default)]
    struct TestConversation(RecentSenders);

    impl TestConversation {
        fn send(&mut self, sender: u128, second: i64) -> Result<(), Duration> {
            self.0 = self.0.after(user(sender), Timestamp::from_epoch_millis(1000 * second), limit())?;
            Ok(())
        }
    }

    #[test]
    fn sender_beyond_the_limit_waits_for_the_next_window() {
        let mut conversation = TestConversation::default();
        for second in [0, 1, 8] {
            assert_eq!(conversation.send(1, second), Ok(()));
        }
        assert_eq!(conversation.send(1, 8), Err(Duration::from_secs(2)));
        assert_eq!(conversation.send(2, 8), Ok(()), "other senders are not limited");
        assert_eq!(conversation.send(1, 9), Err(Duration::from_secs(1)));
        for second in [10, 11, 12] {
            assert_eq!(conversation.send(1, second), Ok(()));
        }
        assert_eq!(
            conversation.send(1, 19),
            Err(Duration::from_secs(1)),
            "the window began with the first message in it"
        );
        assert_eq!(conversation.send(1, 20), Ok(()));
    }

    #[test]
    fn refused_messages_do_not_count() {
        let mut conversation = TestConversation::default();
        for second in [0, 0, 0] {
            conversation.send(1, second).unwrap();
        }
        let before = conversation.0.clone();
        assert!(conversation.send(1, 1).is_err());
        assert_eq!(conversation.0, before);
    }

    #[test]
    fn beyond_the_maximum_the_least_recent_sender_is_dropped() {
        let mut conversation = TestConversation::default();
        for _ in 0..3 {
            conversation.send(1, 0).unwrap();
        }
        for sender in 2..=8 {
            conversation.send(sender, 1).unwrap();
        }
        assert!(conversation.send(1, 1).is_err());
        conversation.send(9, 1).unwrap();
        assert_eq!((conversation.0.0.len(), conversation.0.0[0].sender), (MAX_SENDERS, user(2)));
        assert_eq!(conversation.send(1, 1), Ok(()));
        assert_eq!(conversation.0.0[0].sender, user(3));
    }

    #[test]
    fn expired_windows_are_dropped() {
        let mut conversation = TestConversation::default();
        for sender in 1..=5 {
            conversation.send(sender, 0).unwrap();
        }
        conversation.send(6, 10).unwrap();
        assert_eq!(conversation.0.0.len(), 1);
    }

    #[test]
    fn clock_moving_backwards_starts_a_new_window() {
        let mut conversation = TestConversation::default();
        for _ in 0..3 {
            conversation.send(1, 1000).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(conversation.send(1, 5), Ok(()));
        }
        assert_eq!(conversation.send(1, 5), Err(Duration::from_secs(10)), "the limit holds for the new window");
    }

    #[test]
    fn zero_means_no_limit() {
        assert_eq!(FloodLimit::new(0, Duration::from_secs(10)), None);
        assert_eq!(FloodLimit::new(3, Duration::ZERO), None);
    }

    #[test]
    fn counts_are_stored_with_short_field_names() {
        let counts = RecentSenders::default().after(user(1), Timestamp::from_epoch_millis(5), limit()).unwrap();
        let json = serde_json::to_value(&counts).unwrap();
        assert_eq!(json, serde_json::json!([{"u": user(1), "s": 5, "n": 1}]));
        assert_eq!(serde_json::from_value::<RecentSenders>(json).unwrap(), counts);
    }
}
