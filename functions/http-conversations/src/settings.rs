//! `PATCH /v1/conversations/{id}/settings`: what the caller has set for a conversation.

use domain::protocol::Push;
use domain::settings::SettingsChange;
use domain::{ApiError, Timestamp};
use lambda_kit::http::{Request, Response};

use crate::Handler;

impl Handler {
    /// Changes the caller's settings of a conversation, for members and former members, and tells all of the caller's devices.
    /// Answers with all settings. Safe to repeat.
    pub(crate) async fn change_settings(&self, request: &Request) -> Result<Response, ApiError> {
        let (conversation_id, user) = (request.id("id")?, request.user_id());
        let change: SettingsChange = request.json()?;
        if change.is_empty() {
            return Err(ApiError::invalid("The request must have a setting."));
        }
        self.inbox.log.view(conversation_id, user).await?;
        let settings = self.inbox.watermarks.change_settings(conversation_id, user, &change, Timestamp::now()).await?;
        self.user_notifier.push(user, &Push::ConversationSettings { conversation_id, settings }).await;
        Response::ok(&settings)
    }
}
