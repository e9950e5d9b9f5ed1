//! Who sees that somebody writes.

use domain::{ConversationId, UserId};

use crate::log::{SendError, may_send};
use crate::notify::{Recipient, Recipients};

/// The connections of the others, where the user may send; none where they are more than a hundred, since somebody always writes
/// there. Two requests, and a third for those who look at a public conversation, or where there are too many members for the first
/// to show the user.
pub async fn audience(
    recipients: &Recipients,
    conversation: ConversationId,
    user: UserId,
) -> Result<Vec<Recipient>, SendError> {
    let roster = recipients.members.roster_for(user, conversation, true).await?.ok_or(SendError::NotAMember)?;
    let member = match roster.member(user) {
        None if roster.is_cut_off() => recipients.members.active(conversation, user).await?,
        shown => shown.copied(),
    };
    may_send(&roster.conversation, &member.ok_or(SendError::NotAMember)?)?;
    let audience = recipients.of(&roster, &[]).await?;
    Ok(audience.recipients.into_iter().filter(|recipient| audience.whole && recipient.user_id != user).collect())
}
