//! Counting the messages that a user has not read.

use domain::conversation::MAX_UNREAD;
use domain::period::SeqRange;
use domain::{ConversationId, MessageKind, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::messages::LogItem;

use super::Log;
use super::history::PageRequest;

/// A count, and the newest membership change that precedes a counted item. The count is not reliable with periods from before
/// that change.
pub(crate) struct Counted {
    /// Number of messages, at most [`MAX_UNREAD`]. A lower bound if there are too many other items to read.
    pub(crate) unread: u32,
    /// Seq of the newest membership change before a counted item.
    pub(crate) membership_seq: Seq,
}

impl Log {
    /// Counts the texts of others in this range that the user may see, up to [`MAX_UNREAD`]. Cost: one bounded query per
    /// membership period, and a few more among many other items. Texts behind a thousand other items are not counted.
    pub(crate) async fn unread(
        &self,
        id: ConversationId,
        user: UserId,
        periods: &Periods,
        range: SeqRange,
    ) -> Result<Counted, StoreError> {
        let most = MAX_UNREAD as usize;
        let counts = |item: &LogItem| {
            item.seq <= range.last && matches!(item.kind, MessageKind::Text(_)) && item.sender_id != user
        };
        let read = self.visible(id, periods, PageRequest::After(range.first.previous()), most, counts).await?;
        let unread = u32::try_from(read.items.len()).unwrap_or(MAX_UNREAD);
        Ok(Counted { unread, membership_seq: read.newest_members_seq })
    }
}
