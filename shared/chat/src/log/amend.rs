//! Edits, deletions and reactions: events of the log that change an earlier message.
//!
//! Each is one transaction: the event takes the seq after the head, and the message becomes what the event made of it. So one
//! cursor covers everything, and an event never exists without its effect. The rule of append holds here too: the writer has
//! read everything up to the head, and every membership change up to it.

use std::borrow::Cow;
use std::time::Duration;

use domain::amendment::{Amendment, MessageFacts};
use domain::flood::RecentSenders;
use domain::message::Edit;
use domain::reaction::Reactions;
use domain::{
    ApiError, Content, ConversationId, ConversationType, Custom, ErrorCode, Message, MessageKind, Seq, Timestamp,
    UserId,
};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, MemberView};
use store::dynamodb::messages::{AmendedBy, LogItem, Transacted};
use store::dynamodb::retry::back_off;

use super::append::may_send;
use super::{Log, SendError};

/// Number of seqs that one event tries before it reports contention.
const MAX_ROUNDS: u32 = 12;

/// Time after which a client should retry after contention.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Reasons for which an amendment is refused.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AmendError> for ApiError {
    fn from(error: AmendError) -> Self {
        match error {
            AmendError::Refused(refusal) => refusal,
            AmendError::Store(error) => error.into(),
        }
    }
}

impl From<SendError> for AmendError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Store(error) => Self::Store(error),
            other => Self::Refused(other.into()),
        }
    }
}

/// A message that was amended, or was so already.
#[derive(Debug)]
pub struct Amended {
    /// Returns the appended event as members who may see the message see it; `None` if nothing changed.
    pub event: Option<Message>,
    /// The message, as the actor sees it.
    pub message: Message,
}

impl Log {
    /// Amends a message. Safe to repeat: if the desired state holds already, nothing is written.
    ///
    /// `edit_window` is the time for which a sender may edit.
    ///
    /// Cost without contention: two round trips, nine read units (and one for each new mention), then a transaction of twice
    /// the write units of the event and the message. An archived message takes its chunk, and a transaction more.
    pub async fn amend(
        &self,
        conversation: ConversationId,
        actor: UserId,
        target: Seq,
        amendment: &Amendment,
        edit_window: Duration,
    ) -> Result<Amended, AmendError> {
        let items = self.items();
        for round in 0..MAX_ROUNDS {
            let (head, view, found) = tokio::try_join!(
                self.messages.head(conversation, true),
                self.members.view(conversation, actor),
                items.find(conversation, target)
            )?;
            let view = view.ok_or(SendError::NotAMember)?;
            let head = head.ok_or(SendError::NotAMember)?;
            if view.conversation.members_seq < head.members_seq {
                // Members changed between the reads.
                back_off(round).await;
                continue;
            }
            let found = found.filter(|found| view.periods.covers(found.item.seq));
            let message = found.as_ref().map(|found| found.item.clone());
            let takes_back = message.as_ref().is_some_and(|message| amendment.takes_back(actor, message.sender_id));
            let active = authorise(&view, takes_back)?;
            let mut message = message.ok_or_else(not_found)?;
            if view.conversation.kind != ConversationType::Public {
                // Every membership period of a user ends with an item, and this view includes the newest of them.
                message.reactions.remove_withdrawn_since(view.conversation.members_seq);
            }
            let facts = MessageFacts {
                conversation: view.conversation.kind,
                actor,
                role: active.role,
                sender: message.sender_id,
                sent_at: message.sent_at,
                kind: &message.kind,
                edits: &message.edits,
                reactions: &message.reactions,
            };
            let amendment = &self.mentioning_members(conversation, &facts, amendment).await?;
            if !amendment.decide(&facts, Timestamp::now(), edit_window).map_err(AmendError::Refused)? {
                return Ok(Amended { event: None, message: message.shown_to(actor, &view.periods) });
            }
            let custom = match amendment.as_ref() {
                Amendment::Edit(content) => facts.custom_to_change(content).cloned(),
                Amendment::Delete | Amendment::React { .. } => None,
            };
            let recent_senders = self.counts_of_events(&head, actor, amendment, takes_back)?;
            // An archived message becomes a row again, and is read again: others may amend it at the same time.
            if let Some(found) = &found
                && items.restore(found).await?
            {
                back_off(round).await;
                continue;
            }
            let event = LogItem { recent_senders, ..head.next(actor, event(target, amendment)) };
            let before = message.amended;
            let amended = apply(message, &event, amendment, custom);
            let writes = vec![
                self.messages.put_in_transaction(&event)?,
                self.messages.replace_in_transaction(&amended, before)?,
            ];
            if let Transacted::Written = self.messages.transact(writes).await? {
                let message = amended.shown_to(actor, &view.periods);
                let mut event = event.shown_to_sender();
                event.kind = with_content(event.kind, &message.kind);
                return Ok(Amended { event: Some(event), message });
            }
            // Another writer took the seq or amended the message, or the SDK repeated a request that had succeeded: read
            // again.
            back_off(round).await;
        }
        Err(AmendError::Refused(ApiError::busy(RETRY_AFTER)))
    }

    /// Drops the users from an edit who are not members, and repeats. Users whom the message mentions already stay, so that a
    /// repeated edit changes nothing. Cost: nothing without mentions, else a read unit per user.
    async fn mentioning_members<'a>(
        &self,
        conversation: ConversationId,
        facts: &MessageFacts<'_>,
        amendment: &'a Amendment,
    ) -> Result<Cow<'a, Amendment>, StoreError> {
        let content = match amendment {
            Amendment::Edit(content) if !content.mentions.is_empty() => content,
            _ => return Ok(Cow::Borrowed(amendment)),
        };
        let kept = facts.mentions();
        let asked: Vec<UserId> = content.mentions.iter().copied().filter(|user| !kept.contains(user)).collect();
        let members = if asked.is_empty() { Vec::new() } else { self.members.among(conversation, &asked).await? };
        let mentions = content
            .mentioned_members(|user| kept.contains(&user) || members.iter().any(|member| member.user_id == user));
        Ok(Cow::Owned(Amendment::Edit(Content { mentions, ..content.clone() })))
    }

    /// Returns the counts including this event, or the refusal of a user who has reached the limit. Own words can always be
    /// taken back: each deletion needs a message that was counted, and each withdrawal a reaction.
    fn counts_of_events(
        &self,
        head: &LogItem,
        actor: UserId,
        amendment: &Amendment,
        takes_back: bool,
    ) -> Result<RecentSenders, SendError> {
        let counts = &head.recent_senders;
        if let Amendment::Delete = amendment {
            return Ok(counts.clone());
        }
        counts.after_event(actor, !takes_back, Timestamp::now(), self.flood_limit).map_err(SendError::RateLimited)
    }
}

/// Checks that the user may send: otherwise they may amend nothing, and take back only their own words.
fn authorise(view: &MemberView, takes_back: bool) -> Result<ActiveMember, SendError> {
    if view.user_deleted {
        return Err(SendError::UserDeleted);
    }
    let active = view.active.ok_or(SendError::NotAMember)?;
    match may_send(&view.conversation, &active) {
        Err(SendError::Blocked | SendError::Muted(_)) if takes_back => Ok(active),
        allowed => allowed.map(|()| active),
    }
}

fn not_found() -> AmendError {
    AmendError::Refused(ApiError::new(ErrorCode::MessageNotFound, "The message does not exist."))
}

/// The event of the amendment.
fn event(target_seq: Seq, amendment: &Amendment) -> MessageKind {
    match amendment {
        Amendment::Edit(_) => MessageKind::MessageEdited { target_seq, content: None },
        Amendment::Delete => MessageKind::MessageDeleted { target_seq },
        Amendment::React { emoji, on } => MessageKind::Reaction { target_seq, emoji: emoji.clone(), on: *on },
    }
}

/// The message after the event. An edit that changes its object gives it `custom`.
fn apply(mut message: LogItem, event: &LogItem, amendment: &Amendment, custom: Option<Custom>) -> LogItem {
    message.amended = Some(AmendedBy { seq: event.seq, members_seq: event.members_seq });
    match amendment {
        Amendment::Edit(content) => message.edits.push(Edit {
            seq: event.seq,
            edited_at: event.sent_at,
            text: content.text.clone(),
            mentions: content.mentions.clone(),
            custom,
        }),
        Amendment::Delete => {
            message.edits.clear();
            message.reactions = Reactions::default();
            message.kind = MessageKind::Deleted {
                deleted_by: Some(event.sender_id),
                deleted_seq: Some(event.seq),
                deleted_at: Some(event.sent_at),
            };
        }
        Amendment::React { emoji, on: true } => message.reactions.add(emoji.clone(), event.sender_id, event.seq),
        Amendment::React { emoji, on: false } => message.reactions.remove(emoji, event.sender_id, event.seq),
    }
    message.counted()
}

/// Adds the new content to an event for the push, as a sync would return it, so that recipients need no further request.
fn with_content(event: MessageKind, message: &MessageKind) -> MessageKind {
    match (event, message) {
        (MessageKind::MessageEdited { target_seq, .. }, MessageKind::Text(content)) => {
            MessageKind::MessageEdited { target_seq, content: Some(content.clone()) }
        }
        (event, _) => event,
    }
}
