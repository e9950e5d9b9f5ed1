//! News: items of a log as each member of a large conversation sees them.
//!
//! Most members see the same, so what is sent to them is worked out once for each [`Viewer`] and not for each member.

use domain::{ConversationId, HistoryPolicy, Message, Period, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, ConversationItem};
use store::dynamodb::messages::LogItem;

use super::Log;
use super::sync::with_words;

/// A batch of items of a conversation's log.
#[derive(Debug)]
pub struct ItemBatch {
    /// Active members of the conversation.
    pub member_count: u32,
    /// Number of shards that hold the subscriptions.
    pub subscription_shards: u32,
    history: HistoryPolicy,
    /// In the order of their places.
    items: Vec<LogItem>,
    /// Messages that the items say were edited.
    edited: Vec<LogItem>,
    /// Places of all of these, ascending.
    places: Vec<Seq>,
}

/// Those who see the same of some [`ItemBatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Number of seqs before the viewer's membership period.
    hidden: usize,
    /// The viewer, where something is theirs: they see their own ids and reactions.
    owner: Option<UserId>,
}

impl Log {
    /// The items at these places; `None` where there is no such conversation. Two requests at once, and one more where something
    /// was edited.
    pub async fn item_batch(
        &self,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<Option<ItemBatch>, StoreError> {
        let (items, conversation_item) =
            tokio::try_join!(self.messages.get_all(conversation, seqs), self.members.conversation(conversation))?;
        let Some(conversation_item) = conversation_item else { return Ok(None) };
        let edited = self.edited(conversation, &Periods::all(), &items).await?;
        Ok(Some(ItemBatch::new(&conversation_item, items, edited)))
    }
}

impl ItemBatch {
    fn new(conversation: &ConversationItem, mut items: Vec<LogItem>, edited: Vec<LogItem>) -> Self {
        items.sort_unstable_by_key(|item| item.seq);
        let mut places: Vec<Seq> = items.iter().chain(&edited).map(|item| item.seq).collect();
        places.sort_unstable();
        places.dedup();
        let ConversationItem { member_count, subscription_shards, history, .. } = *conversation;
        Self { member_count, subscription_shards, history, items, edited, places }
    }

    /// Returns the viewer that stands for the member. An earlier membership period of theirs is ignored here: a sync returns
    /// its messages.
    pub fn viewer(&self, member: &ActiveMember) -> Viewer {
        let owns = |item: &LogItem| item.sender_id == member.user_id || !item.reactions.is_empty();
        Viewer {
            hidden: self.places.partition_point(|place| *place < member.joined_seq),
            owner: self.items.iter().any(owns).then_some(member.user_id),
        }
    }

    /// Returns what the member sees of the batch, in the order of the log. Leaves out everything from before they joined, even
    /// if they may read it.
    pub fn shown_to(&self, member: &ActiveMember) -> Vec<Message> {
        let stay = Period { joined_seq: member.joined_seq, joined_at: member.joined_at, left: None };
        let periods = Periods::visible(vec![stay], self.history);
        let seen = self.items.iter().filter(|item| item.seq >= member.joined_seq).cloned();
        seen.map(|item| with_words(item, &self.edited, member.user_id, &periods)).collect()
    }
}
