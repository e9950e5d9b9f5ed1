//! Who sees that somebody writes.

use domain::{ConversationId, UserId};

use crate::listeners::{Listener, Listeners};
use crate::log::{SendError, may_send};

/// The connections of the others, where the user may send; none where they are more than a hundred, since somebody always writes
/// there. Two requests, and a third for those who look at a public conversation, or where there are too many members for the first
/// to show the user.
pub async fn audience(
    listeners: &Listeners,
    conversation: ConversationId,
    user: UserId,
) -> Result<Vec<Listener>, SendError> {
    let roster = listeners.members.roster_for(user, conversation, true).await?.ok_or(SendError::NotAMember)?;
    let member = match roster.member(user) {
        None if roster.is_cut_off() => listeners.members.active(conversation, user).await?,
        shown => shown.copied(),
    };
    may_send(&roster.conversation, &member.ok_or(SendError::NotAMember)?)?;
    let audience = listeners.of(&roster, &[]).await?;
    Ok(audience.listeners.into_iter().filter(|listener| audience.whole && listener.user_id != user).collect())
}
