//! Send: give a message its place and find out whom to tell, in two round trips.

use std::time::{Duration, Instant};

use domain::error::causes;
use domain::{Connection, Message, Timestamp, UserId};

use super::{Draft, Log, SendError};
use crate::dynamodb::Connections;

/// A put that took longer leaves time for somebody to connect unseen: connections are read again after it.
const SLOW_PUT: Duration = Duration::from_millis(200);

/// A message with its place, and where its recipients are.
#[derive(Debug)]
pub struct Delivery {
    /// The message, with its `client_message_id`.
    pub message: Message,
    /// Whether an earlier attempt had given it its place. It is pushed again all the same: clients drop by seq.
    pub duplicate: bool,
    /// Live connections of all members, the sender's own included.
    pub connections: Vec<Connection>,
}

impl Log {
    /// Appends the draft and, at the same time, looks up the recipients' connections.
    ///
    /// Two sequential round trips and one write unit (for messages up to 1 KB) where nobody else writes at the same
    /// time; the number does not grow with the history.
    pub async fn send(&self, connections: &Connections, draft: &Draft) -> Result<Delivery, SendError> {
        let opened = self.open(draft).await?;
        let expected = opened.recipients();
        let started = Instant::now();
        let (appended, found) = tokio::join!(opened.append(), connections.of(&expected, Timestamp::now()));
        let appended = appended?;
        // Who came after the message does not get it pushed, even if its sender sends it again.
        let actual: Vec<UserId> = appended.roster.there_at(appended.item.seq).collect();
        let stale = appended.puts > 1 || started.elapsed() > SLOW_PUT || actual != expected;
        let looked_up = if stale { connections.of(&actual, Timestamp::now()).await } else { found };
        let connections = looked_up.unwrap_or_else(|error| {
            // The message has its place: a push that fails is repaired when its recipients next read history.
            tracing::warn!(error = causes(&error), "no connections, so no push");
            Vec::new()
        });
        Ok(Delivery { message: appended.item.shown_to_sender(), duplicate: appended.duplicate, connections })
    }
}
