//! Batches of log items as each member of a large conversation sees them.
//!
//! Most members see the same items, so frames are computed once for each [`Viewer`], not for each member.

use domain::{ConversationId, HistoryPolicy, Message, Period, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, ConversationItem};
use store::dynamodb::messages::LogItem;

use super::Log;
use super::sync::with_edited_text;

/// A batch of items of a conversation's log.
#[derive(Debug)]
pub struct ItemBatch {
    /// Active members of the conversation.
    pub member_count: u32,
    /// Number of shards that hold the subscriptions.
    pub subscription_shards: u32,
    history: HistoryPolicy,
    /// The items, lowest seq first.
    items: Vec<LogItem>,
    /// Messages that an item of the batch edits.
    edited: Vec<LogItem>,
    /// Seqs of `items` and `edited`, ascending.
    seqs: Vec<Seq>,
}

/// A group of members who see the same items of an [`ItemBatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Number of seqs before the viewer's membership period.
    hidden: usize,
    /// The member, if an item shows them their own ids or reactions; `None` for all other members.
    owner: Option<UserId>,
}

impl Log {
    /// Reads the items at these seqs; `None` if the conversation does not exist. Cost: two concurrent requests, and one more if
    /// an item is an edit; a chunk for archived messages that are edited.
    pub async fn item_batch(
        &self,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<Option<ItemBatch>, StoreError> {
        let items = self.items();
        let (items, conversation_item) =
            tokio::try_join!(items.get_all(conversation, seqs), self.members.conversation(conversation))?;
        let Some(conversation_item) = conversation_item else { return Ok(None) };
        let edited = self.edited(conversation, &Periods::all(), &items).await?;
        Ok(Some(ItemBatch::new(&conversation_item, items, edited)))
    }
}

impl ItemBatch {
    fn new(conversation: &ConversationItem, mut items: Vec<LogItem>, edited: Vec<LogItem>) -> Self {
        items.sort_unstable_by_key(|item| item.seq);
        let mut seqs: Vec<Seq> = items.iter().chain(&edited).map(|item| item.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let ConversationItem { member_count, subscription_shards, history, .. } = *conversation;
        Self { member_count, subscription_shards, history, items, edited, seqs }
    }

    /// Returns the group of the member. Earlier membership periods are ignored: a sync returns their messages.
    pub fn viewer(&self, member: &ActiveMember) -> Viewer {
        let owns = |item: &LogItem| item.sender_id == member.user_id || !item.reactions.is_empty();
        Viewer {
            hidden: self.seqs.partition_point(|seq| *seq < member.joined_seq),
            owner: self.items.iter().any(owns).then_some(member.user_id),
        }
    }

    /// Returns what the member sees of the batch, in the order of the log. Leaves out everything from before they joined, even
    /// if they may read it.
    pub fn shown_to(&self, member: &ActiveMember) -> Vec<Message> {
        let period = Period { joined_seq: member.joined_seq, joined_at: member.joined_at, left: None };
        let periods = Periods::visible(vec![period], self.history);
        let seen = self.items.iter().filter(|item| item.seq >= member.joined_seq).cloned();
        seen.map(|item| with_edited_text(item, &self.edited, member.user_id, &periods)).collect()
    }
}
