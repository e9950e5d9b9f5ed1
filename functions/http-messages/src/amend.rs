//! Edits, deletions and reactions: `PATCH` and `DELETE …/messages/{seq}`, `PUT` and `DELETE …/messages/{seq}/reactions/{emoji}`.

use domain::amendment::Amendment;
use domain::protocol::http::EditRequest;
use domain::reaction::Emoji;
use domain::{ApiError, ErrorCode, Message};
use lambda_kit::http::{Request, Response};
use percent_encoding::percent_decode_str;

use crate::Handler;

impl Handler {
    /// Edits the text of a message.
    pub(crate) async fn edit(&self, request: &Request) -> Result<Response, ApiError> {
        let edit: EditRequest = request.json()?;
        let message = self.amend(request, Amendment::Edit(edit.check()?)).await?;
        Response::ok(&message)
    }

    /// Deletes a message for all users.
    pub(crate) async fn delete(&self, request: &Request) -> Result<Response, ApiError> {
        self.amend(request, Amendment::Delete).await?;
        Ok(Response::no_content())
    }

    /// Adds or withdraws a reaction.
    pub(crate) async fn react(&self, request: &Request, on: bool) -> Result<Response, ApiError> {
        let emoji = percent_decode_str(request.segment("emoji")).decode_utf8();
        let emoji = emoji.map_err(|_| ApiError::new(ErrorCode::InvalidEmoji, "This is not an emoji."))?;
        let message = self.amend(request, Amendment::React { emoji: Emoji::parse(&emoji)?, on }).await?;
        Response::ok(&message)
    }

    async fn amend(&self, request: &Request, amendment: Amendment) -> Result<Message, ApiError> {
        let (conversation, seq, actor) = (request.id("id")?, request.seq()?, request.user_id());
        let amended = self.log.amend(conversation, actor, seq, &amendment, self.edit_window).await?;
        if let Some(event) = amended.event {
            self.sender.notifier().event(&event).await?;
        }
        Ok(amended.message)
    }
}
