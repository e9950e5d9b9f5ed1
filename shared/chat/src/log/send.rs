//! Send: appends a message and finds the recipients, in two round trips.

use std::time::{Duration, Instant};

use domain::Message;
use domain::error::causes;

use super::{Draft, Log, SendError};
use crate::notify::{Audience, Recipients};
use store::dynamodb::FileItems;

/// Duration of a put after which connections are read again: a user may have connected meanwhile.
const SLOW_PUT: Duration = Duration::from_millis(200);

/// A message with its seq, and its recipients.
#[derive(Debug)]
pub struct Delivered {
    /// The message, with its `client_message_id`.
    pub message: Message,
    /// True if an earlier attempt had appended it. It is pushed again all the same: clients drop by seq.
    pub duplicate: bool,
    /// Recipients, the sender's own connections included.
    pub audience: Audience,
}

impl Log {
    /// Appends the draft and finds its recipients at the same time.
    ///
    /// Cost without contention: two sequential round trips and one write unit (for messages up to 1 KB). It does not grow with
    /// the history, nor with the members: beyond a hundred, recipients are left to the `fanout` worker. A public conversation
    /// takes a third round trip, for the subscribers. Files are read in the first.
    pub async fn send(
        &self,
        recipients: &Recipients,
        files: &FileItems,
        draft: &Draft,
    ) -> Result<Delivered, SendError> {
        let attached = async { Ok(files.get(&draft.attachment_ids).await?) };
        let (mut opened, attached) = tokio::try_join!(self.open(draft), attached)?;
        opened.attach(&attached).await?;
        let expected = opened.roster().clone();
        let append = async {
            let started = Instant::now();
            (opened.append().await, started.elapsed() > SLOW_PUT)
        };
        let ((appended, slow), found) = tokio::join!(append, recipients.of(&expected, &[]));
        let appended = appended?;
        let stale = slow || appended.puts > 1 || appended.roster != expected;
        let looked_up = if stale { recipients.of(&appended.roster, &[]).await } else { found };
        let audience = looked_up.unwrap_or_else(|error| {
            // The message is in the log, and the `fanout` worker has more time.
            tracing::warn!(error = causes(&error), "listeners cannot be looked up now");
            Audience::deferred()
        });
        // Members who joined after the message do not receive it, even if its sender resends it.
        let audience = audience.covering(appended.item.seq);
        Ok(Delivered { message: appended.item.shown_to_sender(), duplicate: appended.duplicate, audience })
    }
}
