//! Who sees that somebody writes.

use domain::{ConversationId, UserId};

use crate::dynamodb::Members;
use crate::log::{SendError, may_send};

/// The other members, where the user may send; nobody in conversations of more than a hundred, in which somebody always writes.
/// One consistent request, and one more where they are too many for the first to show the user.
pub async fn audience(members: &Members, conversation: ConversationId, user: UserId) -> Result<Vec<UserId>, SendError> {
    let roster = members.roster(conversation, true).await?.ok_or(SendError::NotAMember)?;
    let crowd = roster.is_cut_off();
    let member = if crowd { members.active(conversation, user).await? } else { roster.member(user).copied() };
    may_send(&roster.conversation, &member.ok_or(SendError::NotAMember)?)?;
    let others = roster.user_ids().into_iter().filter(|other| !crowd && *other != user);
    Ok(others.collect())
}
