//! One connection after another.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::back_off::full_jitter;
use crate::token::remaining_lifetime;
use crate::{Api, ApiError, Pace, Refusal};

/// A message from the connection to its owner.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A connection is up.
    Up,
    Frame(String),
    /// The connection is lost; frames that were not answered will not be.
    Down,
    /// The last message: the server does not take this user's connections.
    Refused(Refusal),
}

/// A command of the connection's owner.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send this frame. It is lost if no connection is up.
    Frame(String),
    /// Abandon this connection without closing it, and make another.
    Reconnect,
}

#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("the token source failed")]
    Token(#[from] ApiError),
    #[error("{refusal}")]
    Refused { refusal: Refusal, token: String },
    #[error("cannot connect")]
    WebSocket(#[from] Box<WebSocketError>),
    #[error("the token contains characters that are not allowed in a header")]
    Header(#[from] tokio_tungstenite::tungstenite::http::header::InvalidHeaderValue),
    #[error("the connection timed out")]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// Handshakes that are refused in a row before the client stops, with another token each time.
const MAX_REFUSED_TOKENS: u32 = 3;

/// The tokens that were refused since the last connection.
#[derive(Debug, Default)]
struct RefusedTokens {
    count: u32,
    last: Option<String>,
}

impl RefusedTokens {
    /// Counts a refusal. Returns true if another attempt would meet the same: the source has no other token, or its tokens are
    /// not accepted either.
    fn is_final(&mut self, refusal: Refusal, token: String) -> bool {
        self.count += 1;
        let is_same = self.last.as_ref() == Some(&token);
        self.last = Some(token);
        refusal == Refusal::UserDeleted || is_same || self.count >= MAX_REFUSED_TOKENS
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Keeps a connection open until its owner is dropped.
pub(crate) async fn keep(
    api: Arc<Api>,
    pace: Pace,
    mut commands: mpsc::UnboundedReceiver<Command>,
    incoming: mpsc::UnboundedSender<Incoming>,
) {
    let (mut failures, mut refused) = (0, RefusedTokens::default());
    while !incoming.is_closed() {
        match connect(&api, &pace).await {
            Ok((socket, renewal)) => {
                (failures, refused) = (0, RefusedTokens::default());
                let _ = incoming.send(Incoming::Up);
                let ended = run(socket, renewal, &pace, &mut commands, &incoming).await;
                // A dropped owner ends the loop.
                let _ = incoming.send(Incoming::Down);
                if ended.is_break() {
                    return;
                }
            }
            Err(error) => {
                tracing::info!(error = %domain::error::causes(&error), "the connection failed");
                if let ConnectError::Refused { refusal, token } = error
                    && refused.is_final(refusal, token)
                {
                    let _ = incoming.send(Incoming::Refused(refusal));
                    return;
                }
                failures += 1;
            }
        }
        sleep(full_jitter(failures, pace.reconnect.0, pace.reconnect.1)).await;
    }
}

/// Connects with a token of the source. Returns the time of the renewal as well.
async fn connect(api: &Api, pace: &Pace) -> Result<(Socket, Instant), ConnectError> {
    let token = timeout(pace.answer, api.fresh_token()).await??;
    let lifetime = remaining_lifetime(&token, SystemTime::now());
    let renewal = Instant::now() + time_to_renewal(lifetime, rand::random(), pace);
    let mut request = api.websocket().into_client_request().map_err(Box::new)?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let error = match timeout(pace.answer, connect_async(request)).await? {
        Ok((socket, _)) => return Ok((socket, renewal)),
        Err(error) => error,
    };
    if let WebSocketError::Http(response) = &error
        && matches!(response.status().as_u16(), 401 | 403)
        && let Some(refusal) = timeout(pace.answer, api.refusal(&token)).await?
    {
        return Err(ConnectError::Refused { refusal, token });
    }
    Err(Box::new(error).into())
}

/// Returns the time after which a connection is renewed, for a token with this remaining lifetime and a random number between
/// 0 and 1.
fn time_to_renewal(lifetime: Option<Duration>, random: f64, pace: &Pace) -> Duration {
    let (earliest, latest) = pace.renew;
    let age = earliest + latest.saturating_sub(earliest).mul_f64(random);
    let Some(lifetime) = lifetime else { return age };
    match lifetime.saturating_sub(pace.renew_before_expiry) {
        // A token that is about to expire is used up: renewal at once would meet the same token, in a loop.
        Duration::ZERO => lifetime.min(age),
        early => early.min(age),
    }
}

/// Runs until the connection ends, or returns `Break` when its owner is dropped.
async fn run(
    mut socket: Socket,
    renewal: Instant,
    pace: &Pace,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    incoming: &mpsc::UnboundedSender<Incoming>,
) -> ControlFlow<()> {
    let mut ping = Instant::now() + pace.ping;
    // Since a ping has not been answered by anything.
    let mut silent = false;
    loop {
        let frame = tokio::select! {
            frame = socket.next() => {
                match frame {
                    // An empty frame has no content, but shows that the connection works.
                    Some(Ok(Message::Text(text))) if text.is_empty() => {}
                    Some(Ok(Message::Text(text))) => {
                        let _ = incoming.send(Incoming::Frame(text.to_string()));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return ControlFlow::Continue(()),
                }
                (ping, silent) = (Instant::now() + pace.ping, false);
                continue;
            }
            command = commands.recv() => match command {
                Some(Command::Frame(frame)) => frame,
                Some(Command::Reconnect) => return ControlFlow::Continue(()),
                None => {
                    // The server detects the end itself if this frame does not arrive.
                    let _ = socket.close(None).await;
                    return ControlFlow::Break(());
                }
            },
            () = sleep_until(ping) => {
                if silent {
                    return ControlFlow::Continue(());
                }
                (ping, silent) = (Instant::now() + pace.answer, true);
                r#"{"action":"ping","id":"ping"}"#.to_owned()
            }
            () = sleep_until(renewal) => {
                let _ = socket.close(None).await;
                return ControlFlow::Continue(());
            }
        };
        if socket.send(Message::text(frame)).await.is_err() {
            return ControlFlow::Continue(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_hdr_async;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

    use super::*;
    use crate::token::tests::jwt;
    use crate::{Endpoints, TokenFuture, TokenSource};

    const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Returns tokens with this lifetime, and keeps them.
    struct ShortLived {
        lifetime: Duration,
        issued: Mutex<Vec<String>>,
    }

    impl ShortLived {
        fn new(lifetime: Duration) -> Arc<Self> {
            Arc::new(Self { lifetime, issued: Mutex::default() })
        }
    }

    impl TokenSource for ShortLived {
        fn token(&self) -> TokenFuture<'_> {
            let expiry = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + self.lifetime;
            let mut issued = self.issued.lock().unwrap();
            let token = jwt(&json!({"exp": expiry.as_secs_f64(), "jti": issued.len()}));
            issued.push(token.clone());
            Box::pin(std::future::ready(Ok(token)))
        }
    }

    /// A server for one client, and the client's channels.
    struct Server {
        listener: TcpListener,
        commands: mpsc::UnboundedSender<Command>,
        incoming: mpsc::UnboundedReceiver<Incoming>,
    }

    impl Server {
        async fn new(tokens: Arc<ShortLived>, pace: Pace) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let websocket = format!("ws://{}", listener.local_addr().unwrap());
            let endpoints = Endpoints { http: String::new(), websocket, oidc_token: String::new() };
            let api = Arc::new(Api::with_tokens(endpoints, tokens).unwrap());
            let (commands, commands_received) = mpsc::unbounded_channel();
            let (sender, incoming) = mpsc::unbounded_channel();
            tokio::spawn(keep(api, pace, commands_received, sender));
            Self { listener, commands, incoming }
        }

        /// Accepts the next connection. Returns its token as well.
        async fn accept(&self) -> (WebSocketStream<TcpStream>, String) {
            let (stream, _) = timeout(WAIT_TIMEOUT, self.listener.accept()).await.expect("a connection").unwrap();
            let mut token = String::new();
            #[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
            let callback = |request: &Request, response: Response| {
                let header = request.headers()["authorization"].to_str().unwrap();
                header.strip_prefix("Bearer ").unwrap().clone_into(&mut token);
                Ok(response)
            };
            let socket = accept_hdr_async(stream, callback).await.unwrap();
            (socket, token)
        }
    }

    #[test]
    fn renewal_comes_one_minute_before_expiry_or_within_two_hours() {
        let (pace, minutes) = (Pace::default(), Duration::from_mins);
        assert_eq!(time_to_renewal(Some(minutes(60)), 0.5, &pace), minutes(59));
        assert_eq!(time_to_renewal(Some(Duration::from_secs(90)), 0.5, &pace), Duration::from_secs(30));
        for lifetime in [None, Some(minutes(24 * 60)), Some(Duration::MAX)] {
            assert_eq!(time_to_renewal(lifetime, 0.0, &pace), minutes(100));
            assert_eq!(time_to_renewal(lifetime, 0.5, &pace), minutes(109));
            assert_eq!(time_to_renewal(lifetime, 1.0, &pace), minutes(118));
        }
    }

    #[test]
    fn tokens_in_their_last_minute_are_used_until_they_expire() {
        let pace = Pace::default();
        for seconds in [1, 59, 60] {
            let lifetime = Duration::from_secs(seconds);
            assert_eq!(time_to_renewal(Some(lifetime), 0.5, &pace), lifetime);
        }
    }

    #[tokio::test]
    async fn connection_is_renewed_with_another_token_before_expiry() {
        let reconnect = (Duration::ZERO, Duration::ZERO);
        let pace = Pace { renew_before_expiry: Duration::from_millis(1500), reconnect, ..Pace::default() };
        let tokens = ShortLived::new(Duration::from_secs(2));
        let mut server = Server::new(Arc::clone(&tokens), pace).await;
        let started = Instant::now();
        let (mut first, first_token) = server.accept().await;
        assert!(matches!(timeout(WAIT_TIMEOUT, first.next()).await, Ok(Some(Ok(Message::Close(_))))));
        let (_second, second_token) = server.accept().await;
        assert!(started.elapsed() < tokens.lifetime, "renewed after {:?}", started.elapsed());
        assert_eq!(*tokens.issued.lock().unwrap(), [first_token, second_token]);
        for expected in ["Up", "Down", "Up"] {
            let incoming = timeout(WAIT_TIMEOUT, server.incoming.recv()).await.unwrap().unwrap();
            assert_eq!(format!("{incoming:?}"), expected);
        }
        drop(server.commands);
    }

    #[tokio::test]
    async fn empty_text_frames_are_ignored() {
        let mut server = Server::new(ShortLived::new(Duration::from_hours(1)), Pace::default()).await;
        let (mut socket, _) = server.accept().await;
        for frame in ["", r#"{"type":"from_the_future"}"#, ""] {
            socket.send(Message::text(frame)).await.unwrap();
        }
        socket.close(None).await.unwrap();
        for expected in ["Up", r#"Frame("{\"type\":\"from_the_future\"}")"#, "Down"] {
            let incoming = timeout(WAIT_TIMEOUT, server.incoming.recv()).await.unwrap().unwrap();
            assert_eq!(format!("{incoming:?}"), expected);
        }
        drop(server.commands);
    }
}
