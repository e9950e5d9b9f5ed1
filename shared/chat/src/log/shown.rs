//! Single messages as history shows them.

use domain::{ConversationId, Message, Seq, UserId};
use store::dynamodb::members::MemberView;
use store::dynamodb::messages::LogItem;

use super::Log;
use super::history::{ReadError, is_no_event, require_member};

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
            if let Some(shown) = shown_by(user, &view, items) {
                return Ok(shown);
            }
        }
    }

    /// The same for a user who is a member now. Cost: a transaction of six read units, then a request for the messages.
    pub(crate) async fn shown_to_member(
        &self,
        conversation: ConversationId,
        user: UserId,
        seqs: &[Seq],
    ) -> Result<Vec<Message>, ReadError> {
        let view = require_member(Some(self.view(conversation, user).await?))?;
        self.shown_by_view(conversation, user, &view, seqs).await
    }

    /// The same as [`Self::shown`], for a user whose view has just been read. Cost: one request, one more for each further hundred seqs; again while
    /// members join and leave.
    pub(super) async fn shown_by_view(
        &self,
        conversation: ConversationId,
        user: UserId,
        view: &MemberView,
        seqs: &[Seq],
    ) -> Result<Vec<Message>, ReadError> {
        let items = self.items().get_all(conversation, seqs).await?;
        match shown_by(user, view, items) {
            Some(shown) => Ok(shown),
            None => self.shown(conversation, user, seqs).await,
        }
    }
}

/// Returns the messages among the items that the user may see; `None` if members have changed since the view.
fn shown_by(user: UserId, view: &MemberView, items: Vec<LogItem>) -> Option<Vec<Message>> {
    let newest = items.iter().map(LogItem::membership_seq).max().unwrap_or(Seq::ZERO);
    if newest > view.conversation.members_seq {
        return None;
    }
    let seen = items.into_iter().filter(|item| is_no_event(item) && view.periods.covers(item.seq));
    Some(seen.map(|item| item.shown_to(user, &view.periods)).collect())
}
