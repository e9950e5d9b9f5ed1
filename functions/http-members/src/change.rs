//! Joining, leaving, adding, removing, roles and mutes.

use domain::membership::Action;
use domain::protocol::http::{AddMembersRequest, Member, UpdateMemberRequest};
use domain::{ApiError, ConversationId, ErrorCode, UserId};
use lambda_kit::http::{Request, Response};

use crate::Handler;
use crate::list::entry;

impl Handler {
    /// Adds users, all of them or none.
    pub(crate) async fn add(&self, request: &Request) -> Result<Response, ApiError> {
        let AddMembersRequest { mut user_ids } = request.json()?;
        user_ids.sort_unstable();
        user_ids.dedup();
        self.change(request.id("id")?, request.user_id(), &[Action::Add(user_ids)]).await?;
        Ok(Response::no_content())
    }

    /// Joins a public conversation.
    pub(crate) async fn join(&self, request: &Request) -> Result<Response, ApiError> {
        let (conversation, user) = (request.id("id")?, request.user_id());
        self.change(conversation, user, &[Action::Join]).await?;
        Response::ok(&self.member(conversation, user).await?)
    }

    /// Changes the role of a member, or mutes or unmutes a member.
    pub(crate) async fn patch(&self, request: &Request) -> Result<Response, ApiError> {
        let (conversation, user) = (request.id("id")?, user_in_path(request)?);
        let UpdateMemberRequest { role, muted_until } = request.json()?;
        let role = role.map(|role| Action::SetRole(user, role));
        let muted = muted_until.map(|until| Action::Mute(user, until));
        let actions: Vec<Action> = role.into_iter().chain(muted).collect();
        if actions.is_empty() {
            return Err(ApiError::invalid("The request must have `role` or `muted_until`."));
        }
        self.change(conversation, request.user_id(), &actions).await?;
        Response::ok(&self.member(conversation, user).await?)
    }

    /// Leaves, or removes a member. It is no error if the user is not a member any more: the request may be a repeat.
    pub(crate) async fn remove(&self, request: &Request) -> Result<Response, ApiError> {
        let (user, actor) = (user_in_path(request)?, request.user_id());
        let action = if user == actor { Action::Leave } else { Action::Remove(user) };
        self.change(request.id("id")?, actor, &[action]).await?;
        Ok(Response::no_content())
    }

    async fn change(&self, conversation: ConversationId, actor: UserId, actions: &[Action]) -> Result<(), ApiError> {
        let changed = self.membership.change(conversation, actor, actions).await?;
        self.notifier.changed(changed).await
    }

    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Member, ApiError> {
        let member = self.membership.member(conversation, user).await?;
        // The member may have left meanwhile.
        let member = member.ok_or_else(|| {
            ApiError::new(ErrorCode::MemberNotFound, "This user is not a member of the conversation.")
        })?;
        Ok(entry(member))
    }
}

/// The user in the path: an id, or `me`.
fn user_in_path(request: &Request) -> Result<UserId, ApiError> {
    if request.segment("user_id") == "me" { Ok(request.user_id()) } else { request.id("user_id") }
}
