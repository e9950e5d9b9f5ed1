//! Sending: appends a message and notifies its recipients.

use std::time::Duration;

use domain::Message;
use domain::error::causes;
use store::clock::Stopwatch;
use store::dynamodb::FileItems;

use crate::log::{Draft, Log, SendError};
use crate::notify::{Audience, Notifier};

/// Duration of a put after which connections are read again: a user may have connected meanwhile.
const SLOW_PUT: Duration = Duration::from_millis(200);

/// Appends messages and notifies their recipients.
#[derive(Clone, Debug)]
pub struct Sender {
    log: Log,
    files: FileItems,
    notifier: Notifier,
}

/// A message that has its seq.
#[derive(Debug)]
pub struct SentMessage {
    /// The message, with its `client_message_id`.
    pub message: Message,
    /// True if an earlier attempt had appended it. It is pushed again all the same: clients drop by seq.
    pub duplicate: bool,
    /// Recipients, the sender's own connections included.
    audience: Audience,
}

impl Sender {
    /// Appends to `log`, attaches ready ones of `files`, and notifies with `notifier`.
    pub fn new(log: Log, files: FileItems, notifier: Notifier) -> Self {
        Self { log, files, notifier }
    }

    /// Returns the notifier that notifies recipients.
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Appends a message, then notifies its recipients, except for the connection `except`, which gets the answer instead.
    ///
    /// Three sequential round trips, whatever the length of the history: read, write, push.
    pub async fn send(&self, draft: &Draft, except: Option<&str>) -> Result<SentMessage, domain::ApiError> {
        let sent = self.append(draft).await?;
        self.notifier.message(&sent.message, &sent.audience, except).await?;
        Ok(sent)
    }

    /// Appends the draft and finds its recipients at the same time.
    ///
    /// Cost without contention: two sequential round trips and one write unit (for messages up to 1 KB). It does not grow with the
    /// history, nor with the members: beyond a hundred, recipients are left to the `fanout` worker. A public conversation takes a
    /// third round trip, for the subscribers. Files, and the message that is answered, are read in the first.
    async fn append(&self, draft: &Draft) -> Result<SentMessage, SendError> {
        let recipients = self.notifier.recipients();
        let attached = async { Ok(self.files.get(&draft.attachment_ids).await?) };
        let (mut opened, attached, answered) =
            tokio::try_join!(self.log.open(draft), attached, self.log.reply_target(draft))?;
        opened.attach(&attached).await?;
        opened.refer(answered).await?;
        let expected = opened.roster().clone();
        let append = async {
            let started = Stopwatch::start();
            (opened.append().await, started.elapsed() > SLOW_PUT)
        };
        let ((appended, slow), found) = tokio::join!(append, recipients.of(&expected, &[]));
        let appended = appended?;
        let stale = slow || appended.puts > 1 || appended.roster != expected;
        let found = if stale { recipients.of(&appended.roster, &[]).await } else { found };
        let audience = found.unwrap_or_else(|error| {
            // The message is in the log, and the `fanout` worker has more time.
            tracing::warn!(
                conversation_id = %draft.conversation_id,
                seq = appended.item.seq.0,
                error = causes(&error),
                "the recipients of a message cannot be read now: the fanout worker notifies them"
            );
            Audience::deferred()
        });
        // Members who joined after the message do not receive it, even if its sender resends it.
        let audience = audience.covering(appended.item.seq);
        Ok(SentMessage { message: appended.item.shown_to_sender(), duplicate: appended.duplicate, audience })
    }
}
