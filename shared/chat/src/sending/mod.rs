//! Sending: appends messages and notifies their recipients.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use domain::error::causes;
use domain::protocol::{ErrorBody, SentBatch, SentEntry};
use domain::{ApiError, ConversationId, FileId, Message};
use store::StoreError;
use store::clock::Stopwatch;
use store::dynamodb::FileItems;
use store::dynamodb::members::Roster;

use crate::log::{Appended, AppendedBatch, Draft, Log, Refusal};
use crate::notify::{Audience, Notice, Notifier};

/// Duration of the puts after which connections are read again: a user may have connected meanwhile.
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
}

/// The messages of a send that have a seq: at least one.
#[derive(Debug)]
pub struct SentMessages {
    /// All messages, or those before the first that has none, in the order of the drafts.
    pub messages: Vec<SentMessage>,
    /// The reason for which the rest has no seq; `None` if there is no rest.
    pub refusal: Option<ApiError>,
}

impl SentMessages {
    /// Returns the answer to the sender. `error` writes the refusal of the rest.
    pub fn answer(&self, conversation_id: ConversationId, error: impl FnOnce(&ApiError) -> ErrorBody) -> SentBatch {
        let entry = |sent: &SentMessage| SentEntry::of(&sent.message, sent.duplicate);
        // Every message of a send has its id.
        let messages = self.messages.iter().filter_map(entry).collect();
        SentBatch { conversation_id, messages, error: self.refusal.as_ref().map(error) }
    }
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
    /// At most three sequential round trips, whatever the length of the history: read what is not remembered, write, push.
    pub async fn send(&self, draft: &Draft, except: Option<&str>) -> Result<SentMessage, ApiError> {
        let sent = self.append(slice::from_ref(draft)).await.map_err(|refusal| refusal.error)?;
        self.notify_and_share(&sent.notices, draft.conversation_id, except).await?;
        sent.messages().pop().ok_or_else(|| ApiError::internal(NothingSent))
    }

    /// Appends a batch: messages of one sender to one conversation with one `after_seq`, in the order of the drafts. Then
    /// notifies their recipients, with one frame for each connection, except for the connection `except`.
    ///
    /// At most three sequential round trips, of which the second is one put after the other. An error names its message in the list
    /// `messages`. It is an error only if the first message has no seq.
    pub async fn send_batch(&self, drafts: &[Draft], except: Option<&str>) -> Result<SentMessages, ApiError> {
        let mut sent = self.append(drafts).await.map_err(Refusal::in_batch)?;
        if let Some(draft) = drafts.first() {
            self.notify_and_share(&sent.notices, draft.conversation_id, except).await?;
        }
        let refusal = sent.refusal.take().map(Refusal::in_batch);
        Ok(SentMessages { messages: sent.messages(), refusal })
    }

    /// Notifies the recipients, and shares what the process has learnt of the log with others meanwhile.
    async fn notify_and_share(
        &self,
        notices: &[Notice],
        conversation: ConversationId,
        except: Option<&str>,
    ) -> Result<(), ApiError> {
        let (notified, ()) = tokio::join!(self.notifier.notices(notices, except), self.log.cache.share(conversation));
        notified
    }

    /// Appends the drafts and finds their recipients at the same time.
    ///
    /// Cost without contention: one or two sequential round trips, and a write unit for each message (up to 1 KB). It does not grow with
    /// the history, nor with the members: beyond a hundred, recipients are left to the `fanout` worker. A public conversation
    /// takes a third round trip, for the subscribers. Files, and the messages that are answered, are read in the first.
    async fn append(&self, drafts: &[Draft]) -> Result<Sent, Refusal> {
        let recipients = self.notifier.recipients();
        let files = attached_files(drafts);
        let attached = async { Ok(self.files.get(&files).await?) };
        let (mut opened, attached, answered) =
            tokio::try_join!(self.log.open_all(drafts), attached, self.log.reply_targets(drafts))?;
        opened.attach(&attached).await?;
        opened.refer(answered).await?;
        opened.check()?;
        let expected = Arc::clone(opened.roster());
        let append = async {
            let started = Stopwatch::start();
            (opened.append_all().await, started.elapsed() > SLOW_PUT)
        };
        let ((batch, slow), found) = tokio::join!(append, recipients.of(&expected, &[]));
        let AppendedBatch { appended, mut refusal } = batch;
        if let Some(refusal) = refusal.take_if(|_| appended.is_empty()) {
            return Err(refusal);
        }
        let is_stale = |message: &Appended| message.puts > 1 || message.roster != expected;
        let found = (!slow && !appended.iter().any(is_stale)).then_some(found);
        let duplicates = appended.iter().map(|message| message.duplicate).collect();
        Ok(Sent { notices: self.notices(appended, found).await, duplicates, refusal })
    }

    /// Groups messages that have the same members, with their audience: `found`, or it is read. There are several groups only if
    /// members changed between the messages of a batch.
    async fn notices(&self, appended: Vec<Appended>, mut found: Option<Result<Audience, StoreError>>) -> Vec<Notice> {
        let (mut notices, mut roster): (Vec<Notice>, Option<Arc<Roster>>) = (Vec::new(), None);
        for message in appended {
            let item = message.item.shown_to_sender();
            if let (Some(notice), true) = (notices.last_mut(), roster.as_ref() == Some(&message.roster)) {
                notice.messages.push(item);
                continue;
            }
            let audience = match found.take() {
                Some(found) => found,
                None => self.notifier.recipients().of_now(&message.roster).await,
            };
            let audience = audience.unwrap_or_else(|error| {
                // The message is in the log, and the `fanout` worker has more time.
                tracing::warn!(
                    conversation_id = %item.conversation_id,
                    seq = item.seq.0,
                    error = causes(&error),
                    "the recipients of a message cannot be read now: the fanout worker notifies them"
                );
                Audience::deferred()
            });
            notices.push(Notice { audience, messages: vec![item] });
            roster = Some(message.roster);
        }
        notices
    }
}

/// The appended messages of a send, with their recipients.
struct Sent {
    /// The messages in the order of the drafts.
    notices: Vec<Notice>,
    /// For each message, true if an earlier attempt had written it.
    duplicates: Vec<bool>,
    refusal: Option<Refusal>,
}

impl Sent {
    fn messages(self) -> Vec<SentMessage> {
        let messages = self.notices.into_iter().flat_map(|notice| notice.messages);
        messages.zip(self.duplicates).map(|(message, duplicate)| SentMessage { message, duplicate }).collect()
    }
}

/// Returns the files that the drafts name, each once: DynamoDB refuses a key that occurs twice.
fn attached_files(drafts: &[Draft]) -> Vec<FileId> {
    let mut files: Vec<FileId> = drafts.iter().flat_map(|draft| draft.attachment_ids.iter().copied()).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// A send succeeded without a message.
#[derive(Debug, thiserror::Error)]
#[error("a send succeeded without a message")]
struct NothingSent;
