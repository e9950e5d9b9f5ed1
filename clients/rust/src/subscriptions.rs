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

/// A conversation of which the server does not know yet what is wanted.
#[derive(Debug)]
struct Wish {
    /// Number of the frame that has not been answered, and whether it opens.
    asked: Option<(u64, bool)>,
    /// Time at which to send the frame, or to resend it.
    due: Instant,
    failures: u32,
}

/// The desired subscriptions, and those to report.
#[derive(Debug, Default)]
pub(crate) struct Subscribing {
    open: BTreeSet<ConversationId>,
    wishes: BTreeMap<ConversationId, Wish>,
    frames: u64,
}

impl Subscribing {
    /// Opens or closes a conversation, on this connection and all that follow.
    pub(crate) fn look(&mut self, conversation: ConversationId, open: bool, now: Instant) {
        let changed = if open { self.open.insert(conversation) } else { self.open.remove(&conversation) };
        if changed {
            self.wishes.entry(conversation).or_insert(Wish { asked: None, due: now, failures: 0 });
        }
    }

    /// A connection is up, on which nothing is open.
    pub(crate) fn connected(&mut self, now: Instant) {
        let wish = |id: &ConversationId| (*id, Wish { asked: None, due: now, failures: 0 });
        self.wishes = self.open.iter().map(wish).collect();
    }

    /// Returns the time of the next frame.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.wishes.values().map(|wish| wish.due).min()
    }

    /// Returns the frames to send now.
    pub(crate) fn frames(&mut self, now: Instant, pace: &Pace) -> Vec<Value> {
        let mut frames = Vec::new();
        for (id, wish) in self.wishes.iter_mut().filter(|(_, wish)| wish.due <= now) {
            let open = self.open.contains(id);
            self.frames += 1;
            wish.asked = Some((self.frames, open));
            wish.due = now + pace.answer;
            let action = if open { "open" } else { "close" };
            frames.push(json!({"action": action, "id": format!("look/{}", self.frames), "conversation_id": id}));
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
        let number: u64 = frame.strip_prefix("look/")?.parse().ok()?;
        let asked = |wish: &Wish| wish.asked.filter(|(asked, _)| *asked == number);
        let (id, opens) = self.wishes.iter().find_map(|(id, wish)| Some((*id, asked(wish)?.1)))?;
        let wish = self.wishes.get_mut(&id)?;
        wish.asked = None;
        match outcome {
            Outcome::Failed => {
                wish.due = now + full_jitter(wish.failures, pace.retry.0, pace.retry.1);
                wish.failures += 1;
                return None;
            }
            // Wanted otherwise in the meantime.
            _ if opens != self.open.contains(&id) => {
                wish.due = now;
                return None;
            }
            Outcome::Refused => {
                self.open.remove(&id);
            }
            Outcome::Accepted => {}
        }
        self.wishes.remove(&id);
        (opens && outcome == Outcome::Accepted).then_some(id)
    }

    /// No answer is to be expected any more.
    pub(crate) fn interrupted(&mut self, now: Instant, pace: &Pace) {
        for wish in self.wishes.values_mut().filter(|wish| wish.asked.is_some()) {
            wish.asked = None;
            wish.due = now + full_jitter(wish.failures, pace.retry.0, pace.retry.1);
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
    fn what_is_open_is_opened_on_every_connection() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut looking = Subscribing::default();
        looking.look(id, true, now);
        looking.look(id, true, now);
        assert_eq!(actions(&looking.frames(now, &pace)), [("open", "look/1")]);
        assert!(looking.frames(now, &pace).is_empty());
        assert_eq!(looking.answered("look/1", Outcome::Accepted, now, &pace), Some(id));
        assert_eq!((looking.answered("look/1", Outcome::Accepted, now, &pace), looking.due()), (None, None));
        looking.connected(now);
        assert_eq!(actions(&looking.frames(now, &pace)), [("open", "look/2")]);
        looking.look(id, false, now);
        looking.connected(now);
        assert!(looking.frames(now, &pace).is_empty());
    }

    #[test]
    fn one_frame_waits_for_the_other() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut looking = Subscribing::default();
        looking.look(id, true, now);
        looking.frames(now, &pace);
        looking.look(id, false, now);
        assert!(looking.frames(now, &pace).is_empty(), "it could overtake");
        assert_eq!(looking.answered("look/1", Outcome::Accepted, now, &pace), None);
        assert_eq!(actions(&looking.frames(now, &pace)), [("close", "look/2")]);
        assert_eq!((looking.answered("look/2", Outcome::Accepted, now, &pace), looking.due()), (None, None));
    }

    #[test]
    fn what_failed_is_said_again_and_what_was_refused_is_not() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let mut looking = Subscribing::default();
        looking.look(id, true, now);
        looking.frames(now, &pace);
        looking.interrupted(now, &pace);
        let later = now + pace.retry.1;
        assert_eq!(actions(&looking.frames(later, &pace)), [("open", "look/2")]);
        assert_eq!(looking.answered("look/2", Outcome::Failed, later, &pace), None);
        let later = later + pace.retry.1;
        assert_eq!(actions(&looking.frames(later, &pace)), [("open", "look/3")]);
        let later = later + pace.answer;
        assert_eq!(actions(&looking.frames(later, &pace)), [("open", "look/4")], "it was not answered");
        assert_eq!((looking.answered("look/4", Outcome::Refused, later, &pace), looking.due()), (None, None));
        looking.connected(later);
        assert_eq!(looking.due(), None);
    }
}
