//! `PATCH` and `DELETE /v1/conversations/{id}`.

use domain::membership::Action;
use domain::protocol::Push;
use domain::protocol::http::UpdateConversationRequest;
use domain::{ApiError, ConversationId, Custom, ErrorCode, UserId, conversation};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Changes title, topic, `custom` and retention, or blocks the other of a private conversation. Answers with the conversation as it is then.
    pub(crate) async fn patch(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation = request.id("id")?;
        let patch: UpdateConversationRequest = request.json()?;
        let mut actions = Vec::new();
        if let Some(title) = patch.title {
            actions.push(Action::SetTitle(conversation::title(&title)?));
        }
        if let Some(topic) = patch.topic {
            actions.push(Action::SetTopic(conversation::topic(&topic.unwrap_or_default())?));
        }
        if let Some(custom) = patch.custom {
            actions.push(Action::SetCustom(Custom::checked(custom)?));
        }
        if let Some(days) = patch.retention_days {
            actions.push(Action::SetRetention(days.map(|days| self.retention_days(days)).transpose()?));
        }
        actions.extend(patch.blocked.map(Action::Block));
        if actions.is_empty() {
            return Err(ApiError::invalid(
                "The request must have `title`, `topic`, `custom`, `retention_days` or `blocked`.",
            ));
        }
        let caller = request.user_id();
        self.change(conversation, caller, &actions).await?;
        let conversation = self.inbox.conversation(conversation, caller).await?;
        if let Some((blocked, user_id)) = patch.blocked.zip(conversation.peer_id) {
            self.user_notifier.push(caller, &Push::Block { user_id, blocked }).await;
        }
        Response::ok(&conversation)
    }

    /// Checks a number of days: a conversation may keep messages for less time than the stack does.
    fn retention_days(&self, days: u32) -> Result<u32, ApiError> {
        if self.kept.is_zero() {
            return Err(ApiError::new(ErrorCode::RetentionOff, "This deployment keeps all messages."));
        }
        let most = self.kept.as_secs().div_ceil(24 * 60 * 60);
        if u64::from(conversation::retention_days(days)?) > most {
            return Err(ApiError::invalid(format!("`retention_days` can be at most {most} here.")));
        }
        Ok(days)
    }

    /// Closes the conversation: afterwards it can only be read and left.
    pub(crate) async fn close(&self, request: &Request) -> Result<Response, ApiError> {
        self.change(request.id("id")?, request.user_id(), &[Action::Close]).await?;
        Ok(Response::no_content())
    }

    pub(crate) async fn change(
        &self,
        conversation: ConversationId,
        actor: UserId,
        actions: &[Action],
    ) -> Result<(), ApiError> {
        let changed = self.membership.change(conversation, actor, actions).await?;
        self.notifier.changed(changed).await
    }
}
