//! The relay of changes from SQL to the log and its projection.
//!
//! Versions are applied in order, each by one transaction: the system message takes the seq after the head, and the projection
//! moves from the previous version to this one. If the projection has the version already, another relay was faster. Then the
//! seq goes back to SQL, and the change leaves the outbox. Every step is safe to repeat, and relays may run concurrently.

use domain::membership::{Change, Effect};
use domain::{ConversationId, ConversationType, Message, MessageKind, Seq, Timestamp, UserId, subscription};
use store::StoreError;
use store::dynamodb::members::{ConversationItem, Stamp};
use store::dynamodb::messages::{LogItem, Transacted};
use store::dynamodb::retry::back_off;
use store::dynamodb::{Members, Messages};
use store::sql::Outbox;
use store::sql::outbox::Pending;

/// Number of seqs that one change tries before it is left to the consumer of the queue.
const MAX_ROUNDS: u32 = 12;

/// A change that has reached the log and the projection.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// Seq of the system message, or the head if the change wrote none.
    pub seq: Seq,
    pub at: Timestamp,
    /// The system message, if this relay wrote it.
    pub message: Option<Message>,
    /// The member who left or was removed.
    pub departed: Option<UserId>,
}

/// Brings changes from the outbox to the log and the projection.
#[derive(Clone, Debug)]
pub struct Relay {
    pub messages: Messages,
    pub members: Members,
    pub outbox: Outbox,
}

impl Relay {
    /// Applies all changes in a conversation's outbox, in order.
    pub async fn run(&self, conversation: ConversationId) -> Result<Vec<Applied>, StoreError> {
        let mut all = Vec::new();
        while let Some(pending) = self.outbox.next(conversation).await? {
            all.push(self.apply(&pending).await?);
        }
        Ok(all)
    }

    /// Applies one change and removes it from the outbox. The change must be the oldest of its conversation.
    pub async fn apply(&self, pending: &Pending) -> Result<Applied, StoreError> {
        // Boxed, as the futures of the SDK nest almost as deeply as the compiler follows.
        let projection = Projection { messages: &self.messages, members: &self.members };
        let applied = Box::pin(projection.write(pending)).await?;
        self.outbox.settle(pending, applied.seq, applied.at).await?;
        Ok(applied)
    }
}

/// The log and the projection, to which the relay writes changes: its half in DynamoDB.
#[derive(Clone, Copy, Debug)]
pub struct Projection<'a> {
    pub messages: &'a Messages,
    pub members: &'a Members,
}

impl Projection<'_> {
    /// Writes the oldest change of a conversation that is not settled yet. Safe to repeat.
    pub async fn write(&self, pending: &Pending) -> Result<Applied, StoreError> {
        let effect = pending.change.effect();
        let departed = effect.left.map(|departure| departure.user_id);
        let conversation = pending.conversation_id;
        let mut round = 0;
        loop {
            let leaving = async {
                let Some(user) = departed else { return Ok(None) };
                self.members.active(conversation, user).await
            };
            let head = async {
                // The first version begins the log.
                if pending.version == 1 { Ok(None) } else { self.messages.head(conversation, true).await }
            };
            let before = async {
                let grows = conversation.is_public() && effect.growth() > 0 && pending.version > 1;
                if grows || effect.blocked_by.is_some() {
                    self.members.conversation(conversation).await
                } else {
                    Ok(None)
                }
            };
            let (head, leaving, before) = tokio::try_join!(head, leaving, before)?;
            if departed.is_some() && leaving.is_none() {
                // Another relay was faster, or the projection lags behind: `applied` decides.
                return self.applied(pending).await?.ok_or_else(|| missing_period(pending));
            }
            let (stamp, item) = next_stamp(pending, head.as_ref());
            let mut writes = self.members.move_members(stamp, &effect, leaving)?;
            if let Some(blocked_by) = effect.blocked_by {
                let pair = before.as_ref().and_then(|item| item.pair).ok_or_else(|| {
                    StoreError::Inconsistent(format!(
                        "version {} blocks in a conversation without a pair",
                        pending.version
                    ))
                })?;
                writes.extend(self.members.set_blocks(pair, blocked_by)?);
            }
            let shards = before.filter(|_| conversation.is_public()).and_then(|item| more_shards(&item, &effect));
            writes.push(match first_projection(pending, stamp) {
                Some(created) => self.members.begin(&created)?,
                None => self.members.advance(stamp, &effect, shards)?,
            });
            if let Some(item) = &item {
                writes.push(self.messages.put_in_transaction(item)?);
            }
            let refused = match self.messages.transact(writes).await? {
                Transacted::Refused(refused) => refused,
                Transacted::Written => {
                    let message = item.map(LogItem::shown_to_sender);
                    return Ok(Applied { seq: stamp.seq, at: stamp.at, message, departed });
                }
            };
            if let Some(applied) = self.applied(pending).await? {
                return Ok(applied);
            }
            // Another message took the seq, or another write to one of the items was in progress.
            round += 1;
            if round == MAX_ROUNDS {
                return Err(StoreError::Busy { service: "DynamoDB", source: refused });
            }
            back_off(round).await;
        }
    }

    /// Returns the seq and time of the change if the projection shows it. A projection with a later version moved on only after
    /// this change had left the outbox, so that recording it again, with any seq, changes nothing.
    async fn applied(&self, pending: &Pending) -> Result<Option<Applied>, StoreError> {
        let shown = self.members.conversation(pending.conversation_id).await?;
        let version = shown.as_ref().map_or(0, |item| item.version);
        match shown {
            Some(item) if version >= pending.version => {
                Ok(Some(Applied { seq: item.changed_seq, at: item.changed_at, message: None, departed: None }))
            }
            _ if version + 1 == pending.version => Ok(None),
            _ => Err(StoreError::Inconsistent(format!(
                "version {} cannot follow version {version} of the projection",
                pending.version
            ))),
        }
    }
}

/// Returns the number of shards of the subscriptions after a change, if that is more than before. The change applies to the
/// item that was read, or is refused for its version, so the number never falls.
fn more_shards(shown: &ConversationItem, effect: &Effect<'_>) -> Option<u32> {
    let shards = subscription::shards(shown.member_count.saturating_add_signed(effect.growth()));
    (shards > shown.subscription_shards).then_some(shards)
}

fn missing_period(pending: &Pending) -> StoreError {
    StoreError::Inconsistent(format!(
        "version {} ends a membership period that the projection does not have",
        pending.version
    ))
}

/// Computes the seq and time of a change after this head: the next seq with its system message, or the head itself for a change
/// without one.
fn next_stamp(pending: &Pending, head: Option<&LogItem>) -> (Stamp, Option<LogItem>) {
    let conversation_id = pending.conversation_id;
    let stamp = |seq, at, logged| {
        let (version, first_visible) = (pending.version, pending.change.first_visible(seq));
        Stamp { conversation_id, version, seq, first_visible, at, logged }
    };
    let Some((sender_id, kind)) = pending.change.logged() else {
        let now = Timestamp::now();
        let (seq, at) = head.map_or((Seq::ZERO, now), |head| (head.seq, now.max(head.sent_at.next())));
        return (stamp(seq, at, false), None);
    };
    let item = match head {
        Some(head) => head.next(sender_id, kind.clone()),
        None => LogItem::new(conversation_id, Seq(1), sender_id, Timestamp::now(), Seq(1), kind.clone()),
    };
    // The item is a membership change itself.
    let item = LogItem { members_seq: item.seq, ..item };
    (stamp(item.seq, item.sent_at, true), Some(item))
}

/// Returns the first projection of a new conversation; `None` for any other change.
fn first_projection(pending: &Pending, stamp: Stamp) -> Option<ConversationItem> {
    let Change::Logged {
        item: MessageKind::Created { conversation_type, title, topic, history, members, custom }, ..
    } = &pending.change
    else {
        return None;
    };
    let pair = (*conversation_type == ConversationType::Private).then(|| {
        let mut pair: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        pair.sort_unstable();
        <[UserId; 2]>::try_from(pair).ok()
    });
    Some(ConversationItem {
        conversation_id: stamp.conversation_id,
        kind: *conversation_type,
        title: title.clone(),
        topic: topic.clone(),
        custom: custom.clone(),
        pinned_seqs: Vec::new(),
        history: *history,
        retention_days: None,
        expired_seq: Seq::ZERO,
        pair: pair.flatten(),
        blocked_by: Vec::new(),
        closed: false,
        departed: None,
        member_count: u32::try_from(members.len()).unwrap_or(u32::MAX),
        subscription_shards: subscription::shards(u32::try_from(members.len()).unwrap_or(u32::MAX)),
        version: stamp.version,
        members_seq: stamp.seq,
        changed_seq: stamp.seq,
        changed_at: stamp.at,
    })
}
