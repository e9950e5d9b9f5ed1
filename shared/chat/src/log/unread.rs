//! What a user has not read yet.

use domain::conversation::MAX_UNREAD;
use domain::period::SeqRange;
use domain::{ConversationId, MessageKind, Periods, Seq, UserId};

use super::Log;
use super::history::PageRequest;
use store::StoreError;
use store::dynamodb::messages::LogItem;

/// A count, and the newest change of membership that what was counted knows of: periods that are older do not tell whether it
/// may be counted.
pub(crate) struct Counted {
    /// Messages, up to [`MAX_UNREAD`]; at least so many where there is too much else to look through all of it.
    pub(crate) unread: u32,
    /// Place of that change.
    pub(crate) membership_seq: Seq,
}

impl Log {
    /// Texts of others in this range that the user may see, up to [`MAX_UNREAD`]: one bounded query for each stay, and a few more
    /// where there is much else. What lies behind a thousand other items is not counted.
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
