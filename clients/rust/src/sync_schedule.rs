//! The schedule of syncs: after connecting, a little later, at intervals, and after a gap.

use std::collections::{BTreeMap, BTreeSet};

use domain::protocol::sync::MAX_CONVERSATIONS;
use domain::{ConversationId, Seq};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Pace;
use crate::back_off::full_jitter;

/// The subject of a sync frame.
#[derive(Debug, Clone)]
pub(crate) enum SyncSubject {
    /// A page of the list of conversations, after this cursor.
    List(Option<ConversationId>),
    /// The items after the cursors of these conversations.
    Conversations(Vec<ConversationId>),
}

/// The schedule of sync frames, one in flight at a time: answers are large, and each frame continues where the last answer
/// ended.
#[derive(Debug)]
pub(crate) struct SyncSchedule {
    needed: BTreeSet<ConversationId>,
    /// The cursor at which the list continues, if it was requested.
    #[allow(clippy::option_option, reason = "not needed, needed from the beginning, needed from a cursor")]
    list: Option<Option<ConversationId>>,
    in_flight: Option<(SyncSubject, Instant)>,
    frames: u64,
    failures: u32,
    not_before: Instant,
    /// The next whole syncs.
    second: Option<Instant>,
    next: Instant,
}

impl SyncSchedule {
    pub(crate) fn new(now: Instant) -> Self {
        let (needed, list, in_flight, second) = (BTreeSet::new(), None, None, None);
        Self { needed, list, in_flight, frames: 0, failures: 0, not_before: now, second, next: now }
    }

    /// A connection is up.
    pub(crate) fn connected(&mut self, now: Instant, pace: &Pace) {
        self.need_everything();
        self.in_flight = None;
        self.not_before = now;
        self.second = Some(now + pace.second_sync);
        self.next = now + pace.sync_every;
    }

    /// Returns true if nothing is left to sync now.
    pub(crate) fn is_done(&self) -> bool {
        self.list.is_none() && self.needed.is_empty() && self.in_flight.is_none()
    }

    /// Lists all conversations, including those that the client does not know yet.
    pub(crate) fn need_everything(&mut self) {
        self.list = Some(None);
    }

    pub(crate) fn need(&mut self, conversation: ConversationId) {
        self.needed.insert(conversation);
    }

    /// Returns the time of the next sync.
    pub(crate) fn due(&self) -> Instant {
        let waiting = match &self.in_flight {
            Some((_, until)) => Some(*until),
            None => (self.list.is_some() || !self.needed.is_empty()).then_some(self.not_before),
        };
        waiting.into_iter().chain(self.second).chain([self.next]).min().unwrap_or(self.next)
    }

    /// The frame to send, if it is time.
    pub(crate) fn frame(
        &mut self,
        now: Instant,
        pace: &Pace,
        cursors: &BTreeMap<ConversationId, Seq>,
    ) -> Option<Value> {
        if self.second.is_some_and(|at| at <= now) {
            self.second = None;
            self.need_everything();
        }
        if self.next <= now {
            self.next = now + pace.sync_every;
            self.need_everything();
        }
        if self.in_flight.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.failed(now, None, pace);
        }
        if self.in_flight.is_some() || self.not_before > now {
            return None;
        }
        self.frames += 1;
        let id = format!("sync/{}", self.frames);
        let until = now + pace.answer;
        if let Some(from) = self.list.take() {
            self.in_flight = Some((SyncSubject::List(from), until));
            return Some(match from {
                Some(from) => json!({"action": "sync", "id": id, "cursor": from}),
                None => json!({"action": "sync", "id": id}),
            });
        }
        let batch: Vec<ConversationId> = self.needed.iter().copied().take(MAX_CONVERSATIONS).collect();
        if batch.is_empty() {
            return None;
        }
        self.needed.retain(|id| !batch.contains(id));
        let cursor = |id: &ConversationId| cursors.get(id).copied().unwrap_or_default();
        let after: BTreeMap<_, Seq> = batch.iter().map(|id| (*id, cursor(id))).collect();
        self.in_flight = Some((SyncSubject::Conversations(batch), until));
        Some(json!({"action": "sync", "id": id, "cursors": after}))
    }

    /// Returns the subject of the answered frame; `None` if its answer is not awaited any more.
    pub(crate) fn answered(&mut self, frame: &str) -> Option<SyncSubject> {
        if frame != format!("sync/{}", self.frames) {
            return None;
        }
        self.failures = 0;
        self.in_flight.take().map(|(subject, _)| subject)
    }

    /// A page of the list was not the last.
    pub(crate) fn list_from(&mut self, cursor: ConversationId) {
        // Unless a new list from the beginning was requested.
        self.list.get_or_insert(Some(cursor));
    }

    /// Schedules the failed sync again, a while from `now`, and not before the server allows it.
    pub(crate) fn failed(&mut self, now: Instant, retry_after: Option<std::time::Duration>, pace: &Pace) {
        match self.in_flight.take() {
            Some((SyncSubject::List(from), _)) => {
                self.list.get_or_insert(from);
            }
            Some((SyncSubject::Conversations(batch), _)) => self.needed.extend(batch),
            None => return,
        }
        let wait = full_jitter(self.failures, pace.retry.0, pace.retry.1);
        self.failures += 1;
        self.not_before = now + retry_after.unwrap_or_default() + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_synced_after_connecting_and_again_later() {
        let (pace, now, cursors) = (Pace::default(), Instant::now(), BTreeMap::new());
        let mut syncs = SyncSchedule::new(now);
        syncs.connected(now, &pace);
        assert_eq!(syncs.frame(now, &pace, &cursors).unwrap(), json!({"action": "sync", "id": "sync/1"}));
        assert!(syncs.frame(now, &pace, &cursors).is_none(), "one at a time");
        assert!(matches!(syncs.answered("sync/1"), Some(SyncSubject::List(None))));
        assert_eq!(syncs.due(), now + pace.second_sync);
        assert!(syncs.frame(now + pace.second_sync, &pace, &cursors).is_some());
    }

    #[test]
    fn unanswered_requests_are_repeated() {
        let (pace, now, id) = (Pace::default(), Instant::now(), ConversationId::generate());
        let cursors = BTreeMap::from([(id, Seq(4))]);
        let mut syncs = SyncSchedule::new(now);
        syncs.next = now + pace.sync_every;
        syncs.need(id);
        assert_eq!(syncs.frame(now, &pace, &cursors).unwrap()["cursors"], json!({id.to_string(): 4}));
        let later = now + pace.answer + pace.retry.1;
        syncs.frame(now + pace.answer, &pace, &cursors);
        let again = syncs.frame(later, &pace, &cursors);
        assert!(again.is_some() || syncs.in_flight.is_some());
        assert!(syncs.answered("sync/1").is_none(), "the earlier request is not awaited any more");
    }
}
