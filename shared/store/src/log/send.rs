//! Send: give a message its place and find out whom to tell, in two round trips.

use std::time::{Duration, Instant};

use domain::error::causes;
use domain::{Connection, Message, Timestamp, UserId};

use super::{Draft, Log, SendError};
use crate::dynamodb::{Connections, Files};

/// A put that took longer leaves time for somebody to connect unseen: connections are read again after it.
const SLOW_PUT: Duration = Duration::from_millis(200);

/// A message with its place, and where its recipients are.
#[derive(Debug)]
pub struct Delivery {
    /// The message, with its `client_message_id`.
    pub message: Message,
    /// Whether an earlier attempt had given it its place. It is pushed again all the same: clients drop by seq.
    pub duplicate: bool,
    /// Whom to tell.
    pub audience: Audience,
}

/// Who is told of an item, and by whom.
#[derive(Debug)]
pub enum Audience {
    /// The live connections of all members, the sender's own included: whoever wrote the item tells them.
    Few(Vec<Connection>),
    /// More members than are told one by one, or nobody knows where they are: `fanout` tells them.
    Many,
}

impl Log {
    /// Appends the draft and, at the same time, looks up the recipients' connections.
    ///
    /// Two sequential round trips and one write unit (for messages up to 1 KB) where nobody else writes at the same
    /// time; the number does not grow with the history, nor with the members: of more than a hundred nobody is looked up. Files
    /// are looked up in the first of the two.
    pub async fn send(&self, connections: &Connections, files: &Files, draft: &Draft) -> Result<Delivery, SendError> {
        let attached = async { Ok(files.get(&draft.attachment_ids).await?) };
        let (mut opened, attached) = tokio::try_join!(self.open(draft), attached)?;
        opened.attach(&attached).await?;
        let (expected, crowd) = (opened.recipients(), opened.reaches_a_crowd());
        let started = Instant::now();
        let lookup = async { if crowd { Ok(Vec::new()) } else { connections.of(&expected, Timestamp::now()).await } };
        let (appended, found) = tokio::join!(opened.append(), lookup);
        let appended = appended?;
        let (message, duplicate) = (appended.item.clone().shown_to_sender(), appended.duplicate);
        if appended.roster.is_cut_off() {
            return Ok(Delivery { message, duplicate, audience: Audience::Many });
        }
        // Who came after the message does not get it pushed, even if its sender sends it again.
        let actual: Vec<UserId> = appended.roster.there_at(appended.item.seq).collect();
        let stale = crowd || appended.puts > 1 || started.elapsed() > SLOW_PUT || actual != expected;
        let looked_up = if stale { connections.of(&actual, Timestamp::now()).await } else { found };
        let audience = looked_up.map_or_else(
            |error| {
                // The message has its place, and there is somebody with more time.
                tracing::warn!(error = causes(&error), "connections cannot be looked up now");
                Audience::Many
            },
            Audience::Few,
        );
        Ok(Delivery { message, duplicate, audience })
    }
}
