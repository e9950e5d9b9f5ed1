//! A correct client: it repeats messages that were not answered, with the same id and the same `after_seq`.
//!
//! What else it does is in the modules below.

pub(crate) mod acknowledge;
pub(crate) mod amend;
pub(crate) mod sync;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use amend::Amended;
use chat::log::Draft;
use domain::reaction::Reactions;
use domain::{ClientMessageId, Content, Receipt, Seq};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::LogItem;
use sync::Synced;

use crate::chaos::sent::{Call, Sent};
use crate::chaos::writer::Answer;
use crate::conversation::{Conversation, random_id};
use crate::executor::{self, Handle, Machine, Name, unless_crashed};
use crate::history::What;
use crate::plan::{Kind, Step};

/// Number of times that a message is sent before its client gives up, which is a violation.
const MAX_ROUNDS: usize = 60;

/// An invocation that crashes has been polled less often than this; one that is let through is polled about so often.
const POLLS: u32 = 24;

/// One of a user's devices.
pub(crate) struct Device {
    pub(crate) number: usize,
    /// Index of its user.
    pub(crate) user: usize,
    pub(crate) conversation: Rc<Conversation>,
    pub(crate) pause: u64,
    /// The highest seq that it has seen.
    pub(crate) seen: u64,
    /// What it has done besides sending.
    pub(crate) done: Done,
}

/// What a device has done.
#[derive(Default)]
pub(crate) struct Done {
    /// Seqs of its own messages.
    accepted: Vec<Seq>,
    /// Everything up to here was read by it.
    cursor: Seq,
    pub(crate) amended: Vec<Amended>,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) synced: Vec<Synced>,
    /// Workers that record its receipts; true if they came to an end.
    workers: Vec<Handle<bool>>,
}

impl Done {
    /// Waits until its receipts are recorded; false if that failed.
    async fn recorded(&mut self) -> bool {
        let mut all = true;
        for worker in self.workers.drain(..) {
            all &= worker.join().await;
        }
        all
    }
}

impl Device {
    /// Sends messages one after the other. Some are sent again, at once or much later, as if the answers had been lost.
    pub(crate) async fn run(mut self, steps: Vec<Step>) -> (Vec<Sent>, Done, bool) {
        let mut all = Vec::with_capacity(steps.len());
        for (message, step) in steps.into_iter().enumerate() {
            let mut rng = StdRng::seed_from_u64(step.seed);
            executor::sleep(Duration::from_millis(rng.random_range(0..=self.pause))).await;
            match step.kind {
                Kind::Amend { .. } => self.amend(&mut rng).await,
                Kind::Acknowledge { .. } => self.acknowledge(&mut rng),
                Kind::Sync { .. } => self.sync(&mut rng).await,
                Kind::Send { .. } | Kind::Change { .. } => {}
            }
            if !matches!(step.kind, Kind::Send { .. }) {
                continue;
            }
            let after = if rng.random_bool(0.5) { rng.random_range(1..=self.seen) } else { self.seen };
            executor::note(What::Sends { after });
            let mut sent = Sent { draft: self.draft(&mut rng, after, message), rounds: vec![] };
            while !sent.is_answered() && sent.rounds.len() < MAX_ROUNDS {
                self.round(&mut rng, message, &mut sent).await;
            }
            if sent.accepted().next().is_some() && rng.random_bool(0.2) {
                self.round(&mut rng, message, &mut sent).await;
            }
            if let Some(accepted) = sent.accepted().next() {
                self.seen = self.seen.max(accepted.item.seq.0);
                self.done.accepted.push(accepted.item.seq);
            } else {
                // The user may be added again meanwhile.
                executor::sleep(Duration::from_millis(rng.random_range(0..=4 * self.pause))).await;
            }
            if rng.random_bool(0.3) {
                self.look(rng.random()).await;
            }
            all.push((rng, sent));
        }
        for (message, (rng, sent)) in all.iter_mut().enumerate() {
            if sent.accepted().next().is_some() && rng.random_bool(0.2) {
                self.round(rng, message, sent).await;
            }
        }
        let recorded = self.done.recorded().await;
        (all.into_iter().map(|(_, sent)| sent).collect(), self.done, recorded)
    }

    /// Learns the head, as if a push had come.
    async fn look(&mut self, consistent: bool) {
        let conversation = &self.conversation;
        if let Ok(Some(head)) = conversation.log.messages.head(conversation.id, consistent).await {
            self.seen = self.seen.max(head.seq.0);
        }
    }

    fn draft(&self, rng: &mut StdRng, after: u64, message: usize) -> Draft {
        let text = format!("{}: {message}", self.number);
        Draft {
            conversation_id: self.conversation.id,
            sender_id: self.conversation.users[self.user],
            client_message_id: ClientMessageId(random_id(rng)),
            after_seq: Some(Seq(after)),
            content: Content::new(text, None, Vec::new()).expect("a short text"),
            attachment_ids: Vec::new(),
        }
    }

    /// Sends it, most often once; some invocations crash, and some begin while another one runs.
    async fn round(&self, rng: &mut StdRng, message: usize, sent: &mut Sent) {
        let times = if rng.random_bool(0.25) { rng.random_range(2..=3) } else { 1 };
        let calls = (0..times).map(|call| {
            let crash = rng.random_bool(0.25).then(|| rng.random_range(1..POLLS));
            let wait = if call == 0 { 0 } else { rng.random_range(0..=100) };
            let name = Name::Send(self.number, message, sent.rounds.iter().map(Vec::len).sum::<usize>() + call);
            let machine = Machine::new(name, rng.random(), self.conversation.skew);
            let (conversation, draft) = (Rc::clone(&self.conversation), sent.draft.clone());
            let handle = executor::spawn(machine, async move {
                executor::sleep(Duration::from_millis(wait)).await;
                let known_change = conversation.newest_change.get();
                let writer = Arc::clone(&conversation.writer);
                let answer = unless_crashed(writer.send(&draft), crash).await;
                executor::note(What::Answered(summary(answer.as_ref())));
                let answer = answer.map(as_sent);
                Call { known_change, answer }
            });
            handle.join()
        });
        let calls = join_all(calls.collect::<Vec<_>>()).await;
        sent.rounds.push(calls);
    }
}

/// Leaves out what others have made of the message since.
fn as_sent(answer: Answer) -> Answer {
    match answer {
        Answer::Accepted(mut accepted) => {
            accepted.item = unamended(&accepted.item);
            Answer::Accepted(accepted)
        }
        other => other,
    }
}

/// Returns the message as it was written first.
pub(crate) fn unamended(item: &LogItem) -> LogItem {
    LogItem { edits: Vec::new(), reactions: Reactions::default(), amended: None, ..item.clone() }
}

fn summary(answer: Option<&Answer>) -> String {
    match answer {
        None => "crashes".to_owned(),
        Some(Answer::Accepted(accepted)) => {
            let (seq, duplicate) = (accepted.item.seq, if accepted.duplicate { ", a duplicate" } else { "" });
            format!("accepted at {seq}{duplicate}, for {} users", accepted.audience.len())
        }
        Some(Answer::NotAMember) => "not a member".to_owned(),
        Some(Answer::Retry) => "busy".to_owned(),
        Some(Answer::Unexpected(error)) => format!("unexpected: {error}"),
    }
}
