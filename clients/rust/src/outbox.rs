//! Messages to send.
//!
//! A message is sent with the cursor of that moment, and resent with the same `after_seq` until it is answered: the server
//! finds every earlier attempt after that seq. Only one message per conversation is in flight, so that a sender's messages keep
//! their order.
//!
//! Only the error `behind` changes the `after_seq` of a message, and only after a sync up to the new one has not found the
//! message: an attempt whose answer was lost may have succeeded. An attempt in progress cannot write below the synced seq, and
//! the next attempt reads what it writes above.

use std::collections::{BTreeMap, VecDeque};

use domain::file::Attachment;
use domain::protocol::{Answer, ErrorBody, Sent};
use domain::{ClientMessageId, ConversationId, ErrorCode, Message, Seq};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Pace;
use crate::back_off::full_jitter;

/// Reasons for which the client stops sending a message. Until then it resends the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server refuses it permanently.
    #[error("{:?}: {}", .0.code, .0.message)]
    Refused(ErrorBody),
    /// The client was stopped: the message may or may not have been appended.
    #[error("the client has stopped")]
    Stopped,
}

/// The channel that a caller of `send` waits for.
pub(crate) type Outcome = oneshot::Sender<Result<Sent, SendError>>;

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The text; empty only with attachments.
    pub text: String,
    /// The message that this one answers.
    pub reply_to_seq: Option<Seq>,
    /// Ready files of the user, uploaded to the same conversation.
    pub attachments: Vec<Attachment>,
}

#[derive(Debug)]
struct Outgoing {
    id: ClientMessageId,
    draft: Draft,
    /// From the first attempt on.
    after_seq: Option<Seq>,
    attempts: u32,
    stage: Stage,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// To be sent from then on.
    Ready(Instant),
    /// Sent; the answer is expected until then.
    InFlight(Instant),
    /// Not before the conversation has been synced to its head.
    Behind,
}

/// The next step after an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum NextStep {
    /// The conversation must be synced before the next message can be sent.
    Sync(ConversationId),
    /// The message was appended. The server does not push it to the connection that sent it.
    Delivered { id: ClientMessageId, draft: Draft, sent: Sent },
}

/// By conversation, first in, first out; only the first of each is on its way.
#[derive(Debug, Default)]
pub(crate) struct Outbox(BTreeMap<ConversationId, VecDeque<Outgoing>>);

impl Outbox {
    pub(crate) fn add(&mut self, conversation: ConversationId, draft: Draft, now: Instant, outcome: Outcome) {
        let id = ClientMessageId(Uuid::new_v4());
        let outgoing = Outgoing { id, draft, after_seq: None, attempts: 0, stage: Stage::Ready(now), outcome };
        self.0.entry(conversation).or_default().push_back(outgoing);
    }

    /// Returns the time of the next step.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = |queue: &VecDeque<Outgoing>| match queue.front()?.stage {
            Stage::Ready(at) | Stage::InFlight(at) => Some(at),
            Stage::Behind => None,
        };
        self.0.values().filter_map(due).min()
    }

    /// The frames to send, for conversations with these cursors.
    pub(crate) fn frames(&mut self, now: Instant, pace: &Pace, cursor: impl Fn(ConversationId) -> Seq) -> Vec<Value> {
        let mut frames = Vec::new();
        for (conversation, queue) in &mut self.0 {
            let Some(first) = queue.front_mut() else { continue };
            match first.stage {
                Stage::Ready(at) if at <= now => {}
                Stage::InFlight(until) if until <= now => {}
                _ => continue,
            }
            first.attempts += 1;
            first.stage = Stage::InFlight(now + pace.answer);
            let after_seq = *first.after_seq.get_or_insert_with(|| cursor(*conversation));
            let Draft { text, reply_to_seq, attachments } = &first.draft;
            let mut frame = json!({
                "action": "send", "id": format!("send/{}/{}", first.id, first.attempts),
                "conversation_id": conversation, "client_message_id": first.id, "after_seq": after_seq, "text": text,
            });
            if let Some(seq) = reply_to_seq {
                frame["reply_to_seq"] = json!(seq);
            }
            if !attachments.is_empty() {
                frame["attachment_ids"] = attachments.iter().map(|file| json!(file.file_id)).collect();
            }
            frames.push(frame);
        }
        frames
    }

    /// Handles the answer to a frame and returns the next step.
    pub(crate) fn answered(&mut self, frame: &str, answer: Answer, now: Instant, pace: &Pace) -> Option<NextStep> {
        let mut parts = frame.strip_prefix("send/")?.split('/');
        let id: ClientMessageId = parts.next()?.parse().ok()?;
        let attempt: u32 = parts.next()?.parse().ok()?;
        let (conversation, first) = self.front(id)?;
        match answer {
            Answer::Sent(sent) => {
                let draft = std::mem::take(&mut first.draft);
                self.finish(conversation, Ok(sent.clone()));
                return Some(NextStep::Delivered { id, draft, sent });
            }
            // A later attempt is in progress, and its answer decides.
            Answer::Error { .. } if attempt < first.attempts => {}
            Answer::Error { error } if error.code == ErrorCode::Behind => {
                first.stage = Stage::Behind;
                return Some(NextStep::Sync(conversation));
            }
            Answer::Error { error } if error.retryable || error.code == ErrorCode::TokenExpired => {
                let requested = std::time::Duration::from_millis(error.retry_after_ms.unwrap_or_default());
                first.stage = Stage::Ready(now + requested + full_jitter(first.attempts, pace.retry.0, pace.retry.1));
            }
            Answer::Error { error } => self.finish(conversation, Err(SendError::Refused(error))),
            _ => tracing::warn!(request_id = frame, "the answer to a send has an unexpected type"),
        }
        None
    }

    /// Schedules the messages in flight for a retry: the connection has ended.
    pub(crate) fn interrupted(&mut self, now: Instant, pace: &Pace) {
        for first in self.0.values_mut().filter_map(VecDeque::front_mut) {
            if let Stage::InFlight(_) = first.stage {
                first.stage = Stage::Ready(now + full_jitter(first.attempts, pace.retry.0, pace.retry.1));
            }
        }
    }

    /// Handles an item of the log, which may be the first message itself if its answer was lost.
    pub(crate) fn seen(&mut self, message: &Message) {
        // Only the sender receives these.
        let Some(id) = message.client_message_id else { return };
        if self.front(id).is_some() {
            self.finish(message.conversation_id, Ok(Sent::of(message, true)));
        }
    }

    /// Handles the end of a sync up to the head: messages that were `behind` and not found are sent with the new cursor.
    pub(crate) fn caught_up(&mut self, conversation: ConversationId, cursor: Seq, now: Instant) {
        if let Some(first) = self.0.get_mut(&conversation).and_then(VecDeque::front_mut)
            && first.stage == Stage::Behind
        {
            first.after_seq = Some(cursor);
            first.stage = Stage::Ready(now);
        }
    }

    fn front(&mut self, id: ClientMessageId) -> Option<(ConversationId, &mut Outgoing)> {
        let fronts = self.0.iter_mut().filter_map(|(conversation, queue)| Some((*conversation, queue.front_mut()?)));
        fronts.into_iter().find(|(_, first)| first.id == id)
    }

    fn finish(&mut self, conversation: ConversationId, outcome: Result<Sent, SendError>) {
        if let Some(queue) = self.0.get_mut(&conversation) {
            if let Some(first) = queue.pop_front() {
                // The caller may have stopped waiting.
                let _ = first.outcome.send(outcome);
            }
            if queue.is_empty() {
                self.0.remove(&conversation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft { text: "hi".to_owned(), ..Draft::default() }
    }

    fn error(code: ErrorCode) -> Answer {
        let retryable = code.retryable();
        Answer::Error {
            error: ErrorBody {
                code,
                message: String::new(),
                retryable,
                retry_after_ms: None,
                request_id: String::new(),
            },
        }
    }

    #[test]
    fn resends_keep_after_seq_until_behind_and_synced() {
        let (mut outbox, pace, now) = (Outbox::default(), Pace::default(), Instant::now());
        let conversation = ConversationId::generate();
        outbox.add(conversation, draft(), now, oneshot::channel().0);
        let first = outbox.frames(now, &pace, |_| Seq(7)).remove(0);
        assert!(outbox.frames(now, &pace, |_| Seq(9)).is_empty(), "the message waits for its answer");
        let later = now + pace.answer;
        let second = outbox.frames(later, &pace, |_| Seq(9)).remove(0);
        for field in ["client_message_id", "after_seq", "text"] {
            assert_eq!(first[field], second[field]);
        }
        assert_eq!(outbox.answered(first["id"].as_str().unwrap(), error(ErrorCode::Behind), later, &pace), None);
        let step = outbox.answered(second["id"].as_str().unwrap(), error(ErrorCode::Behind), later, &pace);
        assert_eq!((step, outbox.due()), (Some(NextStep::Sync(conversation)), None));
        outbox.caught_up(conversation, Seq(600), later);
        assert_eq!(outbox.frames(later, &pace, |_| Seq(700))[0]["after_seq"], 600);
    }

    #[test]
    fn refused_messages_are_given_up_and_busy_ones_resent() {
        let (mut outbox, pace, now) = (Outbox::default(), Pace::default(), Instant::now());
        let (outcome, mut refused) = oneshot::channel();
        outbox.add(ConversationId::generate(), draft(), now, outcome);
        let frame = outbox.frames(now, &pace, |_| Seq(1)).remove(0);
        outbox.answered(frame["id"].as_str().unwrap(), error(ErrorCode::Busy), now, &pace);
        let frame = outbox.frames(now + pace.retry.1, &pace, |_| Seq(1)).remove(0);
        assert!(refused.try_recv().is_err());
        outbox.answered(frame["id"].as_str().unwrap(), error(ErrorCode::NotAMember), now, &pace);
        assert!(matches!(refused.try_recv(), Ok(Err(SendError::Refused(_)))));
        assert_eq!(outbox.due(), None);
    }
}
