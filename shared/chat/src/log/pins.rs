//! Messages that are pinned for everybody. The conversation has their seqs, and the log their words: so whatever hides a message
//! hides it here, too.

use domain::conversation::MAX_PINS;
use domain::page::{Page, Room};
use domain::{ConversationId, Message, MessageKind, Seq, UserId};
use store::StoreError;

use super::Log;
use super::history::{ReadError, require_member};

impl Log {
    /// Returns up to `limit` pinned messages below `before` that `user`, a member, may see, newest first, and the cursor of the next
    /// page.
    ///
    /// Cost: a transaction of six read units, then a request for the messages.
    pub async fn pinned(
        &self,
        conversation: ConversationId,
        user: UserId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<Seq>), ReadError> {
        let view = require_member(Some(self.view(conversation, user).await?))?;
        let pinned = view.conversation.pinned_seqs.iter().copied();
        let seqs: Vec<Seq> = pinned.filter(|seq| before.is_none_or(|before| *seq < before)).collect();
        if seqs.is_empty() {
            return Ok((Vec::new(), None));
        }
        let mut shown = self.shown_by_view(conversation, user, &view, &seqs).await?;
        shown.retain(|message| matches!(message.kind, MessageKind::Text(_)));
        shown.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
        let page = Page::cut(shown, limit, Room::of_body()).map_err(StoreError::from)?;
        let next = page.items.last().map(|message| message.seq).filter(|_| page.more);
        Ok((page.items, next))
    }

    /// Requires that `user`, a member, sees the text at a seq. Returns those pinned messages that are no more, if there is no room for
    /// another one: deleted, erased and expired ones.
    ///
    /// Cost: as [`Self::pinned`]; with no room left, a read unit or more for each pinned message.
    pub async fn gone_pins(&self, conversation: ConversationId, user: UserId, seq: Seq) -> Result<Vec<Seq>, ReadError> {
        let view = require_member(Some(self.view(conversation, user).await?))?;
        let shown = self.shown_by_view(conversation, user, &view, &[seq]).await?;
        if !shown.iter().any(|message| matches!(message.kind, MessageKind::Text(_))) {
            return Err(ReadError::NoText);
        }
        let (mut gone, expired_seq) = (view.conversation.pinned_seqs, view.conversation.expired_seq);
        if gone.len() < MAX_PINS {
            return Ok(Vec::new());
        }
        let found = self.items().get_all(conversation, &gone).await?;
        let texts = found.iter().filter(|item| matches!(item.kind, MessageKind::Text(_)) && item.seq > expired_seq);
        let texts: Vec<Seq> = texts.map(|item| item.seq).collect();
        gone.retain(|seq| !texts.contains(seq));
        Ok(gone)
    }
}
