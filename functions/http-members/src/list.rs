//! `GET /v1/conversations/{id}/members` lists the members.

use chat::membership::MemberPage;
use domain::protocol::http::{Member, MembersPage, PageQuery, pages};
use domain::protocol::read::page;
use domain::{ApiError, ConversationId, UserId};
use lambda_kit::http::{Request, Response};
use store::dynamodb::members::ActiveMember;

use crate::Handler;

pub(crate) fn entry(member: ActiveMember) -> Member {
    let ActiveMember { user_id, role, joined_seq, joined_at, muted_until, .. } = member;
    Member { user_id, role, joined_seq, joined_at, muted_until }
}

impl Handler {
    /// Lists the members, for members. Cost: two concurrent requests, no SQL.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation: ConversationId = request.id("id")?;
        let PageQuery::<UserId> { limit, cursor } = request.query()?;
        let (limit, after) = page(limit, cursor, pages::MEMBERS)?;
        let MemberPage { members, cursor, .. } =
            self.membership.member_page(conversation, request.user_id(), after, limit).await?;
        Response::ok(&MembersPage { members: members.into_iter().map(entry).collect(), cursor })
    }
}
