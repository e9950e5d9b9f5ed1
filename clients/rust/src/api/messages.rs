//! Messages over HTTP: history, mentions, edits, deletions, reactions, status.

use domain::protocol::http::{AroundPage, EditRequest, HistoryPage, MentionsPage, StatusPage, WatermarksPage};
use domain::protocol::{SendBody, Sent};
use domain::receipt::MemberWatermarks;
use domain::{ClientMessageId, ConversationId, Message, Seq};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::{Api, ApiError, NO_BODY, page_after};

impl Api {
    /// Sends a message over HTTP, after the last seq that the caller has seen; without one, a repeat may send it again. A repeat
    /// with the same `id` and seq sends nothing twice.
    pub async fn send(
        &self,
        conversation: ConversationId,
        id: ClientMessageId,
        after: Option<Seq>,
        text: &str,
    ) -> Result<Sent, ApiError> {
        let path = format!("/v1/conversations/{conversation}/messages");
        let (client_message_id, text) = (Some(id), Some(text.to_owned()));
        let body = SendBody { after_seq: after, client_message_id, text, ..SendBody::default() };
        self.ask(Method::POST, &path, Some(&body)).await
    }

    /// Edits the text of one of the user's own messages.
    pub async fn edit(&self, conversation: ConversationId, seq: Seq, text: &str) -> Result<(), ApiError> {
        let body = EditRequest { text: text.to_owned(), mentions: Vec::new(), custom: None };
        self.ask::<Value>(Method::PATCH, &message(conversation, seq), Some(&body)).await.map(drop)
    }

    /// Edits a message of the user: text, mentions and, unless absent, what the app adds.
    pub async fn edit_all(
        &self,
        conversation: ConversationId,
        seq: Seq,
        edit: &EditRequest,
    ) -> Result<Message, ApiError> {
        self.ask(Method::PATCH, &message(conversation, seq), Some(edit)).await
    }

    /// Deletes a message for all users.
    pub async fn delete(&self, conversation: ConversationId, seq: Seq) -> Result<(), ApiError> {
        self.ask::<Value>(Method::DELETE, &message(conversation, seq), NO_BODY).await.map(drop)
    }

    /// Adds or withdraws a reaction.
    pub async fn react(&self, conversation: ConversationId, seq: Seq, emoji: &str, on: bool) -> Result<(), ApiError> {
        let emoji = utf8_percent_encode(emoji, NON_ALPHANUMERIC);
        let path = format!("{}/reactions/{emoji}", message(conversation, seq));
        let method = if on { Method::PUT } else { Method::DELETE };
        self.ask::<Value>(method, &path, NO_BODY).await.map(drop)
    }

    /// Returns up to 100 messages after a seq, as far as this user may see them.
    pub async fn history(&self, conversation: ConversationId, after: Seq) -> Result<HistoryPage, ApiError> {
        let path = format!("/v1/conversations/{conversation}/messages?limit=100&after_seq={after}");
        self.ask(Method::GET, &path, NO_BODY).await
    }

    /// Returns the newest messages, at most 100, oldest first.
    pub async fn latest(&self, conversation: ConversationId, limit: u32) -> Result<Vec<Message>, ApiError> {
        let path = format!("/v1/conversations/{conversation}/messages?limit={limit}");
        let page: HistoryPage = self.ask(Method::GET, &path, NO_BODY).await?;
        Ok(page.messages)
    }

    /// Returns a page of the messages that mention the user, newest first, over all conversations.
    pub async fn mentions(&self, cursor: Option<&str>) -> Result<MentionsPage, ApiError> {
        self.ask(Method::GET, &format!("/v1/mentions{}", page_after(cursor)), NO_BODY).await
    }

    /// Returns messages around one, at most 100: half of them older.
    pub async fn around(&self, conversation: ConversationId, seq: Seq, limit: u32) -> Result<AroundPage, ApiError> {
        let path = format!("/v1/conversations/{conversation}/messages?limit={limit}&around_seq={seq}");
        self.ask(Method::GET, &path, NO_BODY).await
    }

    /// Returns how far up to 100 members have received and read.
    pub async fn watermarks(&self, conversation: ConversationId) -> Result<Vec<MemberWatermarks>, ApiError> {
        let path = format!("/v1/conversations/{conversation}/receipts");
        let page: WatermarksPage = self.ask(Method::GET, &path, NO_BODY).await?;
        Ok(page.receipts)
    }

    /// Returns the status of a message for a page of its recipients.
    pub async fn status(
        &self,
        conversation: ConversationId,
        seq: Seq,
        cursor: Option<&str>,
    ) -> Result<StatusPage, ApiError> {
        let encoded = |cursor| format!("?cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC));
        let cursor = cursor.map(encoded).unwrap_or_default();
        self.ask(Method::GET, &format!("{}/status{cursor}", message(conversation, seq)), NO_BODY).await
    }
}

fn message(conversation: ConversationId, seq: Seq) -> String {
    format!("/v1/conversations/{conversation}/messages/{seq}")
}
