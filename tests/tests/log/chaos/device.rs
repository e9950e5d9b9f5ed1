//! A correct client: it repeats messages that were not answered, with the same id and the same `after_seq`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use chat::log::Draft;
use domain::UserId;
use futures_util::future::{BoxFuture, join_all};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::sent::{Call, Sent};
use super::writer::{Answer, Writer};
use crate::conversation::TestConversation;

/// Number of times that a message is sent before its client gives up, which is a violation. A handful of rounds suffices under
/// faults.
const MAX_ROUNDS: usize = 60;

/// An invocation of one message that crashes has been polled less often than this; one that is let through is polled about so
/// often.
const POLLS: u32 = 24;

/// The same for each further message of a batch.
const POLLS_PER_MESSAGE: u32 = 6;

/// Most messages of a batch.
const MAX_BATCH: usize = 4;

/// One of a user's devices.
pub(crate) struct Device {
    pub(crate) user: UserId,
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) conversation: Arc<TestConversation>,
    /// Seq of the newest change of membership that is certainly complete.
    pub(crate) changes: watch::Receiver<u64>,
    pub(crate) rng: StdRng,
    /// The highest seq that it has seen.
    pub(crate) seen: u64,
}

impl Device {
    /// Sends messages one after the other, and some of them in batches. Some are sent again, at once or much later, as if the
    /// answers had been lost.
    pub(crate) async fn run(mut self, number: usize, messages: usize) -> Vec<Sent> {
        let mut all: Vec<Vec<Sent>> = Vec::new();
        let mut texts = 0..messages;
        while !texts.is_empty() {
            let after = if self.rng.random_bool(0.5) { self.rng.random_range(1..=self.seen) } else { self.seen };
            let size = if self.rng.random_bool(0.5) { self.rng.random_range(2..=MAX_BATCH) } else { 1 };
            let draft = |text| self.conversation.draft(self.user, after, &format!("{number}: {text}"));
            let mut batch: Vec<Sent> =
                texts.by_ref().take(size).map(|text| Sent { draft: draft(text), rounds: vec![] }).collect();
            let mut rounds = 0;
            while !batch.iter().all(Sent::is_answered) && rounds < MAX_ROUNDS {
                self.round(&mut batch).await;
                rounds += 1;
            }
            if was_accepted(&batch) && self.rng.random_bool(0.2) {
                self.round(&mut batch).await;
            }
            for accepted in batch.iter().filter_map(|sent| sent.accepted().next()) {
                self.seen = self.seen.max(accepted.item.seq.0);
            }
            if !was_accepted(&batch) {
                // Waits until the user is added again, or the changes are over.
                drop(self.changes.changed().await);
            }
            if self.rng.random_bool(0.3) {
                self.seen = self.seen.max(self.conversation.head().await.seq.0);
            }
            all.push(batch);
        }
        for batch in &mut all {
            if was_accepted(batch) && self.rng.random_bool(0.2) {
                self.round(batch).await;
            }
        }
        all.into_iter().flatten().collect()
    }

    /// Sends the batch, most often once; some invocations crash. Each carries the whole batch as it was, or what is not answered.
    async fn round(&mut self, batch: &mut [Sent]) {
        let answered = batch.iter().take_while(|sent| sent.is_answered()).count();
        let times = if self.rng.random_bool(0.25) { self.rng.random_range(2..=3) } else { 1 };
        let plan = |_| {
            let first = if answered < batch.len() && self.rng.random_bool(0.5) { answered } else { 0 };
            let polls = POLLS + POLLS_PER_MESSAGE * u32::try_from(batch.len() - first - 1).unwrap_or_default();
            (first, self.rng.random_bool(0.25).then(|| self.rng.random_range(1..polls)))
        };
        let plans: Vec<(usize, Option<u32>)> = (0..times).map(plan).collect();
        let drafts: Vec<Draft> = batch.iter().map(|sent| sent.draft.clone()).collect();
        let calls = plans.into_iter().map(async |(first, crash)| {
            let known_change = *self.changes.borrow();
            (first, known_change, unless_crashed(self.writer.send(&drafts[first..]), crash).await)
        });
        let calls = join_all(calls).await;
        for (index, sent) in batch.iter_mut().enumerate() {
            let carried = calls.iter().filter(|(first, ..)| *first <= index);
            let call = |(first, known_change, answers): &(usize, u64, Option<Vec<Answer>>)| {
                let answer = answers.as_ref().and_then(|answers| answers.get(index - first).cloned());
                Call { known_change: *known_change, answer }
            };
            let round: Vec<Call> = carried.map(call).collect();
            if !round.is_empty() {
                sent.rounds.push(round);
            }
        }
    }
}

/// Returns true if the whole batch has its seqs.
fn was_accepted(batch: &[Sent]) -> bool {
    batch.iter().all(|sent| sent.accepted().next().is_some())
}

/// The future's output, or `None` where it crashes: then it is dropped after so many polls, between two of its calls or while
/// one is under way.
async fn unless_crashed<T>(mut future: BoxFuture<'_, T>, after: Option<u32>) -> Option<T> {
    let mut polls = 0;
    poll_fn(|context| {
        if after == Some(polls) {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
