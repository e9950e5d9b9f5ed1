//! A correct client: it repeats messages that were not answered, with the same id and the same `after_seq`.
//!
//! What else it does is in the modules below.

pub(crate) mod acknowledge;
pub(crate) mod amend;
pub(crate) mod sync;

use std::rc::Rc;
use std::time::Duration;

use amend::Amended;
use chat::log::Draft;
use domain::reaction::Reactions;
use domain::{ClientMessageId, Content, Receipt, Seq};
use end_to_end::crash::unless_crashed;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::LogItem;
use sync::Synced;

use crate::chaos::sent::{Call, Sent, add_round, was_accepted};
use crate::chaos::writer::Answer;
use crate::conversation::{Conversation, random_id};
use crate::executor::{self, Handle, Machine, Name};
use crate::history::What;
use crate::members::leave_or_join;
use crate::plan::{Kind, Step};

/// Number of times that a message is sent before its client gives up, which is a violation.
const MAX_ROUNDS: usize = 60;

/// An invocation of one message that crashes has been polled less often than this; one that is let through is polled about so
/// often.
const POLLS: u32 = 24;

/// The same for each further message of a batch.
const POLLS_PER_MESSAGE: u32 = 6;

/// Longest time, in milliseconds, from a send until its user leaves a public conversation meanwhile.
const LEAVES_WITHIN: u64 = 150;

/// Most messages of a batch.
const MAX_BATCH: usize = 4;

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
    /// Sends messages one after the other, and some of them in batches. Some are sent again, at once or much later, as if the
    /// answers had been lost.
    pub(crate) async fn run(mut self, steps: Vec<Step>) -> (Vec<Sent>, Done, bool) {
        let mut all: Vec<Batch> = Vec::new();
        let mut steps = steps.into_iter().enumerate().peekable();
        while let Some((first, step)) = steps.next() {
            let mut rng = StdRng::seed_from_u64(step.seed);
            executor::sleep(Duration::from_millis(rng.random_range(0..=self.pause))).await;
            match step.kind {
                Kind::Amend { .. } => self.amend(&mut rng).await,
                Kind::Acknowledge { .. } => self.acknowledge(&mut rng),
                Kind::Sync { .. } => self.sync(&mut rng).await,
                Kind::Send { .. } | Kind::Change { .. } => {}
            }
            if !is_send(&step) {
                continue;
            }
            let after = if rng.random_bool(0.5) { rng.random_range(1..=self.seen) } else { self.seen };
            executor::note(What::Sends { after });
            let size = if rng.random_bool(0.5) { rng.random_range(2..=MAX_BATCH) } else { 1 };
            let newest_decides = self.conversation.is_public();
            let mut sent = vec![Sent { draft: self.draft(&mut rng, after, first), rounds: vec![], newest_decides }];
            while sent.len() < size
                && let Some((message, step)) = steps.next_if(|(_, step)| is_send(step))
            {
                let draft = self.draft(&mut StdRng::seed_from_u64(step.seed), after, message);
                sent.push(Sent { draft, rounds: vec![], newest_decides });
            }
            let mut batch = Batch { first, rng, sent, calls: 0 };
            self.send(&mut batch).await;
            all.push(batch);
        }
        for batch in &mut all {
            if batch.is_accepted() && batch.rng.random_bool(0.2) {
                self.round(batch).await;
            }
        }
        let recorded = self.done.recorded().await;
        (all.into_iter().flat_map(|batch| batch.sent).collect(), self.done, recorded)
    }

    /// Sends a batch until each of its messages is answered, and perhaps once more.
    async fn send(&mut self, batch: &mut Batch) {
        let mut rounds = 0;
        while !batch.sent.iter().all(Sent::is_answered) && rounds < MAX_ROUNDS {
            self.round(batch).await;
            rounds += 1;
            let wait = batch.sent.iter().flat_map(Sent::newest_calls).filter_map(Call::wait).max();
            if let Some(wait) = wait.filter(|_| !batch.sent.iter().all(Sent::is_answered)) {
                executor::sleep(wait).await;
            }
        }
        if batch.is_accepted() && batch.rng.random_bool(0.2) {
            self.round(batch).await;
        }
        for accepted in batch.sent.iter().filter_map(|sent| sent.accepted().next()) {
            self.seen = self.seen.max(accepted.item.seq.0);
            self.done.accepted.push(accepted.item.seq);
        }
        if !batch.is_accepted() {
            // The user may be added again meanwhile.
            executor::sleep(Duration::from_millis(batch.rng.random_range(0..=4 * self.pause))).await;
        }
        if batch.rng.random_bool(0.3) {
            self.look(batch.rng.random()).await;
        }
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

    /// Sends the batch, most often once; some invocations crash, and some begin while another one runs. Each carries the whole batch
    /// as it was, or what is not answered.
    async fn round(&self, batch: &mut Batch) {
        let Batch { first: number, rng, sent, calls: before } = batch;
        let answered = sent.iter().take_while(|sent| sent.is_answered()).count();
        let times = if rng.random_bool(0.25) { rng.random_range(2..=3) } else { 1 };
        let drafts: Vec<Draft> = sent.iter().map(|sent| sent.draft.clone()).collect();
        let mut wait = 0;
        let calls = (0..times).map(|call| {
            let first = if answered < drafts.len() && rng.random_bool(0.5) { answered } else { 0 };
            let polls = POLLS + POLLS_PER_MESSAGE * u32::try_from(drafts.len() - first - 1).unwrap_or_default();
            let crash = rng.random_bool(0.25).then(|| rng.random_range(1..polls));
            let process = rng.random_range(0..self.conversation.process_count());
            let restarts = rng.random_bool(if crash.is_some() { 0.5 } else { 0.05 });
            // Later calls begin later.
            wait += if call == 0 { 0 } else { rng.random_range(0..=100) };
            let name = Name::Send(self.number, *number, *before + call);
            let machine = Machine::new(name, rng.random(), self.conversation.skew);
            let (conversation, drafts) = (Rc::clone(&self.conversation), drafts[first..].to_vec());
            let begins = Duration::from_millis(wait);
            let handle = executor::spawn(machine, async move {
                executor::sleep(begins).await;
                let answers = unless_crashed(conversation.process(process).send(&drafts), crash).await;
                if restarts {
                    conversation.restart(process);
                }
                executor::note(What::Answered(summary(answers.as_deref())));
                let answers = answers.map(|answers| answers.into_iter().map(as_sent).collect());
                (first, answers)
            });
            handle.join()
        });
        let calls: Vec<_> = calls.collect();
        // The first user stays.
        let leaves = self.user > 0 && self.conversation.is_public() && rng.random_bool(0.4);
        let leaving = leaves.then(|| {
            let machine = Machine::new(Name::Members, rng.random(), Duration::ZERO);
            let wait = rng.random_range(0..=LEAVES_WITHIN);
            executor::spawn(machine, leave_or_join(Rc::clone(&self.conversation), self.user, wait)).join()
        });
        let calls = join_all(calls).await;
        if let Some(leaving) = leaving {
            leaving.await;
        }
        *before += calls.len();
        add_round(sent, &calls);
    }
}

/// Messages that are sent together.
struct Batch {
    /// Number of the first message.
    first: usize,
    rng: StdRng,
    sent: Vec<Sent>,
    /// Number of its calls so far.
    calls: usize,
}

impl Batch {
    /// Returns true if all messages have their seqs.
    fn is_accepted(&self) -> bool {
        was_accepted(&self.sent)
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

fn is_send(step: &Step) -> bool {
    matches!(step.kind, Kind::Send { .. })
}

fn summary(answers: Option<&[Answer]>) -> String {
    answers.map_or_else(|| "crashes".to_owned(), |answers| answers.iter().map(answered).collect::<Vec<_>>().join("; "))
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Accepted(accepted) => {
            let (seq, duplicate) = (accepted.item.seq, if accepted.duplicate { ", a duplicate" } else { "" });
            format!("accepted at {seq}{duplicate}, for {} users", accepted.audience.len())
        }
        Answer::NotAMember => "not a member".to_owned(),
        Answer::Behind => "behind".to_owned(),
        Answer::Retry => "busy".to_owned(),
        Answer::Later(wait) => format!("busy for {wait:?}"),
        Answer::Unexpected(error) => format!("unexpected: {error}"),
    }
}
