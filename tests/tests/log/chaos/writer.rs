//! Writers: the production code, or a mutant of it.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use chat::log::Draft;
use domain::UserId;
use futures_util::future::BoxFuture;
use store::dynamodb::LogItem;
use store::shared_cache::SharedCache;

/// A process, which remembers logs between its invocations.
pub(crate) trait Writer: Send + Sync {
    /// One invocation: reads, and appends the messages of a batch, once. Returns the answer for each message.
    fn send<'a>(&'a self, batch: &'a [Draft]) -> BoxFuture<'a, Vec<Answer>>;
}

/// The answer to a client for one message.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The message has its seq.
    Accepted(Box<Accepted>),
    /// The sender is not a member, and the message is not in the log.
    NotAMember,
    /// The sender was added after the message was written. It is not in the log, and is another one with a new `after_seq`.
    Behind,
    /// The outcome is unknown; the message has to be sent again.
    Retry,
    /// The same, after this time: the sender has left, and an earlier attempt may be under way.
    Later(Duration),
    /// An answer that these clients should not get.
    Unexpected(String),
}

/// The answer for a message that has its seq.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) item: LogItem,
    pub(crate) duplicate: bool,
    /// The users to notify.
    pub(crate) audience: Vec<UserId>,
}

/// A process over a DynamoDB client, with the cache that it shares with others.
pub(crate) type MakeWriter = fn(&Client, Option<SharedCache>) -> Arc<dyn Writer>;

/// Builds a [`MakeWriter`] for the `Log` of the production code or of a module that copies it. Copies have types of their own;
/// their answers are converted to the production types.
macro_rules! writer {
    ($($store:ident)::+) => {{
        use $($store)::+::dynamodb::Messages;
        use $($store)::+::log::{Appended, AppendedBatch, Draft, Log, LogCache, SendError};

        struct LogWriter(Log);

        impl LogWriter {
            async fn append(&self, batch: &[::chat::log::Draft]) -> Result<AppendedBatch, SendError> {
                let draft = |message: &::chat::log::Draft| Draft {
                    conversation_id: message.conversation_id,
                    sender_id: message.sender_id,
                    client_message_id: message.client_message_id,
                    after_seq: message.after_seq,
                    content: message.content.clone(),
                    attachment_ids: Vec::new(),
                };
                let drafts: Vec<Draft> = batch.iter().map(draft).collect();
                let appended = self.0.open_all(&drafts).await?.append_all().await;
                if let Some(draft) = drafts.first() {
                    self.0.cache.share(draft.conversation_id).await;
                }
                Ok(appended)
            }
        }

        fn accepted(appended: Appended) -> $crate::chaos::writer::Answer {
            let Appended { item, duplicate, roster, .. } = appended;
            let item = ::store::dynamodb::LogItem {
                conversation_id: item.conversation_id,
                seq: item.seq,
                message_id: item.message_id,
                sender_id: item.sender_id,
                sent_at: item.sent_at,
                members_seq: item.members_seq,
                attempt: item.attempt,
                client_message_id: item.client_message_id,
                digest: item.digest,
                recent_senders: item.recent_senders,
                edits: item.edits,
                reactions: item.reactions,
                file_count: item.file_count,
                mention_count: item.mention_count,
                amended: None,
                kind: item.kind,
            };
            let recipients = roster.members.iter().filter(|member| member.joined_seq <= item.seq);
            let audience = recipients.map(|member| member.user_id).collect();
            let accepted = $crate::chaos::writer::Accepted { item, duplicate, audience };
            $crate::chaos::writer::Answer::Accepted(Box::new(accepted))
        }

        fn refused(error: SendError) -> $crate::chaos::writer::Answer {
            use $crate::chaos::writer::Answer;
            match error {
                SendError::NotAMember => Answer::NotAMember,
                SendError::Behind => Answer::Behind,
                SendError::UnderWay(wait) => Answer::Later(wait),
                SendError::Contended | SendError::Store(::store::StoreError::Busy { .. }) => Answer::Retry,
                error => Answer::Unexpected(format!("{error:?}")),
            }
        }

        impl $crate::chaos::writer::Writer for LogWriter {
            fn send<'a>(
                &'a self,
                batch: &'a [::chat::log::Draft],
            ) -> ::futures_util::future::BoxFuture<'a, Vec<$crate::chaos::writer::Answer>> {
                Box::pin(async {
                    let (mut answers, refusal) = match self.append(batch).await {
                        Ok(AppendedBatch { appended, refusal }) => {
                            (appended.into_iter().map(accepted).collect(), refusal.map(|refusal| refusal.error))
                        }
                        Err(error) => (Vec::new(), Some(error)),
                    };
                    // The reason holds for every message that has no seq.
                    answers.extend(refusal.map(refused).into_iter().cycle().take(batch.len() - answers.len()));
                    answers
                })
            }
        }

        |client: &::aws_sdk_dynamodb::Client,
         shared: Option<::store::shared_cache::SharedCache>|
         -> ::std::sync::Arc<dyn $crate::chaos::writer::Writer> {
            let messages = Messages::new(client.clone(), ::end_to_end::aws::MESSAGES.to_owned());
            let members = ::store::dynamodb::Members::new(client.clone(), ::end_to_end::aws::MEMBERS.to_owned());
            let cache = LogCache::sharing(shared);
            ::std::sync::Arc::new(LogWriter(Log { messages, members, archive: None, flood_limit: None, cache }))
        }
    }};
}

pub(crate) use writer;
