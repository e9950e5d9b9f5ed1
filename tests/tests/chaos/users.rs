//! The simulated users of a chaos run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client::{Api, Client, Endpoints, Event, Pace, Replica, SendError};
use domain::{ConversationId, ErrorCode, MessageKind, Periods, Seq, UserId};
use end_to_end::{Cloud, StoredState};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use store::dynamodb::LogItem;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::context::TestConversation;
use crate::operations::{Completed, Operation, Outcome};

/// Time that it may take until every client has everything, once the faults have ended.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Number of texts of a conversation that a user may still return to.
const MAX_REMEMBERED: usize = 8;

/// A user with a client.
#[derive(Clone)]
pub(crate) struct SimulatedUser {
    pub(crate) id: UserId,
    pub(crate) api: Arc<Api>,
    pub(crate) client: Client,
    http: String,
    received: ReceivedTexts,
    /// Reads what the client receives. It holds a client as well, so it has to end with the user.
    _reader: Arc<AbortOnDropHandle<()>>,
}

/// The newest texts by others.
type ReceivedTexts = Arc<Mutex<BTreeMap<ConversationId, Vec<Seq>>>>;

/// Keeps the newest few.
fn remember(texts: &mut Vec<Seq>, seq: Seq) {
    if texts.len() == MAX_REMEMBERED {
        texts.remove(0);
    }
    texts.push(seq);
}

impl SimulatedUser {
    pub(crate) async fn new(cloud: &Cloud, number: usize) -> Self {
        let from = &cloud.endpoints;
        let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
        let endpoints = Endpoints { http: http.clone(), websocket, oidc_token };
        let api = Arc::new(Api::new(endpoints, format!("{number}-{}", Uuid::new_v4())).expect("an HTTP client"));
        let user = api.profile("User").await.expect("a profile");
        // Shorter intervals than a real client has.
        let pace = Pace {
            gap: Duration::from_millis(300),
            second_sync: Duration::from_secs(1),
            sync_every: Duration::from_secs(3),
            answer: Duration::from_secs(4),
            retry: (Duration::from_millis(50), Duration::from_secs(1)),
            reconnect: (Duration::from_millis(50), Duration::from_secs(1)),
            receipts: Duration::from_millis(300),
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
        Self { id: user, api, client, http, received, _reader: Arc::new(AbortOnDropHandle::new(reading)) }
    }

    /// Sends texts to each of the conversations, one after the other, with operations in between.
    pub(crate) async fn send_texts(
        self,
        conversations: Vec<TestConversation>,
        messages: u64,
        pause: Duration,
        mut choice: StdRng,
    ) -> Vec<Completed> {
        let mut completed = Vec::new();
        let mut own: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for number in 0..messages {
            for conversation in conversations.iter().filter(|conversation| conversation.takes_text(number)) {
                let own = own.entry(conversation.id).or_default();
                if let Some(sent) = self.send_text(conversation.id).await {
                    if let Operation::Sent { seq, .. } = sent {
                        remember(own, seq);
                    }
                    completed.push(Completed {
                        conversation: conversation.id,
                        actor: self.id,
                        operation: sent,
                        outcome: Outcome::Applied,
                    });
                }
                let others = self.received_in(conversation.id);
                if let Some(operation) = Operation::choose(&mut choice, own, &others, self.id) {
                    completed.push(self.execute(conversation.id, operation).await);
                }
                tokio::time::sleep(pause.mul_f64(choice.random())).await;
            }
        }
        completed
    }

    /// Sends a text. Returns `None` if the user may not send.
    pub(crate) async fn send_text(&self, conversation: ConversationId) -> Option<Operation> {
        let text = format!("{} {}", self.id, Uuid::new_v4());
        match self.client.send(conversation, text.clone()).await {
            Ok(sent) => Some(Operation::Sent { seq: sent.seq, text }),
            // Members are removed, added and muted.
            Err(SendError::Refused(error)) if matches!(error.code, ErrorCode::NotAMember | ErrorCode::Muted) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn received_in(&self, conversation: ConversationId) -> Vec<Seq> {
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
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let replica = self.client.snapshot(conversation).await;
            if replica.cursor >= end {
                return replica;
            }
            assert!(Instant::now() < deadline, "{} is at {} of {end}", self.id, replica.cursor);
            self.client.sync();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the user's read watermark reaches the newest visible item of another user.
    pub(crate) async fn wait_until_read(&self, conversation: ConversationId, state: &StoredState, periods: &Periods) {
        let seen = |item: &&LogItem| item.sender_id != self.id && periods.covers(item.seq);
        let Some(last) = state.log.iter().rev().find(seen).map(|item| item.seq) else { return };
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let shown = self.conversation(conversation).await;
            let read = Seq(shown["read_seq"].as_u64().unwrap_or_default());
            if read >= last {
                return;
            }
            assert!(Instant::now() < deadline, "{} has read up to {read} of {last}: {shown}", self.id);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Checks that the server's read watermark of this user never moves back, until `stop` is cancelled.
    pub(crate) async fn watch_read_watermark(self, conversation: ConversationId, stop: CancellationToken) {
        let mut highest = 0;
        while !stop.is_cancelled() {
            // The fault plan may prevent an answer.
            if let Some(read) = self.conversation(conversation).await["read_seq"].as_u64() {
                assert!(read >= highest, "{} had read up to {highest}, and now up to {read}", self.id);
                highest = read;
            }
            let _ = tokio::time::timeout(Duration::from_millis(300), stop.cancelled()).await;
        }
    }

    async fn conversation(&self, conversation: ConversationId) -> Value {
        let token = self.api.fresh_token().await.expect("a token");
        let url = format!("{}/v1/conversations/{conversation}", self.http);
        end_to_end::test_user::answer(end_to_end::test_user::client().get(url).bearer_auth(token)).await.1
    }
}
