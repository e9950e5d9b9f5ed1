//! Frames to connections, through API Gateway's `@connections`.

mod requests;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use domain::error::causes;
use domain::protocol::Push;
use domain::{Address, ApiError, Message, Pushed, Timestamp};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior, interval};

use self::requests::{Failure, Requests};
use crate::StoreError;

/// Time that all pushes of one invocation may take together. A client that misses a push repairs it with its next sync.
const PUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections of failed posts that a log line names.
const LOGGED_CONNECTIONS: usize = 10;

/// Posts under way at once.
const CONCURRENCY: usize = 64;

/// A connection id that API Gateway never assigns: a post to it opens the TLS connection and nothing else.
const PROBE_CONNECTION_ID: &str = "AAAAAAAAAAAAAAA=";

/// Posts frames to connections.
#[derive(Clone, Debug)]
pub struct ConnectionsApi {
    requests: Arc<Requests>,
}

/// A frame for one connection.
#[derive(Clone, Debug)]
pub struct Frame<'c, 'j> {
    /// API Gateway's id of the connection.
    pub connection_id: &'c str,
    pub json: &'j str,
}

/// A rate of posts: all posts of an account share one quota.
#[derive(Debug)]
pub struct Pace(Interval);

impl Pace {
    /// At most this many posts a second; one at least. Time that was not used is not made up for.
    pub fn per_second(posts: u32) -> Self {
        let mut interval = interval(Duration::from_secs(1) / posts.max(1));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }
}

enum Posted {
    Delivered,
    Gone,
    Failed,
}

impl ConnectionsApi {
    /// For the WebSocket API with this `@connections` endpoint (`https://…/<stage>`). The variables of the SDK for endpoints take
    /// precedence. Fails if the configuration has no region or no credentials.
    pub fn new(config: &SdkConfig, http: SharedHttpConnector, endpoint: String) -> Result<Self, StoreError> {
        Ok(Self { requests: Arc::new(Requests::new(config, http, endpoint)?) })
    }

    /// Opens the connection to API Gateway during init, when time is free.
    pub async fn warm_up(&self) {
        // The answer is always 410 or 403, and either will do.
        let _ = self.post(&Frame { connection_id: PROBE_CONNECTION_ID, json: "" }).await;
    }

    /// Posts all frames at once, within one second together.
    ///
    /// Throttling and server errors are tried again within that second. Failures are logged, never returned:
    /// nothing that was accepted depends on a push.
    pub async fn push<'c, 'j>(&self, frames: impl IntoIterator<Item = Frame<'c, 'j>>) -> Pushed {
        self.push_within(frames.into_iter().collect(), PUSH_TIMEOUT, None).await
    }

    /// Posts frames concurrently, as fast as `pace` allows, until `deadline`. Failures are handled as in
    /// [`ConnectionsApi::push`].
    pub async fn push_at(&self, pace: &mut Pace, frames: Vec<Frame<'_, '_>>, deadline: Timestamp) -> Pushed {
        self.push_within(frames, deadline.since(Timestamp::now()), Some(pace)).await
    }

    async fn push_within(&self, frames: Vec<Frame<'_, '_>>, timeout: Duration, pace: Option<&mut Pace>) -> Pushed {
        let total = frames.len();
        let mut gone = Vec::new();
        let (mut delivered, mut failed) = (0_usize, Vec::new());
        let paced = stream::unfold((frames.into_iter(), pace), async |(mut frames, mut pace)| {
            let frame = frames.next()?;
            if let Some(pace) = &mut pace {
                pace.0.tick().await;
            }
            Some((frame, (frames, pace)))
        });
        let posts = paced.map(|frame| async move { (self.post(&frame).await, frame.connection_id) });
        let mut posts = std::pin::pin!(posts.buffer_unordered(CONCURRENCY));
        let all = async {
            while let Some((posted, connection_id)) = posts.next().await {
                match posted {
                    Posted::Delivered => delivered += 1,
                    Posted::Gone => gone.push(connection_id.to_owned()),
                    Posted::Failed => failed.push(connection_id),
                }
            }
        };
        let in_time = crate::clock::timeout(timeout, all).await.is_ok();
        if !failed.is_empty() || !in_time {
            let connection_ids = &failed[..failed.len().min(LOGGED_CONNECTIONS)];
            let (gone, failed) = (gone.len(), failed.len());
            tracing::warn!(?connection_ids, total, delivered, gone, failed, in_time, "some frames were not delivered");
        }
        Pushed { gone, in_time }
    }

    /// Posts a message: to its sender with the `client_message_id`, to others without.
    pub async fn push_message(&self, message: &Message, to: &[Address<'_>]) -> Result<Pushed, ApiError> {
        let own = encode(&Push::from(message.clone()))?;
        let others = encode(&Push::from(Message { client_message_id: None, ..message.clone() }))?;
        let frames = to.iter().map(|address| Frame {
            connection_id: address.connection_id,
            json: if address.user_id == message.sender_id { &own } else { &others },
        });
        Ok(self.push(frames).await)
    }

    /// A last frame, then the end of the connection.
    pub async fn close_with_frame(&self, connection_id: &str, json: &str) {
        // If this fails, the client sees the connection close all the same.
        let _ = self.post(&Frame { connection_id, json }).await;
        self.close([connection_id]).await;
    }

    /// Closes connections. Failures are ignored: the frames of a connection that remains open are refused when its token has
    /// expired.
    pub async fn close<'a>(&self, connection_ids: impl IntoIterator<Item = &'a str>) {
        for connection_id in connection_ids {
            if let Err(error) = self.requests.delete(connection_id).await {
                tracing::debug!(connection_id, error = causes(&error), "a connection could not be closed");
            }
        }
    }

    /// Closes a connection; false if it is not open, or if API Gateway did not do it.
    pub async fn close_open(&self, connection_id: &str) -> bool {
        let closed = self.requests.delete(connection_id).await;
        closed.inspect_err(|error| tracing::debug!(connection_id, error = causes(error), "not closed")).is_ok()
    }

    async fn post(&self, frame: &Frame<'_, '_>) -> Posted {
        match self.requests.post(frame.connection_id, frame.json).await {
            Ok(()) => Posted::Delivered,
            Err(Failure::Gone) => Posted::Gone,
            Err(error) => {
                tracing::debug!(connection_id = frame.connection_id, error = causes(&error), "a frame was not posted");
                Posted::Failed
            }
        }
    }
}

pub fn encode(frame: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(frame).map_err(ApiError::internal)
}
