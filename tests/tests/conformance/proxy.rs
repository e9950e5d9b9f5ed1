//! A WebSocket proxy between a client and the local cloud that loses, delays and cuts what it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{accept_hdr_async, connect_async};

use crate::scenario::{Answers, Network};

/// Frames that push items.
const ITEM_PUSHES: [&str; 5] = ["message", "messages", "message_edited", "message_deleted", "reaction"];

/// What happens to the frames of the server. Numbers count down.
#[derive(Debug, Default)]
struct Faults {
    lose_answers: Option<Answers>,
    cut_at_answers: Option<Answers>,
    lose_pushes: u64,
    delay: Duration,
    offline: bool,
}

/// What the proxy does with a frame of the server.
enum Fate {
    Passes(Duration),
    IsLost,
    CutsTheConnection,
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    /// Action and id of all frames that the client has sent.
    frames: Vec<(String, Option<String>)>,
    /// Connections that the server has accepted.
    accepted: usize,
    /// The connections so far: their ends, and the way to send a frame to the client.
    connections: Vec<(AbortHandle, mpsc::UnboundedSender<String>)>,
}

/// The proxy of one client.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

impl Proxy {
    /// Listens on a free port, before a WebSocket API.
    pub(crate) async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut locked = lock(&shared);
                if locked.faults.offline {
                    continue;
                }
                let (injected, to_inject) = mpsc::unbounded_channel();
                let connection = connect(stream, upstream.clone(), Arc::clone(&shared), to_inject);
                locked.connections.push((tokio::spawn(connection).abort_handle(), injected));
            }
        });
        Self { url, state, listening }
    }

    /// Changes what the proxy does. A network that is back has no other faults.
    pub(crate) fn change(&self, network: &Network) {
        let mut state = lock(&self.state);
        let faults = &mut state.faults;
        if let Some(answers) = &network.lose_answers {
            faults.lose_answers = Some(answers.clone());
        }
        if let Some(answers) = &network.cut_at_answers {
            faults.cut_at_answers = Some(answers.clone());
        }
        faults.lose_pushes = network.lose_pushes.unwrap_or(faults.lose_pushes);
        faults.delay = network.delay.map_or(faults.delay, Duration::from_millis);
        faults.offline = network.offline.unwrap_or(faults.offline);
        if network.offline == Some(false) {
            *faults = Faults::default();
        }
        if let Some(frame) = &network.inject {
            for (_, injected) in &state.connections {
                // A connection that has ended takes none.
                let _ = injected.send(frame.clone());
            }
        }
        drop(state);
        if network.cut || network.offline == Some(true) {
            self.cut();
        }
    }

    /// Cuts all connections, without a close frame.
    fn cut(&self) {
        for (connection, _) in lock(&self.state).connections.drain(..) {
            connection.abort();
        }
    }

    /// Number of connections that the server has accepted.
    pub(crate) fn accepted(&self) -> usize {
        lock(&self.state).accepted
    }

    /// Numbers of frames with these actions.
    pub(crate) fn sent<'a>(&self, actions: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
        let state = lock(&self.state);
        let count = |action: &String| state.frames.iter().filter(|(sent, _)| sent == action).count();
        actions.map(|action| (action.clone(), count(action))).collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nothing panics with the state")
}

/// Passes frames on until one of the two ends.
async fn connect(
    stream: TcpStream,
    upstream: String,
    state: Arc<Mutex<State>>,
    mut injected: mpsc::UnboundedReceiver<String>,
) {
    let mut authorization: Option<HeaderValue> = None;
    #[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let callback = |request: &Request, response: Response| {
        authorization = request.headers().get("authorization").cloned();
        Ok(response)
    };
    let Ok(mut client) = accept_hdr_async(stream, callback).await else { return };
    let mut request = upstream.into_client_request().expect("an address");
    if let Some(token) = authorization {
        request.headers_mut().insert("authorization", token);
    }
    let Ok((mut server, _)) = connect_async(request).await else { return };
    lock(&state).accepted += 1;
    let mut delayed = VecDeque::<(Instant, Message)>::new();
    loop {
        let due = delayed.front().map(|(due, _)| *due);
        let passed = tokio::select! {
            frame = client.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    lock(&state).record(&text);
                    server.send(Message::Text(text)).await
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                _ => {
                    let _ = server.close(None).await;
                    return;
                }
            },
            frame = server.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let fate = lock(&state).fate(&text);
                    match fate {
                        Fate::Passes(delay) => delayed.push_back((Instant::now() + delay, Message::Text(text))),
                        Fate::IsLost => {}
                        Fate::CutsTheConnection => return,
                    }
                    Ok(())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                _ => {
                    let _ = client.close(None).await;
                    return;
                }
            },
            Some(frame) = injected.recv() => client.send(Message::text(frame)).await,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => match delayed.pop_front() {
                Some((_, frame)) => client.send(frame).await,
                None => Ok(()),
            },
        };
        if passed.is_err() {
            return;
        }
    }
}

impl State {
    /// Records a frame of the client.
    fn record(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).expect("a client sends JSON");
        let field = |name: &str| frame[name].as_str().map(str::to_owned);
        self.frames.push((field("action").expect("a frame has an action"), field("id")));
    }

    /// Decides on a frame of the server.
    fn fate(&mut self, text: &str) -> Fate {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let answered = frame["reply_to"].as_str().and_then(|id| {
            let sent = self.frames.iter().rev().find(|(_, sent)| sent.as_deref() == Some(id));
            sent.map(|(action, _)| action.clone())
        });
        if let Some(action) = answered {
            if counts(&mut self.faults.lose_answers, &action) {
                return Fate::IsLost;
            }
            if counts(&mut self.faults.cut_at_answers, &action) {
                return Fate::CutsTheConnection;
            }
        } else if self.faults.lose_pushes > 0 && ITEM_PUSHES.iter().any(|kind| frame["type"] == *kind) {
            self.faults.lose_pushes -= 1;
            return Fate::IsLost;
        }
        Fate::Passes(self.faults.delay)
    }
}

/// Returns true if the rule concerns the action, and counts it.
fn counts(rule: &mut Option<Answers>, action: &str) -> bool {
    let rule = rule.as_mut().filter(|rule| rule.action == action && rule.count > 0);
    rule.is_some_and(|rule| {
        rule.count -= 1;
        true
    })
}
