//! One connection after another.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::back_off::full_jitter;
use crate::{Api, ApiError, Pace};

/// A message from the connection to its owner.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A connection is up.
    Up,
    Frame(String),
    /// The connection is lost; frames that were not answered will not be.
    Down,
}

/// A command of the connection's owner.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Say this. Lost where no connection is up.
    Frame(String),
    /// Another connection, without a farewell to this one.
    Another,
}

#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("no token")]
    Token(#[from] ApiError),
    #[error("no connection")]
    WebSocket(#[from] Box<WebSocketError>),
    #[error("the token cannot stand in a header")]
    Header(#[from] tokio_tungstenite::tungstenite::http::header::InvalidHeaderValue),
    #[error("no connection in time")]
    Slow(#[from] tokio::time::error::Elapsed),
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Keeps a connection open until its owner is dropped.
pub(crate) async fn keep(
    api: Arc<Api>,
    pace: Pace,
    mut wanted: mpsc::UnboundedReceiver<Wanted>,
    heard: mpsc::UnboundedSender<Heard>,
) {
    let mut failures = 0;
    while !heard.is_closed() {
        match connect(&api, &pace).await {
            Ok(socket) => {
                failures = 0;
                let _ = heard.send(Heard::Up);
                let ended = talk(socket, &pace, &mut wanted, &heard).await;
                // A dropped owner ends the loop.
                let _ = heard.send(Heard::Down);
                if ended.is_break() {
                    return;
                }
            }
            Err(error) => {
                tracing::info!(error = %domain::error::causes(&error), "no connection");
                failures += 1;
            }
        }
        sleep(full_jitter(failures, pace.reconnect.0, pace.reconnect.1)).await;
    }
}

async fn connect(api: &Api, pace: &Pace) -> Result<Socket, ConnectError> {
    let token = api.fresh_token().await?;
    let mut request = api.websocket().into_client_request().map_err(Box::new)?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let (socket, _) = timeout(pace.answer, connect_async(request)).await?.map_err(Box::new)?;
    Ok(socket)
}

/// Runs until the connection ends, or returns `Break` when its owner is dropped.
async fn talk(
    mut socket: Socket,
    pace: &Pace,
    wanted: &mut mpsc::UnboundedReceiver<Wanted>,
    heard: &mpsc::UnboundedSender<Heard>,
) -> ControlFlow<()> {
    let (earliest, latest) = pace.renew;
    let renewal = Instant::now() + earliest + (latest.saturating_sub(earliest)).mul_f64(rand::random());
    let mut ping = Instant::now() + pace.ping;
    // Since a ping has not been answered by anything.
    let mut silent = false;
    loop {
        let frame = tokio::select! {
            frame = socket.next() => {
                match frame {
                    Some(Ok(Message::Text(text))) => {
                        let _ = heard.send(Heard::Frame(text.to_string()));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return ControlFlow::Continue(()),
                }
                (ping, silent) = (Instant::now() + pace.ping, false);
                continue;
            }
            wanted = wanted.recv() => match wanted {
                Some(Wanted::Frame(frame)) => frame,
                Some(Wanted::Another) => return ControlFlow::Continue(()),
                None => {
                    // The server finds out by itself where this does not reach it.
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
