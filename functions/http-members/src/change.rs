//! Coming, going, and roles.

use domain::membership::Action;
use domain::{ApiError, ConversationId, ErrorCode, Role, Timestamp, UserId};
use lambda_kit::http::{Request, Response, given};
use serde::Deserialize;

use crate::Handler;
use crate::list::Body;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    user_ids: Vec<UserId>,
}

/// Absent fields stay as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    role: Option<Role>,
    #[allow(clippy::option_option, reason = "not given, or `null`")]
    #[serde(default, deserialize_with = "given")]
    muted_until: Option<Option<Timestamp>>,
}

impl Handler {
    /// Lets users in, all of them or none.
    pub(crate) async fn add(&self, request: &Request) -> Result<Response, ApiError> {
        let Add { mut user_ids } = request.json()?;
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

    /// Gives a member another role, or mutes or unmutes a member.
    pub(crate) async fn patch(&self, request: &Request) -> Result<Response, ApiError> {
        let (conversation, user) = (request.id("id")?, user_in_path(request)?);
        let Patch { role, muted_until } = request.json()?;
        let role = role.map(|role| Action::SetRole(user, role));
        let muted = muted_until.map(|until| Action::Mute(user, until));
        let actions: Vec<Action> = role.into_iter().chain(muted).collect();
        if actions.is_empty() {
            return Err(ApiError::invalid("Nothing to change: give `role` or `muted_until`."));
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
        let applied = self.membership.change(conversation, actor, actions).await?;
        self.notifier.changes(&applied).await
    }

    async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Body, ApiError> {
        let member = self.membership.member(conversation, user).await?;
        // They may have gone in the meantime.
        let member = member.ok_or_else(|| ApiError::new(ErrorCode::MemberNotFound, "This user is not a member."))?;
        Ok(member.into())
    }
}

/// The user in the path: an id, or `me`.
fn user_in_path(request: &Request) -> Result<UserId, ApiError> {
    if request.segment("user_id") == "me" { Ok(request.user_id()) } else { request.id("user_id") }
}
