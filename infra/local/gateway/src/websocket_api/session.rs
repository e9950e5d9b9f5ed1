//! One open connection: frames in, frames out, and the end.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::connections::Connection;
use super::end::End;
use super::event::Events;
use super::gateway::Gateway;
use super::{integration, reply};
use crate::http_api::Stamp;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A connection that is over but for what is still to be sent.
type Rest = (Socket, mpsc::Receiver<Message>);

/// Size of one read from a socket. The buffer is allocated per connection, so it is small.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Time that a client may take to read the rest and the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs a connection from its upgrade to its `$disconnect`.
pub(super) async fn run(
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    queue: mpsc::Receiver<Message>,
    upgrade: OnUpgrade,
) {
    gateway.stats.opened();
    let session = Session {
        in_flight: Arc::new(Semaphore::new(gateway.limits.in_flight)),
        gateway: gateway.clone(),
        connection: connection.clone(),
    };
    let (end, rest) = match upgrade.await {
        Ok(upgraded) => session.converse(upgraded, queue).await,
        Err(error) => {
            tracing::debug!(%error, "the client left during its handshake");
            (End::vanished(), None)
        }
    };
    gateway.connections.remove(&connection.origin.connection_id);
    gateway.stats.closed();

    // `$disconnect` does not wait for a client that is slow to hang up.
    tokio::join!(session.farewell(rest, &end), session.disconnect(&end));
}

struct Session {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    in_flight: Arc<Semaphore>,
}

impl Session {
    async fn converse(&self, upgraded: Upgraded, mut queue: mpsc::Receiver<Message>) -> (End, Option<Rest>) {
        let limits = &self.gateway.limits;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(READ_BUFFER_BYTES)
            .max_frame_size(Some(limits.frame))
            .max_message_size(Some(limits.message));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let (mut sink, mut stream) = socket.split();

        let end = tokio::select! {
            end = self.receive(&mut stream) => end,
            end = self.send(&mut sink, &mut queue) => end,
            end = self.expire() => end,
            end = self.connection.ended() => end,
            () = self.gateway.shutdown.cancelled() => End::going_away(),
        };
        // Later posts get 410 Gone; messages that were accepted before are still sent.
        self.gateway.connections.remove(&self.connection.origin.connection_id);
        queue.close();
        // The two halves are of one socket.
        (end, sink.reunite(stream).ok().map(|socket| (socket, queue)))
    }

    async fn receive(&self, stream: &mut SplitStream<Socket>) -> End {
        while let Some(frame) = stream.next().await {
            self.connection.touch();
            match frame {
                Ok(Message::Text(text)) => {
                    self.gateway.stats.received(text.len());
                    self.dispatch(text).await;
                }
                Ok(Message::Binary(_)) => return End::binary(),
                Ok(Message::Close(frame)) => return End::by_client(frame),
                // The library answers pings.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(error) => return End::by_error(&error),
            }
        }
        End::vanished()
    }

    /// Starts the invocation for a message. Messages are started in the order in which they came: the first step of
    /// each, which hands it to Lambda, happens here. They run side by side, as on AWS.
    async fn dispatch(&self, text: Utf8Bytes) {
        // The semaphore is never closed.
        let permit = self.in_flight.clone().acquire_owned().await;
        let (gateway, connection) = (self.gateway.clone(), self.connection.clone());
        let mut invocation = Box::pin(async move {
            reply::answer(&gateway, &connection, text).await;
            drop(permit);
        });
        // Tokio's budget must not cut the step short.
        let first_step = poll_fn(|context| Poll::Ready(invocation.as_mut().poll(context)));
        if unconstrained(first_step).await.is_pending() {
            self.gateway.tasks.spawn(invocation);
        }
    }

    async fn send(&self, sink: &mut SplitSink<Socket, Message>, queue: &mut mpsc::Receiver<Message>) -> End {
        while let Some(message) = queue.recv().await {
            if let Err(error) = self.send_all(sink, message, queue).await {
                return End::by_error(&error);
            }
        }
        // The connection itself holds a sender.
        End::vanished()
    }

    /// Sends a message and those that wait behind it with as few writes as possible.
    async fn send_all<S>(&self, sink: &mut S, first: Message, queue: &mut mpsc::Receiver<Message>) -> Result<(), Error>
    where
        S: SinkExt<Message, Error = Error> + Unpin,
    {
        let mut next = Some(first);
        while let Some(message) = next {
            let size = message.len();
            sink.feed(message).await?;
            self.gateway.stats.sent(size);
            self.connection.touch();
            next = queue.try_recv().ok();
        }
        sink.flush().await
    }

    /// Ends when the connection has been idle for too long or has lived long enough.
    async fn expire(&self) -> End {
        let limits = &self.gateway.limits;
        let last_day = Instant::now() + limits.lifetime;
        loop {
            let idle_until = self.connection.last_active() + limits.idle;
            let next = idle_until.min(last_day);
            if next <= Instant::now() {
                return End::going_away();
            }
            sleep_until(next).await;
        }
    }

    /// Sends what is queued and the close frame, then waits for the client to hang up: closing a socket that still has
    /// input unread would reset it, and the client might never see the code.
    async fn farewell(&self, rest: Option<Rest>, end: &End) {
        let Some((mut socket, mut queue)) = rest else {
            return;
        };
        let farewell = async {
            if let Some(frame) = end.close_frame() {
                if let Ok(first) = queue.try_recv() {
                    self.send_all(&mut socket, first, &mut queue).await?;
                }
                socket.close(Some(frame)).await?;
            } else {
                socket.flush().await?;
            }
            let mut raw = socket.into_inner();
            raw.shutdown().await?;
            tokio::io::copy(&mut raw, &mut tokio::io::sink()).await?;
            Ok::<_, Error>(())
        };
        match timeout(CLOSE_TIMEOUT, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the client left before the closing handshake was complete"),
            Err(_) => tracing::debug!("the client did not close the connection in time"),
        }
    }

    /// Invokes `$disconnect`, if the API has it. A failure is only logged, because the client is disconnected.
    async fn disconnect(&self, end: &End) {
        let Some(route) = self.gateway.api.routes.get("$disconnect") else {
            return;
        };
        let stamp = Stamp::now();
        let events = Events { api: &self.gateway.api, origin: &self.connection.origin, stamp: &stamp };
        // The semaphore is never closed.
        let _turn = self.gateway.disconnects.acquire().await;
        let _ = integration::invoke(&self.gateway.lambda, route, events.disconnect(&end.event())).await;
    }
}
