//! Single messages as history shows them.

use domain::{ConversationId, Message, Seq, UserId};
use store::dynamodb::messages::LogItem;

use super::Log;
use super::history::{ReadError, is_no_event};

impl Log {
    /// Returns those of the messages at these seqs that `user` may see, exactly as [`Log::history`] shows them, in no order.
    ///
    /// Cost: two concurrent requests, one more for each further hundred seqs; again while members join and leave.
    pub async fn shown(
        &self,
        conversation: ConversationId,
        user: UserId,
        seqs: &[Seq],
    ) -> Result<Vec<Message>, ReadError> {
        loop {
            let items = async { Ok(self.items().get_all(conversation, seqs).await?) };
            let (view, items) = tokio::try_join!(self.view(conversation, user), items)?;
            let newest = items.iter().map(LogItem::membership_seq).max().unwrap_or(Seq::ZERO);
            if newest > view.conversation.members_seq {
                continue;
            }
            let seen = items.into_iter().filter(|item| is_no_event(item) && view.periods.covers(item.seq));
            return Ok(seen.map(|item| item.shown_to(user, &view.periods)).collect());
        }
    }
}
