//! Messages to send.
//!
//! One send frame per conversation is under way, so that a sender's messages keep their order. It carries everything that was said
//! while the frame before it was under way: a batch, as far as it fits. So the busier a conversation, the cheaper each message.
//!
//! A batch is sent with the cursor of that moment, and its messages are resent with the same `after_seq` until each is answered:
//! the server finds every earlier attempt after that seq. A resend carries the messages of the batch that have no seq yet and no
//! others, so each message has had one `after_seq` from its first attempt on. The server writes them in order, so what is
//! answered is the beginning of the batch.
//!
//! Only the error `behind` changes the `after_seq` of messages, and only after a sync up to the new one has not found them: an
//! attempt whose answer was lost may have succeeded. An attempt in progress cannot write below the synced seq, and the next
//! attempt reads what it writes above.
//!
//! A batch that the server refuses for good is sent again message by message, so that each gets a verdict of its own. A server
//! that knows no batches is served by this as well.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::file::Attachment;
use domain::protocol::{Answer, ErrorBody, MAX_BATCH_MESSAGES, Sent, SentAnswer, SentBatch};
use domain::{ClientMessageId, ConversationId, Custom, ErrorCode, Message, Seq};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Pace;
use crate::back_off::full_jitter;

#[cfg(test)]
mod tests;

/// Most bytes of the messages of a batch. API Gateway takes frames of up to 32 KB, and bills each started 32 KB.
const MAX_BATCH_BYTES: usize = 31 * 1024;

/// Reasons for which the client stops sending a message. Until then it resends the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server refuses it permanently.
    #[error("{:?}: {}", .0.code, .0.detail)]
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
    /// What the app adds; at most 4 KB.
    pub custom: Option<Custom>,
}

#[derive(Debug)]
struct Outgoing {
    id: ClientMessageId,
    draft: Draft,
    added: Instant,
    outcome: Outcome,
}

/// The messages to one conversation, first in, first out.
#[derive(Debug)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// Number of the first messages that were sent: the batch, without those that are settled.
    batch: usize,
    /// `after_seq` of the batch; zero without a batch.
    after_seq: Seq,
    /// True once the server has refused the batch: its messages are sent one by one.
    one_by_one: bool,
    /// Attempts since the last one that settled a message.
    attempts: u32,
    /// Number of the newest frame.
    frame: u64,
    stage: Stage,
}

/// The stage of the first messages of a conversation.
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

/// The messages of all conversations; only one frame of each is on its way.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queues: BTreeMap<ConversationId, Queue>,
    frames: u64,
}

impl Outbox {
    pub(crate) fn add(&mut self, conversation: ConversationId, draft: Draft, now: Instant, outcome: Outcome) {
        let outgoing = Outgoing { id: ClientMessageId(Uuid::new_v4()), draft, added: now, outcome };
        self.queues.entry(conversation).or_insert_with(|| Queue::new(now)).messages.push_back(outgoing);
    }

    /// Returns the time of the next step.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = |queue: &Queue| match queue.stage {
            Stage::Ready(at) | Stage::InFlight(at) => Some(at),
            Stage::Behind => None,
        };
        self.queues.values().filter_map(due).min()
    }

    /// The frames to send, for conversations with these cursors.
    pub(crate) fn frames(&mut self, now: Instant, pace: &Pace, cursor: impl Fn(ConversationId) -> Seq) -> Vec<Value> {
        let mut frames = Vec::new();
        for (conversation, queue) in &mut self.queues {
            match queue.stage {
                Stage::Ready(at) | Stage::InFlight(at) if at <= now => {}
                _ => continue,
            }
            if queue.batch == 0 {
                queue.begin_batch(cursor(*conversation));
            }
            self.frames += 1;
            (queue.frame, queue.attempts) = (self.frames, queue.attempts + 1);
            queue.stage = Stage::InFlight(now + pace.answer);
            frames.push(queue.write(*conversation));
        }
        frames
    }

    /// Handles the answer to a frame and returns the next steps.
    pub(crate) fn answered(&mut self, frame: &str, answer: Answer, now: Instant, pace: &Pace) -> Vec<NextStep> {
        let mut parts = frame.split('/').skip(1);
        let number: Option<u64> = parts.next().and_then(|number| number.parse().ok());
        match answer {
            Answer::Sent(SentAnswer::One(sent)) => {
                let id = parts.next().and_then(|id| id.parse().ok());
                id.and_then(|id| self.settle(id, sent)).into_iter().collect()
            }
            Answer::Sent(SentAnswer::Batch(SentBatch { conversation_id, messages, error })) => {
                let settled = |entry: &domain::protocol::SentEntry| {
                    self.settle(entry.client_message_id, entry.sent(conversation_id))
                };
                let mut steps: Vec<NextStep> = messages.iter().filter_map(settled).collect();
                steps.extend(error.and_then(|error| self.failed(number, error, now, pace)));
                steps
            }
            Answer::Error { error } => self.failed(number, error, now, pace).into_iter().collect(),
            _ => {
                tracing::warn!(request_id = frame, "the answer to a send has an unexpected type");
                Vec::new()
            }
        }
    }

    /// Handles the error of what has no seq after the answer to a frame.
    fn failed(&mut self, frame: Option<u64>, error: ErrorBody, now: Instant, pace: &Pace) -> Option<NextStep> {
        // If a later attempt is in progress, its answer decides.
        let newest = |(_, queue): &(&ConversationId, &mut Queue)| Some(queue.frame) == frame && queue.batch > 0;
        let (conversation, queue) = self.queues.iter_mut().find(newest)?;
        let conversation = *conversation;
        if error.code == ErrorCode::Behind {
            queue.stage = Stage::Behind;
            return Some(NextStep::Sync(conversation));
        }
        if error.retryable || error.code == ErrorCode::TokenExpired {
            let requested = Duration::from_millis(error.retry_after_ms.unwrap_or_default());
            queue.stage = Stage::Ready(now + requested + full_jitter(queue.attempts, pace.retry.0, pace.retry.1));
        } else if queue.carried() > 1 {
            (queue.one_by_one, queue.stage) = (true, Stage::Ready(now));
        } else {
            self.finish(conversation, 0, Err(SendError::Refused(error)));
        }
        None
    }

    /// Schedules the messages in flight for a retry: the connection has ended.
    pub(crate) fn interrupted(&mut self, now: Instant, pace: &Pace) {
        for queue in self.queues.values_mut() {
            if let Stage::InFlight(_) = queue.stage {
                queue.stage = Stage::Ready(now + full_jitter(queue.attempts, pace.retry.0, pace.retry.1));
            }
        }
    }

    /// Handles an item of the log, which may be a message whose answer was lost.
    pub(crate) fn seen(&mut self, message: &Message) {
        // Only the sender receives these.
        if let Some(id) = message.client_message_id {
            self.settle(id, Sent::of(message, true));
        }
    }

    /// Handles the end of a sync up to the head: messages that were `behind` and not found are sent with the new cursor.
    pub(crate) fn caught_up(&mut self, conversation: ConversationId, cursor: Seq, now: Instant) {
        if let Some(queue) = self.queues.get_mut(&conversation)
            && queue.stage == Stage::Behind
        {
            (queue.after_seq, queue.stage) = (cursor, Stage::Ready(now));
        }
    }

    /// Ends a message of a batch that has its seq; `None` if it is settled already.
    fn settle(&mut self, id: ClientMessageId, sent: Sent) -> Option<NextStep> {
        let index = |queue: &Queue| queue.messages.iter().take(queue.batch).position(|message| message.id == id);
        let (conversation, index) =
            self.queues.iter().find_map(|(conversation, queue)| Some((*conversation, index(queue)?)))?;
        let draft = self.finish(conversation, index, Ok(sent.clone()))?;
        Some(NextStep::Delivered { id, draft, sent })
    }

    /// Removes a message of a batch and tells its caller the outcome.
    fn finish(
        &mut self,
        conversation: ConversationId,
        index: usize,
        outcome: Result<Sent, SendError>,
    ) -> Option<Draft> {
        let queue = self.queues.get_mut(&conversation)?;
        let Outgoing { draft, outcome: caller, .. } = queue.messages.remove(index)?;
        // The caller may have stopped waiting.
        let _ = caller.send(outcome);
        queue.batch -= 1;
        queue.attempts = 0;
        match queue.messages.front() {
            None => drop(self.queues.remove(&conversation)),
            // What follows is another frame.
            Some(next) if queue.batch == 0 || (queue.one_by_one && queue.stage != Stage::Behind) => {
                queue.stage = Stage::Ready(next.added);
            }
            // The answer to the frame is still to come.
            Some(_) => {}
        }
        Some(draft)
    }
}

impl Queue {
    fn new(now: Instant) -> Self {
        let (after_seq, stage) = (Seq::ZERO, Stage::Ready(now));
        Self { messages: VecDeque::new(), batch: 0, after_seq, one_by_one: false, attempts: 0, frame: 0, stage }
    }

    /// Takes the messages that wait, as many as fit in a frame, for a batch.
    fn begin_batch(&mut self, after_seq: Seq) {
        let mut bytes = 0;
        let fits = |message: &&Outgoing| {
            bytes += message.write().to_string().len() + 1;
            bytes <= MAX_BATCH_BYTES
        };
        let fitting = self.messages.iter().take(MAX_BATCH_MESSAGES).take_while(fits).count();
        (self.batch, self.after_seq, self.one_by_one) = (fitting.max(1), after_seq, false);
    }

    /// Returns the number of messages that a frame carries.
    fn carried(&self) -> usize {
        if self.one_by_one { 1 } else { self.batch }
    }

    /// Writes the next frame of the batch.
    fn write(&self, conversation: ConversationId) -> Value {
        let mut carried: Vec<&Outgoing> = self.messages.iter().take(self.carried()).collect();
        let number = self.frame;
        let (id, mut frame) = match (carried.pop(), carried.as_slice()) {
            (Some(only), []) => (format!("send/{number}/{}", only.id), only.write()),
            (last, _) => {
                let messages = carried.into_iter().chain(last).map(Outgoing::write);
                (format!("send/{number}"), json!({"messages": messages.collect::<Vec<_>>()}))
            }
        };
        frame["action"] = json!("send");
        frame["id"] = json!(id);
        frame["conversation_id"] = json!(conversation);
        frame["after_seq"] = json!(self.after_seq);
        frame
    }
}

impl Outgoing {
    fn write(&self) -> Value {
        let Draft { text, reply_to_seq, attachments, custom } = &self.draft;
        let mut message = json!({"client_message_id": self.id, "text": text});
        if let Some(seq) = reply_to_seq {
            message["reply_to_seq"] = json!(seq);
        }
        if !attachments.is_empty() {
            message["attachment_ids"] = attachments.iter().map(|file| json!(file.file_id)).collect();
        }
        if let Some(custom) = custom {
            message["custom"] = json!(custom);
        }
        message
    }
}
