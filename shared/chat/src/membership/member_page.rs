//! A page of the members of a conversation, for one of them.

use domain::{ConversationId, UserId};
use store::dynamodb::Members;
use store::dynamodb::members::{ActiveMember, MemberView};

use crate::log::ReadError;

/// A page of members, as one of them may see it.
#[derive(Debug)]
pub struct MemberPage {
    pub view: MemberView,
    /// Members in the order of their ids.
    pub members: Vec<ActiveMember>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<UserId>,
}

impl MemberPage {
    /// Reads up to `limit` members after `after`, for a reader who must be a member. Cost: two concurrent requests.
    pub async fn read(
        members: &Members,
        conversation: ConversationId,
        reader: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Self, ReadError> {
        let (view, mut listed) =
            tokio::try_join!(members.view(conversation, reader), members.list(conversation, after, limit + 1))?;
        let view = crate::log::require_member(view)?;
        let more = listed.len() > limit;
        listed.truncate(limit);
        let cursor = listed.last().map(|member| member.user_id).filter(|_| more);
        Ok(Self { view, members: listed, cursor })
    }
}
