//! Subscriptions to public conversations. They end with their connection, so they are renewed on every connection.
//!
//! One frame at a time for each conversation: two concurrent ones may be executed in any order.

use std::collections::{BTreeMap, BTreeSet};

use domain::ConversationId;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Pace;
use crate::back_off::full_jitter;

/// The outcome of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// It may be so another time.
    Failed,
    /// It will not be so.
    Refused,
}

/// A subscription, or its end, that the server has not confirmed yet.
#[derive(Debug)]
struct DesiredSubscription {
    /// Number of the frame that has not been answered, and whether it opens.
    in_flight: Option<(u64, bool)>,
    /// Time at which to send the frame, or to resend it.
    due: Instant,
    failures: u32,
}

/// The desired subscriptions, and the ones that are not confirmed yet.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    open: BTreeSet<ConversationId>,
    unconfirmed: BTreeMap<ConversationId, DesiredSubscription>,
    frames: u64,
}

impl Subscriptions {
    /// Opens or closes a conversation, on this connection and all that follow.
    pub(crate) fn set(&mut self, conversation: ConversationId, open: bool, now: Instant) {
        let changed = if open { self.open.insert(conversation) } else { self.open.remove(&conversation) };
        if changed {
            self.unconfirmed.entry(conversation).or_insert(DesiredSubscription {
                in_flight: None,
                due: now,
                failures: 0,
            });
        }
    }

    /// A connection is up, on which nothing is open.
    pub(crate) fn connected(&mut self, now: Instant) {
        let desired = |id: &ConversationId| (*id, DesiredSubscription { in_flight: None, due: now, failures: 0 });
        self.unconfirmed = self.open.iter().map(desired).collect();
    }

    /// Returns the time of the next frame.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.unconfirmed.values().map(|desired| desired.due).min()
    }

    /// Returns the frames to send now.
    pub(crate) fn frames(&mut self, now: Instant, pace: &Pace) -> Vec<Value> {
        let mut frames = Vec::new();
        for (id, desired) in self.unconfirmed.iter_mut().filter(|(_, desired)| desired.due <= now) {
            let open = self.open.contains(id);
            self.frames += 1;
            desired.in_flight = Some((self.frames, open));
            desired.due = now + pace.answer;
            let action = if open { "open" } else { "close" };
            frames
                .push(json!({"action": action, "id": format!("subscription/{}", self.frames), "conversation_id": id}));
        }
        frames
    }

    /// Records the answer to a frame. Returns a conversation that is subscribed from now on: its earlier items have to be
    /// synced.
    pub(crate) fn answered(
        &mut self,
        frame: &str,
        outcome: Outcome,
        now: Instant,
        pace: &Pace,
    ) -> Option<ConversationId> {
        let number: u64 = frame.strip_prefix("subscription/")?.parse().ok()?;
        let in_flight = |desired: &DesiredSubscription| desired.in_flight.filter(|(sent, _)| *sent == number);
        let (id, opens) = self.unconfirmed.iter().find_map(|(id, desired)| Some((*id, in_flight(desired)?.1)))?;
        let desired = self.unconfirmed.get_mut(&id)?;
        desired.in_flight = None;
        match outcome {
            Outcome::Failed => {
                desired.due = now + full_jitter(desired.failures, pace.retry.0, pace.retry.1);
                desired.failures += 1;
                return None;
            }
            // The desired state changed meanwhile.
            _ if opens != self.open.contains(&id) => {
                desired.due = now;
                return None;
            }
            Outcome::Refused => {
                self.open.remove(&id);
            }
            Outcome::Accepted => {}
        }
        self.unconfirmed.remove(&id);
        (opens && outcome == Outcome::Accepted).then_some(id)
    }

    /// No answer is to be expected any more.
    pub(crate) fn interrupted(&mut self, now: Instant, pace: &Pace) {
        for desired in self.unconfirmed.values_mut().filter(|desired| desired.in_flight.is_some()) {
            desired.in_flight = None;
            desired.due = now + full_jitter(desired.failures, pace.retry.0, pace.retry.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(frames: &[Value]) -> Vec<(&str, &str)> {
        frames.iter().map(|frame| (frame["action"].as_str().unwrap(), frame["id"].as_str().unwrap())).collect()
    }

    #[test]
    fn subscriptions_are_renewed_on_every_connection() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut subscriptions = Subscriptions::default();
        subscriptions.set(id, true, now);
        subscriptions.set(id, true, now);
        assert_eq!(actions(&subscriptions.frames(now, &pace)), [("open", "subscription/1")]);
        assert!(subscriptions.frames(now, &pace).is_empty());
        assert_eq!(subscriptions.answered("subscription/1", Outcome::Accepted, now, &pace), Some(id));
        assert_eq!(
            (subscriptions.answered("subscription/1", Outcome::Accepted, now, &pace), subscriptions.due()),
            (None, None)
        );
        subscriptions.connected(now);
        assert_eq!(actions(&subscriptions.frames(now, &pace)), [("open", "subscription/2")]);
        subscriptions.set(id, false, now);
        subscriptions.connected(now);
        assert!(subscriptions.frames(now, &pace).is_empty());
    }

    #[test]
    fn close_waits_for_the_answer_to_open() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut subscriptions = Subscriptions::default();
        subscriptions.set(id, true, now);
        subscriptions.frames(now, &pace);
        subscriptions.set(id, false, now);
        assert!(subscriptions.frames(now, &pace).is_empty(), "close could overtake open");
        assert_eq!(subscriptions.answered("subscription/1", Outcome::Accepted, now, &pace), None);
        assert_eq!(actions(&subscriptions.frames(now, &pace)), [("close", "subscription/2")]);
        assert_eq!(
            (subscriptions.answered("subscription/2", Outcome::Accepted, now, &pace), subscriptions.due()),
            (None, None)
        );
    }

    #[test]
    fn failed_frames_are_repeated_and_refused_ones_are_not() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut subscriptions = Subscriptions::default();
        subscriptions.set(id, true, now);
        subscriptions.frames(now, &pace);
        subscriptions.interrupted(now, &pace);
        let later = now + pace.retry.1;
        assert_eq!(actions(&subscriptions.frames(later, &pace)), [("open", "subscription/2")]);
        assert_eq!(subscriptions.answered("subscription/2", Outcome::Failed, later, &pace), None);
        let later = later + pace.retry.1;
        assert_eq!(actions(&subscriptions.frames(later, &pace)), [("open", "subscription/3")]);
        let later = later + pace.answer;
        assert_eq!(
            actions(&subscriptions.frames(later, &pace)),
            [("open", "subscription/4")],
            "the frame was not answered"
        );
        assert_eq!(
            (subscriptions.answered("subscription/4", Outcome::Refused, later, &pace), subscriptions.due()),
            (None, None)
        );
        subscriptions.connected(later);
        assert_eq!(subscriptions.due(), None);
    }
}
