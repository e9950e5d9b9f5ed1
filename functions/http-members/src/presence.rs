//! `GET /v1/presence` returns the presence of members.

use chat::membership::MemberPage;
use domain::protocol::http::PresencePage;
use domain::{ApiError, ConversationId, ErrorCode, Timestamp, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

/// Most members of a page, and the default: one batch of reads.
const MAX_LIMIT: usize = 100;

impl Handler {
    /// Returns the presence of members, to members who are not blocked. Cost: two concurrent requests and one more, no SQL.
    pub(crate) async fn presence(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation: Option<ConversationId> = request.query("conversation_id")?;
        let conversation =
            conversation.ok_or_else(|| ApiError::invalid("The parameter `conversation_id` is missing."))?;
        let limit = request.limit(MAX_LIMIT, MAX_LIMIT)?;
        let after = request.query("cursor")?;
        let MemberPage { view, members, cursor } =
            self.membership.member_page(conversation, request.user_id(), after, limit).await?;
        if !view.conversation.blocked_by.is_empty() {
            return Err(ApiError::new(ErrorCode::Blocked, "One of you has blocked the other."));
        }
        let users: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        Response::ok(&PresencePage { members: self.connections.presence(&users, Timestamp::now()).await?, cursor })
    }
}
