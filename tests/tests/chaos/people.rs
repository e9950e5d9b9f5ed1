//! Who talks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Api, Client, Endpoints, Event, Pace, Replica, SendError};
use domain::{ConversationId, ErrorCode, Periods, Seq, UserId};
use end_to_end::{Cloud, Picture};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long it may take until everybody has everything, once nothing fails any more.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody with a client.
#[derive(Clone)]
pub(crate) struct Chatter {
    pub(crate) user: UserId,
    pub(crate) api: Arc<Api>,
    pub(crate) client: Client,
    http: String,
}

/// A message of which its sender was told that it has its place.
pub(crate) struct Accepted {
    pub(crate) conversation: ConversationId,
    pub(crate) sender: UserId,
    pub(crate) seq: Seq,
    pub(crate) text: String,
}

impl Chatter {
    pub(crate) async fn new(cloud: &Cloud, name: &str) -> Self {
        let from = &cloud.endpoints;
        let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
        let endpoints = Endpoints { http: http.clone(), websocket, oidc_token };
        let api = Arc::new(Api::new(endpoints, format!("{name}-{}", Uuid::new_v4())).expect("an HTTP client"));
        let user = api.profile(name).await.expect("a profile");
        // In more of a hurry than a client is who has all day.
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
        let reader = client.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Item(item) = event
                    && item.sender_id != user
                {
                    reader.read(item.conversation_id, item.seq);
                }
            }
        });
        Self { user, api, client, http }
    }

    /// Says so many things in each of these, one after the other in each, and goes on in spite of refusals that end.
    pub(crate) async fn talk(self, rooms: Vec<ConversationId>, messages: u64, mut choice: StdRng) -> Vec<Accepted> {
        let mut accepted = Vec::new();
        for number in 0..messages {
            for conversation in &rooms {
                accepted.extend(self.say(*conversation, number).await);
                tokio::time::sleep(Duration::from_millis(choice.random_range(0..300))).await;
            }
        }
        accepted
    }

    /// Says one thing; `None` where the speaker is not in the conversation.
    pub(crate) async fn say(&self, conversation: ConversationId, number: u64) -> Option<Accepted> {
        let text = format!("{} {number} {}", self.user, Uuid::new_v4());
        match self.client.send(conversation, text.clone()).await {
            Ok(sent) => Some(Accepted { conversation, sender: self.user, seq: sent.seq, text }),
            // Members come and go.
            Err(SendError::Refused(error)) if error.code == ErrorCode::NotAMember => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the client knows once it has seen all that there is for it.
    pub(crate) async fn caught_up(
        &self,
        conversation: ConversationId,
        picture: &Picture,
        periods: &Periods,
        seed: u64,
    ) -> Replica {
        let head = picture.log.last().map_or(Seq::ZERO, |item| item.seq);
        let end = periods.last_visible(head).unwrap_or(Seq::ZERO);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let replica = self.client.snapshot(conversation).await;
            if replica.cursor >= end {
                return replica;
            }
            assert!(Instant::now() < deadline, "{} is at {} of {end}, seed {seed}", self.user, replica.cursor);
            self.client.sync();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Where the server says that this user has read up to never goes back.
    pub(crate) async fn watch_marks(self, conversation: ConversationId, enough: CancellationToken) {
        let mut highest = 0;
        while !enough.is_cancelled() {
            // The weather may be in the way of an answer.
            if let Some(read) = self.shown(conversation).await["read_seq"].as_u64() {
                assert!(read >= highest, "{} had read up to {highest}, and now up to {read}", self.user);
                highest = read;
            }
            let _ = tokio::time::timeout(Duration::from_millis(300), enough.cancelled()).await;
        }
    }

    async fn shown(&self, conversation: ConversationId) -> Value {
        let token = self.api.fresh_token().await.expect("a token");
        let url = format!("{}/v1/conversations/{conversation}", self.http);
        end_to_end::person::answer(end_to_end::person::client().get(url).bearer_auth(token)).await.1
    }
}
