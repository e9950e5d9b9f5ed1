//! This user's own receipts: watermarks that are reported until they are accepted, at a limited rate.

use std::collections::BTreeMap;

use domain::receipt::MAX_RECEIPTS;
use domain::{ConversationId, Seq};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Pace;

/// The receipts of one kind: `action` is `ack` or `read`.
#[derive(Debug)]
pub(crate) struct Receipts {
    action: &'static str,
    /// Watermarks that are not accepted yet.
    pending: BTreeMap<ConversationId, Seq>,
    /// Seq up to which receipts were accepted.
    accepted: BTreeMap<ConversationId, Seq>,
    in_flight: Vec<(ConversationId, Seq)>,
    frames: u64,
    not_before: Instant,
}

impl Receipts {
    pub(crate) fn new(action: &'static str, now: Instant) -> Self {
        let (pending, accepted) = (BTreeMap::new(), BTreeMap::new());
        Self { action, pending, accepted, in_flight: Vec::new(), frames: 0, not_before: now }
    }

    /// Marks everything up to `seq`; a seq below the previous one has no effect.
    pub(crate) fn mark(&mut self, conversation: ConversationId, seq: Seq) {
        if self.accepted.get(&conversation).is_none_or(|accepted| *accepted < seq) {
            let pending = self.pending.entry(conversation).or_insert(seq);
            *pending = seq.max(*pending);
        }
    }

    /// Returns the time of the next report.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.pending.is_empty()).then_some(self.not_before)
    }

    /// Returns the frame to send, if it is time.
    pub(crate) fn frame(&mut self, now: Instant, pace: &Pace) -> Option<Value> {
        if self.due()? > now {
            return None;
        }
        self.in_flight = self.pending.iter().take(MAX_RECEIPTS).map(|(id, seq)| (*id, *seq)).collect();
        self.frames += 1;
        // An answer makes it sooner.
        self.not_before = now + pace.answer;
        let receipt = |(id, seq): &(ConversationId, Seq)| json!({"conversation_id": id, "seq": seq});
        let receipts: Vec<Value> = self.in_flight.iter().map(receipt).collect();
        Some(json!({"action": self.action, "id": format!("{}/{}", self.action, self.frames), "receipts": receipts}))
    }

    /// Records the answer to a frame. `settled` is true for an accepted report, and for a permanently refused one, which is not
    /// repeated.
    pub(crate) fn answered(&mut self, frame: &str, settled: bool, now: Instant, pace: &Pace) {
        if frame != format!("{}/{}", self.action, self.frames) {
            return;
        }
        for (conversation, seq) in std::mem::take(&mut self.in_flight).into_iter().filter(|_| settled) {
            self.accepted.insert(conversation, seq);
            if self.pending.get(&conversation) == Some(&seq) {
                self.pending.remove(&conversation);
            }
        }
        self.not_before = now + pace.receipts;
    }

    /// No answer is to be expected any more.
    pub(crate) fn interrupted(&mut self, now: Instant, pace: &Pace) {
        self.not_before = now + pace.receipts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watermarks_are_reported_together_until_accepted() {
        let (pace, now) = (Pace::default(), Instant::now());
        let (mut acks, conversation) = (Receipts::new("ack", now), ConversationId::generate());
        acks.mark(conversation, Seq(5));
        acks.mark(conversation, Seq(3));
        let frame = acks.frame(now, &pace).unwrap();
        assert_eq!(frame["receipts"], json!([{"conversation_id": conversation, "seq": 5}]));
        assert!(acks.frame(now, &pace).is_none());
        assert!(acks.frame(now + pace.answer, &pace).is_some(), "the frame was not answered");
        acks.answered("ack/1", true, now, &pace);
        assert!(acks.due().is_some(), "the answer was to an older frame");
        acks.answered("ack/2", true, now, &pace);
        acks.mark(conversation, Seq(5));
        assert_eq!(acks.due(), None);
        acks.mark(conversation, Seq(6));
        assert!(acks.frame(now, &pace).is_none(), "at most one frame per interval");
        assert!(acks.frame(now + pace.receipts, &pace).is_some());
    }
}
