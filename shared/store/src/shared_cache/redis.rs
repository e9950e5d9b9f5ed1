//! A server that speaks Redis' protocol, and how long it is waited for.
//!
//! A send waits for it for milliseconds, not for the seconds of an AWS call: the reads that it saves take a few milliseconds themselves.
//! A server that does not answer in time is left alone for a while. One that ended the connection, as after a long pause of the
//! process, is connected to again at once.
//!
//! ElastiCache Serverless runs in cluster mode: commands of one key each, which may share a connection and a round trip.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError};
use tokio::time::timeout;

use super::Entries;
use crate::clock::Moment;

/// Longest wait of a function for entries. A cache in the same region takes less than a millisecond.
pub const ANSWER_TIMEOUT: Duration = Duration::from_millis(20);

/// Longest wait for a connection. Nobody waits for it but the init of a process.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Longest wait until entries are set. Nobody waits for them, and the posts of a message take the processor meanwhile.
const SET_TIMEOUT: Duration = Duration::from_millis(100);

/// Time for which a server that failed is left alone.
pub const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The URL of a cache that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the shared cache is not of the form redis://host:port or rediss://host:port")]
pub struct InvalidUrl(#[source] RedisError);

/// A connection to a server, made again when it is lost.
#[derive(Debug)]
pub struct Redis(Arc<Server>);

#[derive(Debug)]
struct Server {
    client: Client,
    answer_timeout: Duration,
    link: Mutex<Link>,
}

#[derive(Debug)]
enum Link {
    /// Not connected. A server that has failed at this moment is left alone for a while.
    Down(Option<Moment>),
    Connecting,
    Up {
        connection: MultiplexedConnection,
        number: u64,
        /// True once the server has answered.
        proven: bool,
    },
}

impl Redis {
    /// The server at a URL `redis://host:port`, or `rediss://host:port` for TLS by the system's certificates. Connects on first use.
    /// Entries are waited for up to `answer_timeout`.
    pub fn new(url: &str, answer_timeout: Duration) -> Result<Self, InvalidUrl> {
        let client = Client::open(url).map_err(InvalidUrl)?;
        Ok(Self(Arc::new(Server { client, answer_timeout, link: Mutex::new(Link::Down(None)) })))
    }

    /// Runs commands in one round trip; `None` if the server cannot be reached or refuses one of them.
    async fn run<T: FromRedisValue>(&self, commands: &Pipeline, limit: Duration) -> Option<T> {
        let (mut connection, number) = self.0.connection()?;
        let failure = match timeout(limit, commands.query_async(&mut connection)).await {
            Ok(Ok(answer)) => {
                self.0.prove(number);
                return Some(answer);
            }
            Ok(Err(error)) => Failure::Error(error),
            Err(_) => Failure::Silent,
        };
        self.0.fail(number, &failure);
        None
    }
}

enum Failure {
    Silent,
    Error(RedisError),
}

impl Server {
    fn link<T>(&self, work: impl FnOnce(&mut Link) -> T) -> T {
        work(&mut self.link.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the connection if there is one. Otherwise begins to connect in the background, unless the server is left alone.
    fn connection(self: &Arc<Self>) -> Option<(MultiplexedConnection, u64)> {
        let is_due = self.link(|link| match link {
            Link::Up { connection, number, .. } => Err((connection.clone(), *number)),
            Link::Connecting => Ok(false),
            Link::Down(since) => {
                let is_due = since.is_none_or(|since| since.age() >= RETRY_DELAY);
                if is_due {
                    *link = Link::Connecting;
                }
                Ok(is_due)
            }
        });
        match is_due {
            Err(connection) => Some(connection),
            Ok(is_due) => {
                if is_due {
                    self.connect_in_background();
                }
                None
            }
        }
    }

    fn connect_in_background(self: &Arc<Self>) {
        let server = Arc::clone(self);
        tokio::spawn(async move { server.connect().await });
    }

    async fn connect(&self) {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let link = match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Link::Up { connection, number: fastrand::u64(..), proven: false },
            Ok(Err(error)) => {
                tracing::warn!(%error, "the shared cache cannot be reached");
                Link::Down(Some(Moment::now()))
            }
            Err(_) => {
                tracing::warn!("the shared cache cannot be reached: it did not answer in time");
                Link::Down(Some(Moment::now()))
            }
        };
        drop(self.link(|current| mem::replace(current, link)));
    }

    /// Remembers that the connection with this number works.
    fn prove(&self, number: u64) {
        self.link(|link| {
            if let Link::Up { number: current, proven, .. } = link {
                *proven |= *current == number;
            }
        });
    }

    /// Gives up the connection with this number. Connects again at once if it worked and has ended.
    fn fail(self: &Arc<Self>, number: u64, failure: &Failure) {
        let is_ended = matches!(failure, Failure::Error(error) if error.is_connection_dropped());
        let again = self.link(|link| match link {
            Link::Up { number: current, proven, .. } if *current == number => {
                let again = is_ended && *proven;
                *link = if again { Link::Connecting } else { Link::Down(Some(Moment::now())) };
                Some(again)
            }
            // Another request has given it up.
            _ => None,
        });
        match (again, failure) {
            (None, _) => {}
            (Some(true), _) => self.connect_in_background(),
            (Some(false), Failure::Silent) => tracing::warn!("the shared cache did not answer in time"),
            (Some(false), Failure::Error(error)) => tracing::warn!(%error, "the shared cache failed"),
        }
    }
}

impl Entries for Redis {
    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let is_first = self.0.link(|link| {
                let is_first = matches!(link, Link::Down(None));
                if is_first {
                    *link = Link::Connecting;
                }
                is_first
            });
            if is_first {
                self.0.connect().await;
            }
        })
    }

    fn get(&self, keys: Vec<String>) -> BoxFuture<'_, Vec<Option<Vec<u8>>>> {
        Box::pin(async move {
            let mut commands = Pipeline::with_capacity(keys.len());
            for key in &keys {
                commands.get(key);
            }
            self.run(&commands, self.0.answer_timeout).await.unwrap_or_else(|| vec![None; keys.len()])
        })
    }

    fn set(&self, entries: Vec<(String, Vec<u8>)>, lifetime: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let millis = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
            let mut commands = Pipeline::with_capacity(entries.len());
            for (key, entry) in entries {
                commands.pset_ex(key, entry, millis).ignore();
            }
            self.run::<()>(&commands, SET_TIMEOUT.max(self.0.answer_timeout)).await.is_some()
        })
    }
}
