//! Flood control: the number of messages and of events that one user may write to one conversation in a window of time.
//!
//! The log itself holds the necessary state: every item holds the counts of the last few senders, and every write reads the
//! previous item anyway.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// Number of senders whose counts are kept. Beyond, the sender with the lowest count is dropped: every count adds some 60 bytes
/// to every item.
pub const MAX_SENDERS: usize = 8;

/// The number of messages and of events that one user may write to one conversation within a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodLimit {
    messages: u32,
    events: u32,
    window: Duration,
}

impl FloodLimit {
    /// Returns the limit of this many messages and of this many events per window. Zero is no limit: `None` if the window or
    /// both numbers are zero.
    pub fn new(messages: u32, events: u32, window: Duration) -> Option<Self> {
        let any = |limit| if limit == 0 { u32::MAX } else { limit };
        let limited = (messages > 0 || events > 0) && !window.is_zero();
        limited.then_some(Self { messages: any(messages), events: any(events), window })
    }
}

/// The kind of an item that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A new message, with its text.
    Message,
    /// A change of a message or of the conversation.
    Event,
}

/// The numbers that one sender has written since their window began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    #[serde(rename = "u")]
    sender: UserId,
    /// Start of the window: the sender's first item after the previous window ended.
    #[serde(rename = "s", with = "millis")]
    since: Timestamp,
    #[serde(rename = "n")]
    messages: u32,
    #[serde(rename = "e", default, skip_serializing_if = "is_zero")]
    events: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde requires")]
fn is_zero(number: &u32) -> bool {
    *number == 0
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

    /// Returns the counts after one more item of `sender`. The system is neither counted nor refused: the throttle of its routes
    /// limits it.
    ///
    /// # Errors
    ///
    /// Returns the time to wait if the sender has reached the limit.
    pub fn after(&self, sender: UserId, counted: Counted, now: Timestamp, limit: FloodLimit) -> Result<Self, Duration> {
        if sender.is_system() {
            return Ok(self.clone());
        }
        let own = self.0.iter().find(|count| count.sender == sender);
        let Some((own, left)) = own.and_then(|own| Some((own, own.left(limit, now)?))) else {
            return Ok(self.counting(sender, counted, now, limit));
        };
        let reached = match counted {
            Counted::Message => own.messages >= limit.messages,
            Counted::Event => own.events >= limit.events,
        };
        if reached { Err(left) } else { Ok(self.counting(sender, counted, now, limit)) }
    }

    /// Returns the counts after one more event of `sender`; without a limit, nothing is counted. An event that is not
    /// `refusable` counts and is never refused.
    ///
    /// # Errors
    ///
    /// Returns the time to wait if the sender has reached the limit.
    pub fn after_event(
        &self,
        sender: UserId,
        refusable: bool,
        now: Timestamp,
        limit: Option<FloodLimit>,
    ) -> Result<Self, Duration> {
        match limit {
            None => Ok(self.clone()),
            Some(_) if sender.is_system() => Ok(self.clone()),
            Some(limit) if refusable => self.after(sender, Counted::Event, now, limit),
            Some(limit) => Ok(self.counting(sender, Counted::Event, now, limit)),
        }
    }

    /// Returns the counts after one more item of `sender` that is written in any case. Drops windows that have ended and, beyond
    /// [`MAX_SENDERS`], the other sender with the lowest count: many who write little do not hide one who writes much.
    #[must_use]
    pub fn counting(&self, sender: UserId, counted: Counted, now: Timestamp, limit: FloodLimit) -> Self {
        let mut counts: Vec<Count> = self.0.iter().copied().filter(|count| count.left(limit, now).is_some()).collect();
        let at = counts.iter().position(|count| count.sender == sender);
        let mut own = at.map_or(Count { sender, since: now, messages: 0, events: 0 }, |at| counts.remove(at));
        match counted {
            Counted::Message => own.messages = own.messages.saturating_add(1),
            Counted::Event => own.events = own.events.saturating_add(1),
        }
        while counts.len() >= MAX_SENDERS {
            let weight = |count: &Count| u64::from(count.messages) + u64::from(count.events);
            // The first of equals has written least recently.
            let Some(lowest) = (0..counts.len()).min_by_key(|at| weight(&counts[*at])) else { break };
            counts.remove(lowest);
        }
        counts.push(own);
        Self(counts)
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
        FloodLimit::new(3, 2, Duration::from_secs(10)).unwrap()
    }

    /// A conversation to which users send messages at given seconds.
    #[derive(Default)]
    struct TestConversation(RecentSenders);

    impl TestConversation {
        fn send(&mut self, sender: u128, second: i64) -> Result<(), Duration> {
            self.write(sender, Counted::Message, second)
        }

        fn write(&mut self, sender: u128, counted: Counted, second: i64) -> Result<(), Duration> {
            self.0 = self.0.after(user(sender), counted, Timestamp::from_epoch_millis(1000 * second), limit())?;
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
    fn beyond_the_maximum_the_sender_with_the_lowest_count_is_dropped() {
        let mut conversation = TestConversation::default();
        for _ in 0..3 {
            conversation.send(1, 0).unwrap();
        }
        for sender in 2..=8 {
            conversation.send(sender, 1).unwrap();
        }
        for helper in 9..=30 {
            conversation.send(helper, 1).unwrap();
            assert!(conversation.send(1, 1).is_err(), "helpers do not hide a sender's count");
            assert_eq!(conversation.0.0.len(), MAX_SENDERS);
        }
        let kept: Vec<UserId> = conversation.0.0.iter().map(|count| count.sender).collect();
        assert_eq!(kept[1..], (24..=30).map(user).collect::<Vec<_>>(), "of equals the most recent ones are kept");
    }

    #[test]
    fn messages_and_events_have_limits_of_their_own_in_one_window() {
        let mut conversation = TestConversation::default();
        for _ in 0..2 {
            conversation.write(1, Counted::Event, 0).unwrap();
        }
        assert_eq!(conversation.write(1, Counted::Event, 4), Err(Duration::from_secs(6)));
        for _ in 0..3 {
            assert_eq!(conversation.send(1, 4), Ok(()));
        }
        assert_eq!(conversation.send(1, 4), Err(Duration::from_secs(6)));
        let now = Timestamp::from_epoch_millis(4_000);
        let counted = conversation.0.counting(user(1), Counted::Event, now, limit());
        assert_eq!(counted.0[0].events, 3, "an item that is never refused counts all the same");
        assert_eq!(conversation.write(1, Counted::Event, 10), Ok(()));
    }

    #[test]
    fn system_is_not_limited() {
        let (now, none) = (Timestamp::from_epoch_millis(0), RecentSenders::default());
        for refusable in [false, true] {
            assert_eq!(none.after_event(UserId::SYSTEM, refusable, now, Some(limit())), Ok(none.clone()));
        }
        assert_eq!(none.after(UserId::SYSTEM, Counted::Message, now, limit()), Ok(none.clone()));
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
        assert_eq!(FloodLimit::new(0, 0, Duration::from_secs(10)), None);
        assert_eq!(FloodLimit::new(3, 3, Duration::ZERO), None);
        let events = FloodLimit::new(0, 1, Duration::from_secs(10)).unwrap();
        let mut counts = RecentSenders::default();
        for _ in 0..100 {
            counts = counts.after(user(1), Counted::Message, Timestamp::from_epoch_millis(0), events).unwrap();
        }
        counts = counts.after(user(1), Counted::Event, Timestamp::from_epoch_millis(0), events).unwrap();
        assert!(counts.after(user(1), Counted::Event, Timestamp::from_epoch_millis(0), events).is_err());
    }

    #[test]
    fn counts_are_stored_with_short_field_names() {
        let at = Timestamp::from_epoch_millis(5);
        for (counted, expected) in [
            (Counted::Message, serde_json::json!([{"u": user(1), "s": 5, "n": 1}])),
            (Counted::Event, serde_json::json!([{"u": user(1), "s": 5, "n": 0, "e": 1}])),
        ] {
            let counts = RecentSenders::default().after(user(1), counted, at, limit()).unwrap();
            let json = serde_json::to_value(&counts).unwrap();
            assert_eq!(json, expected);
            assert_eq!(serde_json::from_value::<RecentSenders>(json).unwrap(), counts);
        }
    }
}
