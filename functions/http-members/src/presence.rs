//! `GET /v1/presence` returns the presence of members.

use chat::membership::MemberPage;
use domain::protocol::http::{PresencePage, PresenceQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, Presence, Timestamp, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Returns the presence of members, to members. Users who block the reader appear as never seen. Cost: two concurrent requests,
    /// then one, and another one beside it unless the conversation is private; no SQL.
    pub(crate) async fn presence(&self, request: &Request) -> Result<Response, ApiError> {
        let PresenceQuery { conversation_id: conversation, limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::PRESENCE)?;
        let MemberPage { view, members, cursor } =
            self.membership.member_page(conversation, request.user_id(), after, limit).await?;
        if !view.conversation.blocked_by.is_empty() {
            return Err(ApiError::blocked());
        }
        let users: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        let (mut members, hidden) = tokio::try_join!(
            self.connections.presence(&users, Timestamp::now()),
            self.membership.hidden_from(&view.conversation, request.user_id(), &users)
        )?;
        for member in &mut members {
            if hidden.contains(&member.user_id) {
                *member = Presence::unknown(member.user_id);
            }
        }
        Response::ok(&PresencePage { members, cursor })
    }
}
