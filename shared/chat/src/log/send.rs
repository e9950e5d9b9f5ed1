//! Send: give a message its place and find out whom to tell, in two round trips.

use std::time::{Duration, Instant};

use domain::Message;
use domain::error::causes;

use super::{Draft, Log, SendError};
use crate::notify::{Audience, Recipients};
use store::dynamodb::FileItems;

/// A put that took longer leaves time for somebody to connect unseen: connections are read again after it.
const SLOW_PUT: Duration = Duration::from_millis(200);

/// A message with its place, and whom to tell of it.
#[derive(Debug)]
pub struct Delivered {
    /// The message, with its `client_message_id`.
    pub message: Message,
    /// Whether an earlier attempt had given it its place. It is pushed again all the same: clients drop by seq.
    pub duplicate: bool,
    /// Whom to tell, the sender's own connections included.
    pub audience: Audience,
}

impl Log {
    /// Appends the draft and, at the same time, looks for those who are to hear of it.
    ///
    /// Two sequential round trips and one write unit (for messages up to 1 KB) where nobody else writes at the same
    /// time; the number does not grow with the history, nor with the members: of more than a hundred nobody is looked up. In a
    /// public conversation it is a third, for those who look at it. FileItems are looked up in the first.
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
            // The message has its place, and there is somebody with more time.
            tracing::warn!(error = causes(&error), "listeners cannot be looked up now");
            Audience::deferred()
        });
        // Who came after the message does not get it pushed, even if its sender sends it again.
        let audience = audience.covering(appended.item.seq);
        Ok(Delivered { message: appended.item.shown_to_sender(), duplicate: appended.duplicate, audience })
    }
}
