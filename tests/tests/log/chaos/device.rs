//! A correct client: it repeats messages that were not answered, with the same id and the same `after_seq`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use domain::UserId;
use futures_util::future::{BoxFuture, join_all};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;

use super::sent::{Call, Sent};
use super::writer::Writer;
use crate::conversation::TestConversation;

/// Number of times that a message is sent before its client gives up, which is a violation. A handful of rounds suffices under
/// faults.
const MAX_ROUNDS: usize = 60;

/// An invocation that crashes has been polled less often than this; one that is let through is polled about so often.
const POLLS: u32 = 24;

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
    /// Sends messages one after the other. Some are sent again, at once or much later, as if the answers had been lost.
    pub(crate) async fn run(mut self, number: usize, messages: usize) -> Vec<Sent> {
        let mut all = Vec::with_capacity(messages);
        for message in 0..messages {
            let after = if self.rng.random_bool(0.5) { self.rng.random_range(1..=self.seen) } else { self.seen };
            let mut sent = Sent {
                draft: self.conversation.draft(self.user, after, &format!("{number}: {message}")),
                rounds: vec![],
            };
            while !sent.is_answered() && sent.rounds.len() < MAX_ROUNDS {
                self.round(&mut sent).await;
            }
            if sent.accepted().next().is_some() && self.rng.random_bool(0.2) {
                self.round(&mut sent).await;
            }
            match sent.accepted().next() {
                Some(accepted) => self.seen = self.seen.max(accepted.item.seq.0),
                // Waits until the user is added again, or the changes are over.
                None => drop(self.changes.changed().await),
            }
            if self.rng.random_bool(0.3) {
                self.seen = self.seen.max(self.conversation.head().await.seq.0);
            }
            all.push(sent);
        }
        for sent in &mut all {
            if sent.accepted().next().is_some() && self.rng.random_bool(0.2) {
                self.round(sent).await;
            }
        }
        all
    }

    /// Sends it, most often once; some invocations crash.
    async fn round(&mut self, sent: &mut Sent) {
        let times = if self.rng.random_bool(0.25) { self.rng.random_range(2..=3) } else { 1 };
        let crashes: Vec<Option<u32>> =
            (0..times).map(|_| self.rng.random_bool(0.25).then(|| self.rng.random_range(1..POLLS))).collect();
        let calls = crashes.into_iter().map(async |crash| {
            let known_change = *self.changes.borrow();
            Call { known_change, answer: unless_crashed(self.writer.send(&sent.draft), crash).await }
        });
        let calls = join_all(calls).await;
        sent.rounds.push(calls);
    }
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
