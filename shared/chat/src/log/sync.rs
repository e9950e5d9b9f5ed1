//! Sync: everything after a cursor that a user may see, events included.

use domain::page::Room;
use domain::protocol::SyncedConversation;
use domain::protocol::sync::pair;
use domain::{ConversationId, Message, MessageKind, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::messages::LogItem;

use super::Log;
use super::history::{PageRequest, ReadError};

/// Most items whose edited messages are read at once: with all its edits, one is up to 300 KB large.
const ITEMS_PER_READ: usize = 25;

impl Log {
    /// Returns up to `limit` items after `cursor`, no more than a frame takes, and the head.
    ///
    /// Cost: three requests, and one more per `ITEMS_PER_READ` items if an item is an edit: an event holds no text, which comes
    /// from the message, in the newest form that the user may see. Exact while members join and leave, as [`Log::history`] is.
    pub async fn sync(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Seq,
        limit: usize,
    ) -> Result<SyncedConversation, ReadError> {
        loop {
            let view = self.view(conversation, user).await?;
            let periods = &view.periods;
            let (read, last) = tokio::try_join!(
                self.visible(conversation, periods, PageRequest::After(cursor), limit + 1, |_| true),
                self.last_visible(conversation, periods)
            )?;
            let last_members_seq = last.as_ref().map_or(Seq::ZERO, LogItem::membership_seq);
            let mut newest = read.newest_members_seq.max(last_members_seq);
            let mut cut_off = read.items.len() > limit || read.stopped_at.is_some();
            let items = read.items.get(..limit).unwrap_or(&read.items);
            let (mut messages, mut room) = (Vec::new(), Room::of_frame());
            'answer: for items in items.chunks(ITEMS_PER_READ) {
                let targets = self.edited(conversation, periods, items).await?;
                newest = targets.iter().map(LogItem::membership_seq).max().unwrap_or(Seq::ZERO).max(newest);
                for item in items {
                    let message = with_edited_text(item.clone(), &targets, user, periods);
                    if !room.admit(&message).map_err(StoreError::from)? {
                        cut_off = true;
                        break 'answer;
                    }
                    messages.push(message);
                }
            }
            if newest > view.conversation.members_seq {
                continue;
            }
            let end = messages.last().map(|message: &Message| message.seq);
            // The two reads are of different moments: an item that was sent in between is in the log and not in this answer.
            let more = cut_off || last.as_ref().is_some_and(|last| last.seq > end.unwrap_or(cursor));
            // A member who has just joined a public conversation has seen all that is visible to them, and so has the member of a
            // conversation of which everything has expired.
            let head_seq = last.map(|item| item.seq).max(end).unwrap_or(Seq::ZERO).max(view.start());
            // Without more items, every seq between the last item and the head is hidden.
            let upto = if more { end.unwrap_or(cursor) } else { head_seq };
            let hidden = periods.hidden_within(cursor.next(), upto).into_iter().map(pair).collect();
            let (conversation_id, expired_seq) = (conversation, view.expired_seq());
            return Ok(SyncedConversation {
                conversation_id,
                conversation: None,
                messages,
                hidden,
                head_seq,
                expired_seq,
                more,
            });
        }
    }

    /// Reads the messages that these items edit, as far as the user may see them.
    pub(super) async fn edited(
        &self,
        conversation: ConversationId,
        periods: &Periods,
        items: &[LogItem],
    ) -> Result<Vec<LogItem>, StoreError> {
        let target = |item: &LogItem| match item.kind {
            MessageKind::MessageEdited { target_seq, .. } if periods.covers(target_seq) => Some(target_seq),
            _ => None,
        };
        let mut targets: Vec<Seq> = items.iter().filter_map(target).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        self.items().get_all(conversation, &targets).await
    }
}

/// Returns the item as the user sees it, with the new text if it is an edit.
pub(super) fn with_edited_text(item: LogItem, targets: &[LogItem], user: UserId, periods: &Periods) -> Message {
    let mut message = item.shown_to(user, periods);
    if let MessageKind::MessageEdited { target_seq, content } = &mut message.kind {
        let target = targets.iter().find(|target| target.seq == *target_seq && periods.covers(target.seq));
        *content = target.and_then(|target| match target.clone().shown_to(user, periods).kind {
            MessageKind::Text(content) => Some(content),
            // Deleted since.
            _ => None,
        });
    }
    message
}
