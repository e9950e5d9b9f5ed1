//! A client under test: the Rust client with what an app keeps beside it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::domain::{ConversationId, MessageKind, Seq, UserId};
use client::{Api, ApiError, Client, Draft, Endpoints, Event, Pace, Replica, SendError, TokenFuture, TokenSource};
use end_to_end::test_user::{client as http, token};
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::proxy::Proxy;
use crate::scenario::Described;

/// Tokens of a user of the local issuer, with a lifetime.
struct Tokens {
    cloud: &'static Cloud,
    request: Value,
}

impl TokenSource for Tokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok::<_, ApiError>(token(self.cloud, &self.request).await) })
    }
}

/// A text that was said.
#[derive(Debug)]
struct Said {
    text: String,
    /// `None` while it is under way; then the code of its refusal, if it was refused.
    outcome: Arc<Mutex<Option<Result<(), String>>>>,
}

/// A running client.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) client: Client,
    pub(crate) proxy: Proxy,
    conversation: ConversationId,
    user: UserId,
    said: Vec<Said>,
    /// Seq up to which the user has read, as the server has reported it.
    read_seq: Arc<AtomicU64>,
}

impl Player {
    /// Makes a client and connects it through a proxy.
    pub(crate) async fn start(
        cloud: &'static Cloud,
        described: &Described,
        (username, user): (&str, &TestUser),
        conversation: ConversationId,
    ) -> Self {
        let endpoints = &cloud.endpoints;
        let proxy = Proxy::start(endpoints.websocket.clone()).await;
        let mut request = json!({"username": username});
        if let Some(seconds) = described.token_seconds {
            request["expires_in"] = json!(seconds);
        }
        let (http, oidc_token) = (endpoints.http.clone(), endpoints.oidc_token.clone());
        let endpoints = Endpoints { http, websocket: proxy.url.clone(), oidc_token };
        let api = Api::with_tokens(endpoints, Arc::new(Tokens { cloud, request })).expect("an HTTP client");
        let user: UserId = user.user_id.parse().expect("an id");
        let (client, events) = Client::start(Arc::new(api), user, pace(described));
        let read_seq = Arc::<AtomicU64>::default();
        tokio::spawn(note_reads(events, conversation, Arc::clone(&read_seq)));
        Self { client, proxy, conversation, user, said: Vec::new(), read_seq }
    }

    /// Says texts at once. Returns what waits until each has its seq or is refused.
    pub(crate) fn say(&mut self, texts: impl Iterator<Item = String>) -> Vec<JoinHandle<()>> {
        let mut waiting = Vec::new();
        for text in texts {
            let outcome = Arc::<Mutex<Option<Result<(), String>>>>::default();
            let known = self.client.send_draft(self.conversation, Draft { text: text.clone(), ..Draft::default() });
            self.said.push(Said { text, outcome: Arc::clone(&outcome) });
            waiting.push(tokio::spawn(async move {
                let result = known.await.map(drop).map_err(|error| match error {
                    SendError::Refused(error) => code(&json!(error.code)),
                    SendError::Stopped => "stopped".to_owned(),
                });
                *outcome.lock().expect("nothing panics with it") = Some(result);
            }));
        }
        waiting
    }

    /// Reports that the user has seen everything.
    pub(crate) async fn read(&self) {
        self.client.read(self.conversation, self.snapshot().await.cursor);
    }

    pub(crate) fn open(&self) {
        self.client.open(self.conversation);
    }

    pub(crate) async fn snapshot(&self) -> Replica {
        self.client.snapshot(self.conversation).await
    }

    /// Returns the texts that an app shows: those of the log, then those that have no seq. A deleted one is `None`.
    pub(crate) fn texts(&self, replica: &Replica) -> Vec<Option<String>> {
        let of_log = replica.items.values().filter_map(|item| match &item.kind {
            MessageKind::Text(content) => Some(Some(content.text.clone())),
            MessageKind::Deleted { .. } => Some(None),
            _ => None,
        });
        let has_no_seq = |said: &&Said| !matches!(*said.outcome.lock().expect("nothing panics with it"), Some(Ok(())));
        let others = self.said.iter().filter(has_no_seq).map(|said| Some(said.text.clone()));
        of_log.chain(others).collect()
    }

    /// Returns the reactions to a text.
    pub(crate) fn reactions(replica: &Replica, text: &str) -> BTreeMap<String, usize> {
        let says = |kind: &MessageKind| matches!(kind, MessageKind::Text(content) if content.text == text);
        let seq = replica.items.iter().find(|(_, item)| says(&item.kind)).map(|(seq, _)| *seq);
        let reactions = seq.and_then(|seq| replica.reactions.get(&seq)).into_iter().flatten();
        let counts = reactions.map(|(emoji, users)| (emoji.as_str().to_owned(), users.len()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Returns the numbers of refused messages, by code.
    pub(crate) fn failed(&self) -> BTreeMap<String, usize> {
        let mut failed = BTreeMap::new();
        for said in &self.said {
            if let Some(Err(code)) = &*said.outcome.lock().expect("nothing panics with it") {
                *failed.entry(code.clone()).or_default() += 1;
            }
        }
        failed
    }

    /// Counts the texts of others behind what is read.
    pub(crate) fn unread(&self, replica: &Replica) -> usize {
        let read_seq = Seq(self.read_seq.load(Ordering::Relaxed));
        let later = replica.items.range(read_seq.next()..).map(|(_, item)| item);
        later.filter(|item| item.sender_id != self.user && matches!(item.kind, MessageKind::Text(_))).count()
    }
}

/// Keeps the read watermark of the user up to date, and drops all other events.
async fn note_reads(mut events: UnboundedReceiver<Event>, conversation: ConversationId, read_seq: Arc<AtomicU64>) {
    while let Some(event) = events.recv().await {
        let read = match event {
            Event::Conversation(listed) => (listed.conversation_id, listed.read_seq),
            Event::Unread(unread) => (unread.conversation_id, unread.read_seq),
            _ => continue,
        };
        if read.0 == conversation {
            read_seq.fetch_max(read.1.0, Ordering::Relaxed);
        }
    }
}

fn code(code: &Value) -> String {
    code.as_str().unwrap_or_default().to_owned()
}

fn pace(described: &Described) -> Pace {
    let (default, paces) = (Pace::default(), &described.pace);
    let given = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
    Pace {
        answer: given(paces.answer, default.answer),
        sync_every: given(paces.sync, default.sync_every),
        renew_before_expiry: given(paces.renew_before_expiry, default.renew_before_expiry),
        reconnect: (Duration::from_millis(50), Duration::from_secs(1)),
        ..default
    }
}

/// Installs a fault plan of the cloud as the scenario has it.
pub(crate) async fn plan_faults(cloud: &Cloud, plan: &Value) {
    let answer = http().post(format!("{}/faults", cloud.endpoints.control)).json(plan).send().await;
    let status = answer.expect("the control endpoint answers").status();
    assert!(status.is_success(), "the plan is refused: {status}");
}
