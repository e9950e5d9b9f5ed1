//! `GET /v1/conversations/{id}/members` lists the members.

use chat::membership::MemberPage;
use domain::{ApiError, ConversationId, Role, Seq, Timestamp, UserId};
use lambda_kit::http::{Request, Response};
use serde::Serialize;
use store::dynamodb::members::ActiveMember;

use crate::Handler;

/// Members of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 100;

/// Most members of a page.
const MAX_LIMIT: usize = 1000;

/// A member, as members see each other.
#[derive(Debug, Serialize)]
pub(crate) struct Body {
    user_id: UserId,
    role: Role,
    joined_seq: Seq,
    joined_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Page {
    members: Vec<Body>,
    /// Gives the next page; `None` on the last.
    cursor: Option<UserId>,
}

impl From<ActiveMember> for Body {
    fn from(member: ActiveMember) -> Self {
        let ActiveMember { user_id, role, joined_seq, joined_at, muted_until, .. } = member;
        Self { user_id, role, joined_seq, joined_at, muted_until }
    }
}

impl Handler {
    /// Those who are there, for those who are there. No SQL: two requests.
    pub(crate) async fn list(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation: ConversationId = request.id("id")?;
        let limit = request.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
        let after = request.query("cursor")?;
        let MemberPage { members, cursor, .. } =
            self.membership.member_page(conversation, request.user_id(), after, limit).await?;
        Response::ok(&Page { members: members.into_iter().map(Body::from).collect(), cursor })
    }
}
