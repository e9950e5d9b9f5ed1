//! What has become of a message, by recipient, and up to where everybody has got.

use domain::receipt::{MemberWatermarks, Status, Watermark};
use domain::{ConversationId, ConversationType, MessageKind, ReceiptKind, Seq, UserId};

use crate::log::ReadError;
use crate::membership::MemberPage;
use store::dynamodb::members::Entry;
use store::dynamodb::{Members, Messages, Watermarks};

/// What this is read from.
#[derive(Clone, Debug)]
pub struct StatusReader {
    /// For the message.
    pub messages: Messages,
    /// For who was there.
    pub members: Members,
    /// For how far they have got.
    pub watermarks: Watermarks,
}

impl StatusReader {
    /// Who of the recipients of a message has it, and since when, page by page: `after` is what the page before gave. Recipients
    /// are those whose stay covers the message, its sender excluded; a page may have fewer than `limit` of them, or none, and not
    /// be the last. Only members may ask.
    ///
    /// Five requests, and up to two for each recipient who has it. In a public conversation only what was read counts as delivered.
    pub async fn of_message(
        &self,
        conversation: ConversationId,
        caller: UserId,
        seq: Seq,
        after: Option<&Entry>,
        limit: usize,
    ) -> Result<(Vec<Status>, Option<Entry>), ReadError> {
        // The members as they are after the message was found: none that it reached is missing, and nobody who was put out before
        // it learns of it.
        let message = self.messages.get(conversation, seq).await?;
        let (view, (mut users, next)) = tokio::try_join!(
            self.members.view(conversation, caller),
            self.members.present_at(conversation, seq, after, limit)
        )?;
        let view = crate::log::require_member(view)?;
        let message = message.filter(|message| view.periods.covers(message.seq));
        let message = message.filter(|message| matches!(message.kind, MessageKind::Text(_)));
        let message = message.ok_or(ReadError::NoText)?;
        users.retain(|user| *user != message.sender_id);
        let (delivered, read) = tokio::try_join!(
            self.watermarks.reached(ReceiptKind::Delivered, conversation, &users, seq),
            self.watermarks.reached(ReceiptKind::Read, conversation, &users, seq)
        )?;
        let status =
            |user: UserId| Status::new(user, message.sent_at, delivered.get(&user).copied(), read.get(&user).copied());
        Ok((users.into_iter().map(status).collect(), next))
    }

    /// The watermarks of the members who are there, page by page, as far as the caller can see. Only members may ask. Four requests
    /// a hundred members.
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
        let delivered = async {
            if view.conversation.kind == ConversationType::Public {
                return Ok(std::collections::BTreeMap::new());
            }
            self.watermarks.of(ReceiptKind::Delivered, conversation, &users).await
        };
        let (delivered, read) =
            tokio::try_join!(delivered, self.watermarks.of(ReceiptKind::Read, conversation, &users))?;
        // What is hidden from the caller is left out: a mark within it stands for what the caller can see below it.
        let seen = |mark: &Watermark| Some(Watermark { seq: view.periods.last_visible(mark.seq)?, at: mark.at });
        let marks = |user: &UserId| {
            MemberWatermarks::new(*user, delivered.get(user).and_then(seen), read.get(user).and_then(seen))
        };
        Ok((users.iter().map(marks).collect(), cursor))
    }
}
