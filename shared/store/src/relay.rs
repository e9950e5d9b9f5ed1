//! How changes of the relational truth reach the log and the projection.
//!
//! Versions are applied in order, each by one transaction: the system message takes the place after the head, and the
//! projection moves from the version before to this one. A projection that has the version already means that somebody
//! else was faster. Then the message's place goes back to SQL, and the change leaves the outbox. Every step may be
//! repeated, and any number of relays may race.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::{ConversationId, MessageId, MessageKind, Seq, Timestamp};
use uuid::Uuid;

use crate::StoreError;
use crate::dynamodb::members::{ActiveMember, ConversationItem};
use crate::dynamodb::messages::LogItem;
use crate::dynamodb::retry::back_off;
use crate::dynamodb::{Members, Messages};
use crate::sql::Outbox;
use crate::sql::outbox::{Change, Pending};

/// Places that one change tries for before the queue's consumer has to.
const MAX_ROUNDS: u32 = 12;

/// Where a change stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Place of its system message.
    pub seq: Seq,
    /// `sent_at` of that message.
    pub at: Timestamp,
}

/// Brings changes from the outbox to the log and the projection.
#[derive(Clone, Debug)]
pub struct Relay {
    /// For transactions across both tables.
    pub dynamodb: Client,
    /// The log.
    pub messages: Messages,
    /// The projection.
    pub members: Members,
    /// The changes.
    pub outbox: Outbox,
}

impl Relay {
    /// Applies everything that waits in a conversation's outbox, in order.
    pub async fn run(&self, conversation: ConversationId) -> Result<(), StoreError> {
        while let Some(pending) = self.outbox.next(conversation).await? {
            self.apply(&pending).await?;
        }
        Ok(())
    }

    /// Applies one change, of which the caller knows that it is the conversation's oldest, and takes it out of the outbox.
    pub async fn apply(&self, pending: &Pending) -> Result<Place, StoreError> {
        let place = self.write(pending).await?;
        self.outbox.settle(pending, place.seq, place.at).await?;
        Ok(place)
    }

    async fn write(&self, pending: &Pending) -> Result<Place, StoreError> {
        for round in 0..MAX_ROUNDS {
            let head = self.messages.head(pending.conversation_id, true).await?;
            let item = next_item(pending, head.as_ref());
            let transaction = self.transaction(pending, &item)?;
            let result = self.dynamodb.transact_write_items().set_transact_items(Some(transaction)).send().await;
            let Err(error) = result else { return Ok(Place { seq: item.seq, at: item.sent_at }) };
            if !matches!(error.as_service_error(), Some(TransactWriteItemsError::TransactionCanceledException(_))) {
                return Err(StoreError::dynamodb(error));
            }
            if let Some(place) = self.applied(pending).await? {
                return Ok(place);
            }
            // Somebody sent a message to the same place, or a write to one of the items was under way.
            back_off(round).await;
        }
        Err(StoreError::Inconsistent(format!("version {} finds no place in the log", pending.version)))
    }

    /// Where the change stands, if the projection shows it. One that shows a later version moved on only after this change
    /// had left the outbox, so that settling it again, by whatever place, changes nothing.
    async fn applied(&self, pending: &Pending) -> Result<Option<Place>, StoreError> {
        let shown = self.members.conversation(pending.conversation_id).await?;
        let version = shown.as_ref().map_or(0, |item| item.version);
        match shown {
            Some(item) if version >= pending.version => Ok(Some(Place { seq: item.members_seq, at: item.changed_at })),
            _ if version + 1 == pending.version => Ok(None),
            _ => Err(StoreError::Inconsistent(format!(
                "version {} cannot follow version {version} of the projection",
                pending.version
            ))),
        }
    }

    fn transaction(&self, pending: &Pending, item: &LogItem) -> Result<Vec<TransactWriteItem>, StoreError> {
        let put = |put: Put| TransactWriteItem::builder().put(put).build();
        let Change::Created { conversation_type, title, members, .. } = &pending.change;
        let conversation = ConversationItem {
            conversation_id: pending.conversation_id,
            kind: *conversation_type,
            title: title.clone(),
            member_count: u32::try_from(members.len()).unwrap_or(u32::MAX),
            version: pending.version,
            members_seq: item.seq,
            changed_at: item.sent_at,
        };
        let mut writes =
            vec![put(self.messages.put_in_transaction(item)?), put(self.members.put_conversation(&conversation)?)];
        for member in members {
            writes.push(put(self.members.put_active(&ActiveMember {
                conversation_id: pending.conversation_id,
                user_id: member.user_id,
                role: member.role,
                joined_seq: item.seq,
                joined_at: item.sent_at,
            })?));
        }
        Ok(writes)
    }
}

/// The system message of a change, after the head.
fn next_item(pending: &Pending, head: Option<&LogItem>) -> LogItem {
    let seq = head.map_or(Seq::ZERO, |head| head.seq).next();
    let now = Timestamp::now();
    let sent_at = head.map_or(now, |head| now.max(head.sent_at.next()));
    let Change::Created { actor, conversation_type, title, members } = &pending.change;
    LogItem {
        conversation_id: pending.conversation_id,
        seq,
        message_id: MessageId::generate(sent_at),
        sender_id: *actor,
        sent_at,
        members_seq: seq,
        attempt: Uuid::new_v4(),
        client_message_id: None,
        digest: None,
        kind: MessageKind::Created {
            conversation_type: *conversation_type,
            title: title.clone(),
            members: members.clone(),
        },
    }
}
