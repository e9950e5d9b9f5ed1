//! A connection to the WebSocket API.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use crate::Cloud;
use crate::cloud::Endpoints;

/// Time that a frame may take to arrive, cold starts on a busy machine included.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that arrived while another one was awaited.
    buffered: VecDeque<Value>,
}

impl Socket {
    /// Connects with a token.
    ///
    /// # Panics
    ///
    /// Where that is refused.
    pub async fn connect(endpoints: &Endpoints, token: &str) -> Self {
        let mut request = handshake_at(endpoints);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
        Self::open(request).await.expect("a connection")
    }

    /// Connects with a handshake of one's own; the status where it is refused.
    ///
    /// # Panics
    ///
    /// Where there is no answer at all.
    pub async fn open(request: Request) -> Result<Self, u16> {
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, buffered: VecDeque::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer to the handshake: {error}"),
        }
    }

    /// Sends a frame.
    ///
    /// # Panics
    ///
    /// If the connection has ended.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends text that need not be JSON.
    ///
    /// # Panics
    ///
    /// If the connection has ended.
    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("the connection is open");
    }

    /// Sends a frame with an id of its own and gives back the answer to it.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        let id = Uuid::new_v4().to_string();
        frame["id"] = json!(id);
        self.send(&frame).await;
        self.find(|frame| frame["reply_to"] == json!(id)).await
    }

    /// Sends a frame and returns the answer; `None` if the connection ends first.
    pub async fn ask_if_open(&mut self, mut frame: Value) -> Option<Value> {
        let id = Uuid::new_v4().to_string();
        frame["id"] = json!(id);
        self.stream.send(Message::text(frame.to_string())).await.ok()?;
        self.find_if_open(|frame| frame["reply_to"] == json!(id)).await.ok()
    }

    /// Takes the frame of this type that came while others were expected.
    pub fn take_buffered(&mut self, kind: &str) -> Option<Value> {
        let at = self.buffered.iter().position(|frame| frame["type"] == kind)?;
        self.buffered.remove(at)
    }

    /// Returns the next frame of this type; other frames are kept for later calls.
    pub async fn next(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// Returns the next frame of any type; `None` if none arrives within `timeout`.
    ///
    /// # Panics
    ///
    /// If the connection has ended, or a frame is not JSON.
    pub async fn next_within(&mut self, timeout: Duration) -> Option<Value> {
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            match tokio::time::timeout_at(deadline, self.stream.next()).await.ok()? {
                Some(Ok(ignored)) if means_nothing(&ignored) => {}
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("frames are JSON")),
                other => panic!("the connection was closed: {other:?}"),
            }
        }
    }

    /// Everything that was pushed before now: a ping's answer comes behind it.
    ///
    /// # Panics
    ///
    /// Where a ping is answered by anything else.
    pub async fn pushed(&mut self) -> Vec<Value> {
        let pong = self.ask(json!({"action": "ping"})).await;
        assert_eq!(pong["type"], "pong", "{pong}");
        self.buffered.drain(..).collect()
    }

    /// Waits until the server ends the connection.
    ///
    /// # Panics
    ///
    /// Where it does not.
    pub async fn wait_until_closed(mut self) {
        let end = async { while let Some(Ok(_)) = self.stream.next().await {} };
        tokio::time::timeout(WAIT_TIMEOUT, end).await.expect("the server closes the connection");
    }

    /// Waits until the server ends the connection, which sends no frame until then.
    ///
    /// # Panics
    ///
    /// If a frame arrives, or the connection stays.
    pub async fn wait_until_closed_without_frames(mut self) {
        assert!(self.buffered.is_empty(), "{:?}", self.buffered);
        let end = async {
            while let Some(Ok(frame)) = self.stream.next().await {
                assert!(!frame.is_text(), "{frame}");
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, end).await.expect("the server closes the connection");
    }

    /// Asks for a sign of life; `None` if the server has ended the connection.
    ///
    /// # Panics
    ///
    /// Where neither happens in time.
    pub async fn if_open(mut self) -> Option<Self> {
        self.ask_if_open(json!({"action": "ping"})).await.map(|_| self)
    }

    /// Disconnects without a close frame, like a phone that loses its network.
    pub fn disconnect_abruptly(self) {
        drop(self);
    }

    async fn find(&mut self, is_expected: impl Fn(&Value) -> bool) -> Value {
        match self.find_if_open(is_expected).await {
            Ok(frame) => frame,
            Err(end) => panic!("the connection was closed: {end}; frames before: {:?}", self.buffered),
        }
    }

    /// Returns the end of the connection if it comes first.
    async fn find_if_open(&mut self, is_expected: impl Fn(&Value) -> bool) -> Result<Value, String> {
        if let Some(at) = self.buffered.iter().position(&is_expected) {
            return Ok(self.buffered.remove(at).unwrap_or_default());
        }
        let received = tokio::time::timeout(WAIT_TIMEOUT, async {
            loop {
                match self.stream.next().await {
                    Some(Ok(ignored)) if means_nothing(&ignored) => {}
                    Some(Ok(Message::Text(text))) => {
                        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                        if is_expected(&frame) {
                            return Ok(frame);
                        }
                        self.buffered.push_back(frame);
                    }
                    other => return Err(format!("{other:?}")),
                }
            }
        });
        received
            .await
            .unwrap_or_else(|_| panic!("timed out waiting for the frame; others arrived: {:?}", self.buffered))
    }
}

/// Returns true for frames that clients ignore. An empty one is the answer of a function that has nothing to say.
fn means_nothing(frame: &Message) -> bool {
    match frame {
        Message::Ping(_) | Message::Pong(_) => true,
        Message::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// A handshake without a token.
///
/// # Panics
///
/// Where the cloud's URL is none.
pub fn handshake(cloud: &Cloud) -> Request {
    handshake_at(&cloud.endpoints)
}

fn handshake_at(endpoints: &Endpoints) -> Request {
    endpoints.websocket.as_str().into_client_request().expect("a WebSocket URL")
}
