//! The texts of one user to one conversation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{ConversationType, Seq};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::context::TestConversation;
use crate::operations::{Completed, Operation, Outcome};
use crate::progress::Progress;
use crate::settings::{End, Settings};
use crate::users::{SimulatedUser, remember};

/// One in so many texts is sent to the public conversation, where every user receives it.
const PUBLIC_EVERY: u64 = 6;

/// One in so many texts may be changed long after it was sent.
const OLD_EVERY: u32 = 20;

/// Longest pause after a refusal: a user who is muted or removed tries again and again.
const REFUSED_PAUSE: Duration = Duration::from_millis(500);

/// Time of an answer above which the cloud is taken for overloaded: what is sent then only waits longer.
const SLOW_ANSWER: Duration = Duration::from_secs(2);

/// The number of texts that may wait for their answers: one more for each that is answered quickly, half after a slow one.
#[derive(Debug)]
struct Window {
    texts: usize,
    max: usize,
}

impl Window {
    fn new(max: usize) -> Self {
        Self { texts: max.min(4), max }
    }

    fn texts(&self) -> usize {
        self.texts
    }

    fn answered(&mut self, time: Duration) {
        self.texts = if time > SLOW_ANSWER { self.texts.div_ceil(2) } else { self.max.min(self.texts + 1) };
    }
}

/// A user in a conversation.
pub(crate) struct Lane {
    user: SimulatedUser,
    conversation: TestConversation,
    progress: Arc<Progress>,
    choice: StdRng,
    settings: Settings,
    window: Window,
    /// Number of texts to start; `None` where the time decides.
    left: Option<u64>,
    until: Option<Instant>,
    /// True after a refusal: what is under way is awaited before the next text.
    is_refused: bool,
    own: Vec<Seq>,
    /// Some of the user's texts, whatever their age: they may be in the archive, or have expired.
    old: Vec<Seq>,
    completed: Vec<Completed>,
}

impl Lane {
    pub(crate) fn new(
        user: SimulatedUser,
        conversation: TestConversation,
        settings: &Settings,
        progress: &Arc<Progress>,
        choice: StdRng,
    ) -> Self {
        let every = if conversation.kind == ConversationType::Public { PUBLIC_EVERY } else { 1 };
        let window = Window::new(settings.outstanding.div_ceil(usize::try_from(every).expect("a small number")));
        let (left, until) = match settings.end {
            End::Texts(texts) => (Some(texts.div_ceil(every)), None),
            End::Time(time) => (None, Some(Instant::now() + time)),
        };
        let (progress, settings) = (Arc::clone(progress), *settings);
        let (own, old, completed, is_refused) = (Vec::new(), Vec::new(), Vec::new(), false);
        Self { user, conversation, progress, choice, settings, window, left, until, is_refused, own, old, completed }
    }

    /// Keeps texts under way until the end, with operations in between. Returns what was answered, in order.
    pub(crate) async fn run(mut self) -> Vec<Completed> {
        let user = self.user.clone();
        let mut waiting = FuturesOrdered::new();
        loop {
            while waiting.len() < self.window.texts() && !self.is_refused && self.goes_on() {
                let (answer, sent) = (user.send_text(self.conversation.id), Instant::now());
                waiting.push_back(async move { (answer.await, sent.elapsed()) });
                self.left = self.left.map(|left| left - 1);
                if !self.settings.pause.is_zero() {
                    tokio::time::sleep(self.settings.pause.mul_f64(self.choice.random())).await;
                }
            }
            match waiting.next().await {
                Some((Some(sent), time)) => {
                    self.window.answered(time);
                    self.accepted(sent);
                }
                Some((None, _)) => {
                    self.progress.refused.add(1);
                    self.is_refused = true;
                }
                None if self.is_refused => {
                    tokio::time::sleep(REFUSED_PAUSE.mul_f64(self.choice.random())).await;
                    self.is_refused = false;
                }
                None => return self.completed,
            }
            if self.choice.random_bool(self.settings.pace.operation) {
                self.operate().await;
            }
        }
    }

    fn goes_on(&self) -> bool {
        self.left.is_none_or(|left| left > 0) && self.until.is_none_or(|until| Instant::now() < until)
    }

    fn accepted(&mut self, sent: Operation) {
        self.progress.accepted.add(1);
        if let Operation::Sent { seq, .. } = sent {
            remember(&mut self.own, seq);
            if self.choice.random_ratio(1, OLD_EVERY) {
                self.old.push(seq);
            }
        }
        self.completed.push(Completed {
            conversation: self.conversation.id,
            actor: self.user.id,
            operation: sent,
            outcome: Outcome::Applied,
        });
    }

    async fn operate(&mut self) {
        let others = self.user.received_in(self.conversation.id);
        let own = if self.choice.random_bool(0.2) { &self.old } else { &self.own };
        if let Some(operation) = Operation::choose(&mut self.choice, own, &others, self.user.id) {
            self.completed.push(self.user.execute(self.conversation.id, operation).await);
            self.progress.operations.add(1);
        }
    }
}
