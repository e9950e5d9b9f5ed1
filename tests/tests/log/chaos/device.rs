//! A correct client: it repeats messages that were not answered, with the same id and the same `after_seq`.

use std::sync::Arc;

use chat::log::Draft;
use domain::UserId;
use end_to_end::crash::unless_crashed;
use futures_util::future::join_all;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::sent::{Sent, add_round, was_accepted};
use super::writer::Writer;
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
    pub(crate) processes: [Arc<dyn Writer>; 2],
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
            let mut batch: Vec<Sent> = texts
                .by_ref()
                .take(size)
                .map(|text| Sent { draft: draft(text), rounds: vec![], newest_decides: false })
                .collect();
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
            let process = self.rng.random_range(0..self.processes.len());
            (first, process, self.rng.random_bool(0.25).then(|| self.rng.random_range(1..polls)))
        };
        let plans: Vec<(usize, usize, Option<u32>)> = (0..times).map(plan).collect();
        let drafts: Vec<Draft> = batch.iter().map(|sent| sent.draft.clone()).collect();
        let calls = plans.into_iter().map(async |(first, process, crash)| {
            (first, unless_crashed(self.processes[process].send(&drafts[first..]), crash).await)
        });
        add_round(batch, &join_all(calls).await);
    }
}
