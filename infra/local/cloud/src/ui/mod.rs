//! A page with live figures and logs: `GET /ui`, and the events that keep it up to date.
//!
//! `GET /ui/events` is a stream of server-sent events. `figures` is a [`Reading`](crate::meter::Reading), once a second;
//! `lines` is an array of [`LogLine`]s: at first those that are kept, then each as it comes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use local_lambda::log_feed::{LogFeed, LogLine};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::meter::MeterReader;

const PAGE: &str = include_str!("page.html");

/// The page loads from, and talks to, this endpoint only.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FIGURES_INTERVAL: Duration = Duration::from_secs(1);

/// Most lines of one event.
const MAX_LINES_PER_EVENT: usize = 200;

#[derive(Clone)]
struct Ui {
    sources: MeterReader,
    feed: LogFeed,
    shutdown: CancellationToken,
}

/// The page's routes. Its streams end when `shutdown` fires.
pub(crate) fn router(sources: MeterReader, feed: LogFeed, shutdown: CancellationToken) -> Router {
    Router::new().route("/ui", get(page)).route("/ui/events", get(events)).with_state(Ui { sources, feed, shutdown })
}

async fn page() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-store")], Html(PAGE))
}

async fn events(State(ui): State<Ui>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (kept, live) = ui.feed.subscribe();
    let mut ticks = interval(FIGURES_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher { kept: kept.into(), live, ticks, sources: ui.sources };
    let events =
        stream::unfold(watcher, |mut watcher| async { watcher.next().await.map(|event| (Ok(event), watcher)) });
    Sse::new(events.take_until(ui.shutdown.cancelled_owned()))
}

/// A browser that has the page open.
struct Watcher {
    /// Lines that are there to be sent.
    kept: VecDeque<LogLine>,
    live: Receiver<LogLine>,
    ticks: Interval,
    sources: MeterReader,
}

impl Watcher {
    /// `None`: the log is over.
    async fn next(&mut self) -> Option<Event> {
        if self.kept.is_empty() {
            tokio::select! {
                line = self.live.recv() => match line {
                    Ok(line) => self.kept.push_back(line),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ticks.tick() => return Some(event("figures", &self.sources.read())),
            }
        }
        while self.kept.len() < MAX_LINES_PER_EVENT {
            match self.live.try_recv() {
                Ok(line) => self.kept.push_back(line),
                // A reader that is too slow misses a part of the log; the terminal has all of it.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let batch: Vec<_> = self.kept.drain(..self.kept.len().min(MAX_LINES_PER_EVENT)).collect();
        Some(event("lines", &batch))
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_else(|error| {
        // Cannot be: both have string keys only.
        tracing::error!(%error, "an event of the page");
        Event::default()
    })
}
