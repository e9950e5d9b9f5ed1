//! The status of a message by recipient, and the watermarks of all members.

use domain::receipt::{MemberWatermarks, Status, Watermark};
use domain::{ConversationId, ConversationType, MessageKind, ReceiptKind, Seq, UserId};
use store::dynamodb::members::Entry;
use store::dynamodb::{Members, Watermarks};

use crate::archive::Items;
use crate::log::ReadError;
use crate::membership::MemberPage;
use crate::membership::blocks::hidden_from;

/// Reads the status of messages.
#[derive(Clone, Debug)]
pub struct StatusReader {
    pub items: Items,
    pub members: Members,
    pub watermarks: Watermarks,
}

impl StatusReader {
    /// Returns the status of a message for a page of its recipients; `after` is the cursor of the previous page. Recipients are
    /// the users whose membership period covers the message, without its sender. A page may have fewer than `limit` of them, or
    /// none, and not be the last. For members only. Users who block the caller appear as if nothing had reached them.
    ///
    /// Cost: five requests, a sixth for blocks unless the conversation is private, and up to two for each recipient who has it.
    /// In a public conversation only reads count as deliveries.
    pub async fn of_message(
        &self,
        conversation: ConversationId,
        caller: UserId,
        seq: Seq,
        after: Option<&Entry>,
        limit: usize,
    ) -> Result<(Vec<Status>, Option<Entry>), ReadError> {
        // The members are read after the message: no recipient is missing, and a user who was removed before it is refused.
        let message = self.items.get(conversation, seq).await?;
        let (view, (mut users, next)) = tokio::try_join!(
            self.members.view(conversation, caller),
            self.members.present_at(conversation, seq, after, limit)
        )?;
        let view = crate::log::require_member(view)?;
        let message = message.filter(|message| view.periods.covers(message.seq));
        let message = message.filter(|message| matches!(message.kind, MessageKind::Text(_)));
        let message = message.ok_or(ReadError::NoText)?;
        users.retain(|user| *user != message.sender_id);
        let hidden = hidden_from(&self.members, &view.conversation, caller, &users).await?;
        let shown: Vec<UserId> = users.iter().copied().filter(|user| !hidden.contains(user)).collect();
        let (delivered, read) = tokio::try_join!(
            self.watermarks.reached(ReceiptKind::Delivered, conversation, &shown, seq),
            self.watermarks.reached(ReceiptKind::Read, conversation, &shown, seq)
        )?;
        let status =
            |user: UserId| Status::new(user, message.sent_at, delivered.get(&user).copied(), read.get(&user).copied());
        Ok((users.into_iter().map(status).collect(), next))
    }

    /// Reads the watermarks of the active members, page by page, as far as the caller can see, for a reader who must be a
    /// member. Users who block the caller have none. Cost: four requests a hundred members, and one for blocks unless the
    /// conversation is private.
    pub async fn of_members(
        &self,
        conversation: ConversationId,
        caller: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<MemberWatermarks>, Option<UserId>), ReadError> {
        let MemberPage { view, members, cursor } =
            MemberPage::read(&self.members, conversation, caller, after, limit).await?;
        let users: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        let hidden = hidden_from(&self.members, &view.conversation, caller, &users).await?;
        let shown: Vec<UserId> = users.iter().copied().filter(|user| !hidden.contains(user)).collect();
        let delivered = async {
            if view.conversation.kind == ConversationType::Public {
                return Ok(std::collections::BTreeMap::new());
            }
            self.watermarks.of(ReceiptKind::Delivered, conversation, &shown).await
        };
        let (delivered, read) =
            tokio::try_join!(delivered, self.watermarks.of(ReceiptKind::Read, conversation, &shown))?;
        // A watermark within a range that is hidden from the caller stands for the last seq below it that the caller can see.
        let seen = |mark: &Watermark| Some(Watermark { seq: view.periods.last_visible(mark.seq)?, at: mark.at });
        let marks = |user: &UserId| {
            MemberWatermarks::new(*user, delivered.get(user).and_then(seen), read.get(user).and_then(seen))
        };
        Ok((users.iter().map(marks).collect(), cursor))
    }
}
