//! The simulated users of a chaos run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client::{Api, Client, Endpoints, Event, Pace, Replica, SendError};
use domain::{ConversationId, ErrorCode, MessageKind, Periods, Seq, UserId};
use end_to_end::{Cloud, Picture};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use store::dynamodb::LogItem;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::deeds::{Deed, Done, Outcome};
use crate::scene::Room;

/// Time that it may take until every client has everything, once the faults have ended.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Number of texts of a conversation that a user may still return to.
const REMEMBERED: usize = 8;

/// Somebody with a client.
#[derive(Clone)]
pub(crate) struct Chatter {
    pub(crate) user: UserId,
    pub(crate) api: Arc<Api>,
    pub(crate) client: Client,
    http: String,
    heard: Heard,
}

/// The newest texts by others.
type Heard = Arc<Mutex<BTreeMap<ConversationId, Vec<Seq>>>>;

/// Keeps the newest few.
fn remember(texts: &mut Vec<Seq>, seq: Seq) {
    if texts.len() == REMEMBERED {
        texts.remove(0);
    }
    texts.push(seq);
}

impl Chatter {
    pub(crate) async fn new(cloud: &Cloud, number: usize) -> Self {
        let from = &cloud.endpoints;
        let (http, websocket, oidc_token) = (from.http.clone(), from.websocket.clone(), from.oidc_token.clone());
        let endpoints = Endpoints { http: http.clone(), websocket, oidc_token };
        let api = Arc::new(Api::new(endpoints, format!("{number}-{}", Uuid::new_v4())).expect("an HTTP client"));
        let user = api.profile("Somebody").await.expect("a profile");
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
        let (reader, heard) = (client.clone(), Heard::default());
        let texts = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Item(item) = event
                    && item.sender_id != user
                {
                    reader.read(item.conversation_id, item.seq);
                    if let MessageKind::Text(_) = item.kind {
                        let mut texts = texts.lock().expect("nobody panics who holds it");
                        remember(texts.entry(item.conversation_id).or_default(), item.seq);
                    }
                }
            }
        });
        Self { user, api, client, http, heard }
    }

    /// Sends so many texts in each of these, one after the other, with operations in between.
    pub(crate) async fn talk(self, rooms: Vec<Room>, messages: u64, pause: Duration, mut choice: StdRng) -> Vec<Done> {
        let mut done = Vec::new();
        let mut own: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for number in 0..messages {
            for room in rooms.iter().filter(|room| room.hears(number)) {
                let own = own.entry(room.id).or_default();
                if let Some(said) = self.say(room.id).await {
                    if let Deed::Said { seq, .. } = said {
                        remember(own, seq);
                    }
                    done.push(Done { conversation: room.id, actor: self.user, deed: said, outcome: Outcome::Done });
                }
                let others = self.heard_in(room.id);
                if let Some(deed) = Deed::choose(&mut choice, own, &others, self.user) {
                    done.push(self.carry_out(room.id, deed).await);
                }
                tokio::time::sleep(pause.mul_f64(choice.random())).await;
            }
        }
        done
    }

    /// Says one thing; `None` where the speaker may not.
    pub(crate) async fn say(&self, conversation: ConversationId) -> Option<Deed> {
        let text = format!("{} {}", self.user, Uuid::new_v4());
        match self.client.send(conversation, text.clone()).await {
            Ok(sent) => Some(Deed::Said { seq: sent.seq, text }),
            // Members come and go, and are muted for a while.
            Err(SendError::Refused(error)) if matches!(error.code, ErrorCode::NotAMember | ErrorCode::Muted) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn heard_in(&self, conversation: ConversationId) -> Vec<Seq> {
        self.heard.lock().expect("nobody panics who holds it").get(&conversation).cloned().unwrap_or_default()
    }

    /// Returns the client's state once it has seen everything that it may see.
    pub(crate) async fn caught_up(
        &self,
        conversation: ConversationId,
        picture: &Picture,
        periods: &Periods,
    ) -> Replica {
        let head = picture.log.last().map_or(Seq::ZERO, |item| item.seq);
        let end = periods.last_visible(head).unwrap_or(Seq::ZERO);
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let replica = self.client.snapshot(conversation).await;
            if replica.cursor >= end {
                return replica;
            }
            assert!(Instant::now() < deadline, "{} is at {} of {end}", self.user, replica.cursor);
            self.client.sync();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The receipts of the user's reads reach the newest item of another user.
    pub(crate) async fn read_to_the_end(&self, conversation: ConversationId, picture: &Picture, periods: &Periods) {
        let seen = |item: &&LogItem| item.sender_id != self.user && periods.covers(item.seq);
        let Some(last) = picture.log.iter().rev().find(seen).map(|item| item.seq) else { return };
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let shown = self.shown(conversation).await;
            let read = Seq(shown["read_seq"].as_u64().unwrap_or_default());
            if read >= last {
                return;
            }
            assert!(Instant::now() < deadline, "{} has read up to {read} of {last}: {shown}", self.user);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The server's read watermark of this user never moves back.
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
