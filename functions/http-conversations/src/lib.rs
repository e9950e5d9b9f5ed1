//! Conversations: `POST` and `GET /v1/conversations`, `GET /v1/conversations/{id}`.

mod create;
mod list;

use domain::conversation::Conversation;
use domain::{ApiError, ConversationId, ErrorCode, Seq, UserId};
use lambda_kit::http::{Request, Response};
use store::log::Log;
use store::relay::Relay;
use store::sql::Conversations;

/// What the routes need.
#[derive(Debug)]
pub struct Handler {
    /// The relational truth.
    pub conversations: Conversations,
    /// Brings it to the hot path.
    pub relay: Relay,
    /// What members see.
    pub log: Log,
}

impl Handler {
    /// Answers one request.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "POST /v1/conversations" => self.create(&request).await,
            "GET /v1/conversations" => self.list(&request).await,
            "GET /v1/conversations/{id}" => {
                let conversation = request.path("id", ErrorCode::ConversationNotFound)?;
                Response::ok(&self.get(conversation, request.user_id()).await?)
            }
            _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
        }
    }

    async fn get(&self, conversation: ConversationId, user: UserId) -> Result<Conversation, ApiError> {
        let found = self.find(conversation, user).await?;
        found.ok_or_else(|| ApiError::new(ErrorCode::ConversationNotFound, "No such conversation."))
    }

    /// What the user sees of a conversation, from DynamoDB alone: two requests. A former member sees nothing of what is now.
    async fn find(&self, conversation: ConversationId, user: UserId) -> Result<Option<Conversation>, ApiError> {
        let Some(view) = self.log.members.view(conversation, user).await? else { return Ok(None) };
        let last = self.log.last_visible(&view).await?;
        Ok(Some(Conversation {
            conversation_id: conversation,
            kind: view.conversation.kind,
            title: view.role.and(view.conversation.title),
            role: view.role,
            member_count: view.role.map(|_| view.conversation.member_count),
            head_seq: last.as_ref().map_or(Seq::ZERO, |item| item.seq),
            last_message_at: last.map(|item| item.sent_at),
        }))
    }
}
