//! The simulated users of a chaos run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client::{Api, ApiError, Client, Draft, Endpoints, Event, LocalIssuer, Pace, Replica, SendError};
use domain::{ConversationId, ErrorCode, MessageKind, Periods, Seq, UserId};
use end_to_end::{Cloud, StoredState};
use store::dynamodb::LogItem;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::operations::{Operation, text};
use crate::settings::Settings;
use crate::tokens::RenewedTokens;

/// Time without progress towards everything, once the faults have ended.
pub(crate) const MAX_STILL: Duration = Duration::from_mins(1);

/// Attempts of a request that needs no fault to fail: the machine may be busy.
const ATTEMPTS: u32 = 8;

/// Number of texts of a conversation that a user may still return to.
const MAX_REMEMBERED: usize = 8;

/// A user with a client.
#[derive(Clone)]
pub(crate) struct SimulatedUser {
    pub(crate) id: UserId,
    pub(crate) api: Arc<Api>,
    pub(crate) client: Client,
    /// Between two looks at the user's read watermark.
    watch_interval: Duration,
    received: ReceivedTexts,
    /// Reads what the client receives. It holds a client as well, so it has to end with the user.
    _reader: Arc<AbortOnDropHandle<()>>,
}

/// The newest texts by others.
type ReceivedTexts = Arc<Mutex<BTreeMap<ConversationId, Vec<Seq>>>>;

/// Keeps the newest few.
pub(crate) fn remember(texts: &mut Vec<Seq>, seq: Seq) {
    if texts.len() == MAX_REMEMBERED {
        texts.remove(0);
    }
    texts.push(seq);
}

/// Waits as long as a seq moves on.
struct Patience {
    seq: Seq,
    moved: Instant,
}

impl Patience {
    fn new(seq: Seq) -> Self {
        Self { seq, moved: Instant::now() }
    }

    /// Returns false once the seq has not moved for a minute.
    fn lasts(&mut self, seq: Seq) -> bool {
        if self.seq != seq {
            *self = Self::new(seq);
        }
        self.moved.elapsed() < MAX_STILL
    }
}

/// Repeats a request while its outcome is uncertain. It has to be for a desired state.
pub(crate) async fn until_settled<T, F: Future<Output = Result<T, ApiError>>>(
    request: impl Fn() -> F,
) -> Result<T, ApiError> {
    for _ in 1..ATTEMPTS {
        match request().await {
            Err(error) if error.is_uncertain() => tokio::time::sleep(Duration::from_millis(200)).await,
            settled => return settled,
        }
    }
    request().await
}

impl SimulatedUser {
    pub(crate) async fn new(cloud: &Cloud, number: usize, settings: &Settings) -> Self {
        let from = &cloud.endpoints;
        let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
        let endpoints = Endpoints { http, websocket, oidc_token };
        let issuer = LocalIssuer::new(&endpoints.oidc_token, format!("{number}-{}", Uuid::new_v4()));
        let tokens = Arc::new(RenewedTokens::new(issuer.expect("an HTTP client")));
        let api = Arc::new(Api::with_tokens(endpoints, tokens).expect("an HTTP client"));
        let user = until_settled(|| api.profile("User")).await.expect("a profile");
        // Shorter intervals than a real client has.
        let pace = Pace {
            gap: Duration::from_millis(300),
            sync_every: settings.pace.sync_every,
            answer: settings.pace.answer,
            retry: (Duration::from_millis(50), Duration::from_secs(1)),
            reconnect: (Duration::from_millis(50), Duration::from_secs(1)),
            receipts: settings.pace.receipts,
            ..Pace::default()
        };
        let (client, mut events) = Client::start(Arc::clone(&api), user, pace);
        let (reader, received) = (client.clone(), ReceivedTexts::default());
        let texts = Arc::clone(&received);
        let reading = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Item(item) = event
                    && item.sender_id != user
                {
                    reader.read(item.conversation_id, item.seq);
                    if let MessageKind::Text(_) = item.kind {
                        let mut texts = texts.lock().expect("no holder of the lock panics");
                        remember(texts.entry(item.conversation_id).or_default(), item.seq);
                    }
                }
            }
        });
        let watch_interval = settings.pace.receipts;
        Self { id: user, api, client, watch_interval, received, _reader: Arc::new(AbortOnDropHandle::new(reading)) }
    }

    /// Sends a text now; the future waits for the answer. It returns `None` if the user may not send.
    pub(crate) fn send_text(
        &self,
        conversation: ConversationId,
    ) -> impl Future<Output = Option<Operation>> + Send + use<> {
        let number = Uuid::new_v4();
        let draft = Draft { text: text(self.id, number), ..Draft::default() };
        let answer = self.client.send_draft(conversation, draft);
        async move {
            match answer.await {
                Ok(sent) => Some(Operation::Sent { seq: sent.seq, number }),
                // Members are removed, added and muted.
                Err(SendError::Refused(error)) if matches!(error.code, ErrorCode::NotAMember | ErrorCode::Muted) => {
                    None
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn received_in(&self, conversation: ConversationId) -> Vec<Seq> {
        self.received.lock().expect("no holder of the lock panics").get(&conversation).cloned().unwrap_or_default()
    }

    /// Waits until the client has received every item that the user may see, and returns its state.
    pub(crate) async fn wait_until_synced(
        &self,
        conversation: ConversationId,
        state: &StoredState,
        periods: &Periods,
    ) -> Replica {
        let head = state.log.last().map_or(Seq::ZERO, |item| item.seq);
        let end = periods.last_visible(head).unwrap_or(Seq::ZERO);
        let mut patience = Patience::new(Seq::ZERO);
        loop {
            let replica = self.client.snapshot(conversation).await;
            if replica.cursor >= end && replica.expired_seq >= state.expired_seq() {
                return replica;
            }
            assert!(patience.lasts(replica.cursor), "{} is at {} of {end}", self.id, replica.cursor);
            self.client.sync();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the user's read watermark reaches the newest visible item of another user.
    pub(crate) async fn wait_until_read(&self, conversation: ConversationId, state: &StoredState, periods: &Periods) {
        let seen = |item: &&LogItem| item.sender_id != self.id && periods.covers(item.seq);
        let Some(last) = state.log.iter().rev().find(seen).map(|item| item.seq) else { return };
        let mut patience = Patience::new(Seq::ZERO);
        loop {
            let shown = until_settled(|| self.api.conversation(conversation)).await.expect("the user's conversation");
            if shown.read_seq >= last {
                return;
            }
            assert!(patience.lasts(shown.read_seq), "{} has read up to {} of {last}", self.id, shown.read_seq);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Checks that the server's read watermark of this user never moves back, until `stop` is cancelled.
    pub(crate) async fn watch_read_watermark(self, conversation: ConversationId, stop: CancellationToken) {
        let mut highest = Seq::ZERO;
        while !stop.is_cancelled() {
            // The fault plan may prevent an answer.
            if let Ok(shown) = self.api.conversation(conversation).await {
                let read = shown.read_seq;
                assert!(read >= highest, "{} had read up to {highest}, and now up to {read}", self.id);
                highest = read;
            }
            let _ = tokio::time::timeout(self.watch_interval, stop.cancelled()).await;
        }
    }
}
