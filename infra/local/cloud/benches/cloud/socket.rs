//! A WebSocket client that takes little memory, so that one process holds thousands.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Failure;

/// Longer than any answer takes: a connection that is silent for so long is dead.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        let host = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self(socket))
    }

    /// Sends a text and takes the echo: how long that took, and what the function put before the text.
    pub(crate) async fn echo(&mut self, text: &str) -> Result<(Duration, String), Failure> {
        let begun = Instant::now();
        self.0.send(Message::text(text)).await?;
        let echo = self.text().await?;
        let took = begun.elapsed();
        match echo.strip_suffix(text) {
            Some(id) => Ok((took, id.to_owned())),
            None => Err(format!("not an echo of {text}: {echo}").into()),
        }
    }

    pub(crate) async fn text(&mut self) -> Result<String, Failure> {
        let frame = tokio::time::timeout(TIMEOUT, self.0.next()).await.map_err(|_| "no frame came")?;
        match frame.ok_or("the connection has ended")?? {
            Message::Text(text) => Ok(text.to_string()),
            other => Err(format!("not a text: {other:?}").into()),
        }
    }
}
