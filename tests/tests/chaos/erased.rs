//! Users who are erased during a run, with everything that they wrote.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::Draft;
use domain::{ConversationId, UserId};
use end_to_end::{Cloud, TestBackend};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesOrdered;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::operations::{Operation, text};
use crate::progress::Progress;
use crate::settings::{End, Settings};
use crate::users::{MAX_STILL, SimulatedUser, remember};

/// Number of texts of such a user in a conversation that wait for answers at once.
const OUTSTANDING: usize = 4;

/// Texts of such a user in each conversation of a short run, before the erasure is asked for.
const TEXTS: u64 = 5;

/// Between two requests to erase. A worker that was killed keeps its queue message for minutes, and a request queues another one.
const REQUEST_INTERVAL: Duration = Duration::from_secs(2);

/// Time that an erasure may take once the faults have ended.
const MAX_WAIT: Duration = Duration::from_mins(3);

/// A user who writes to some conversations and is erased while others go on.
pub(crate) struct ErasedUser {
    pub(crate) user: SimulatedUser,
    /// Those whose messages are not held: a hold stops an erasure.
    pub(crate) conversations: Vec<ConversationId>,
}

impl ErasedUser {
    pub(crate) fn id(&self) -> UserId {
        self.user.id
    }

    /// Writes until it is time, and asks for the erasure while texts are still under way.
    async fn run(&self, number: usize, settings: &Settings, progress: &Arc<Progress>) {
        let (time, texts) = match settings.end {
            End::Texts(_) => (None, TEXTS),
            // One after the other, so that each is erased in a log of another length.
            End::Time(time) => {
                let part = u32::try_from(number + 1).expect("few users");
                let parts = u32::try_from(settings.erased + 1).expect("few users");
                (Some(time * part / parts), u64::MAX)
            }
        };
        let is_erased = CancellationToken::new();
        let lanes = self.conversations.iter().enumerate().map(|(lane, conversation)| {
            let seed = settings.seed ^ ((number as u64 + 1) << 32) ^ ((lane as u64 + 1) << 40);
            self.write(*conversation, texts, StdRng::seed_from_u64(seed), settings, progress, &is_erased)
        });
        let lanes = join_all(lanes);
        let erasure = async {
            let begun = Instant::now();
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => {
                    while progress.erased_texts.get() < texts {
                        assert!(begun.elapsed() < MAX_STILL, "no text of {} is accepted", self.id());
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
            while let Err(error) = self.user.api.erase_account().await {
                assert!(error.is_uncertain(), "{error}");
            }
            is_erased.cancel();
        };
        tokio::join!(lanes, erasure);
    }

    /// Sends texts to one conversation, with operations in between, until the user is refused or has sent so many.
    async fn write(
        &self,
        conversation: ConversationId,
        texts: u64,
        mut choice: StdRng,
        settings: &Settings,
        progress: &Arc<Progress>,
        is_erased: &CancellationToken,
    ) {
        let (mut own, mut waiting, mut left) = (Vec::new(), FuturesOrdered::new(), texts);
        loop {
            while waiting.len() < OUTSTANDING && left > 0 && !is_erased.is_cancelled() {
                let draft = Draft { text: text(self.id(), Uuid::new_v4()), ..Draft::default() };
                waiting.push_back(self.user.client.send_draft(conversation, draft));
                left -= 1;
                tokio::time::sleep(settings.pause).await;
            }
            let answer = tokio::select! {
                answer = waiting.next() => answer,
                // The server no longer answers this user.
                () = is_erased.cancelled() => return,
            };
            let Some(answer) = answer else { return };
            if let Ok(sent) = answer {
                progress.erased_texts.add(1);
                remember(&mut own, sent.seq);
            }
            let others = self.user.received_in(conversation);
            if let Some(operation) = Operation::choose(&mut choice, &own, &others, self.id()) {
                self.user.execute(conversation, operation).await;
            }
        }
    }
}

/// Runs all of them until each is erased or `stop` is cancelled.
pub(crate) async fn run(users: &[ErasedUser], settings: &Settings, progress: &Arc<Progress>, stop: &CancellationToken) {
    let all = users.iter().enumerate().map(|(number, user)| user.run(number, settings, progress));
    tokio::select! {
        _ = join_all(all) => {}
        () = stop.cancelled() => {}
    }
}

/// Waits until the server says that nothing of them is left. Without faults.
pub(crate) async fn until_finished(cloud: &Cloud, users: &[ErasedUser]) {
    let backend = TestBackend::of(cloud).await;
    for erased in users {
        let path = format!("/v1/server/users/{}", erased.id());
        let deadline = Instant::now() + MAX_WAIT;
        loop {
            let (status, state) = backend.get(&format!("{path}/erasure")).await;
            if status == 200 && state["state"] == "finished" {
                break;
            }
            assert!(Instant::now() < deadline, "{state}");
            let (status, answer) = backend.delete(&format!("{path}?messages=erase")).await;
            assert!(status < 300, "{answer}");
            tokio::time::sleep(REQUEST_INTERVAL).await;
        }
    }
}
