//! Messages over HTTP: history, edits, deletions, reactions, status.

use domain::receipt::Status;
use domain::{ConversationId, Message, Seq};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, ApiError};

/// A page of history.
#[derive(Clone, Debug, Deserialize)]
pub struct History {
    /// Oldest first, without events.
    pub messages: Vec<Message>,
    /// Cursor of the next page; `None` on the last.
    pub next: Option<Seq>,
}

/// A page of a message's recipients.
#[derive(Clone, Debug, Deserialize)]
pub struct Recipients {
    /// Recipients with the times of delivery and read.
    pub recipients: Vec<Status>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<String>,
}

impl Api {
    /// Edits the text of a message of one's own.
    pub async fn edit(&self, conversation: ConversationId, seq: Seq, text: &str) -> Result<(), ApiError> {
        let body = json!({"text": text});
        self.ask::<Value>(Method::PATCH, &message(conversation, seq), Some(&body)).await.map(drop)
    }

    /// Deletes a message for everybody.
    pub async fn delete(&self, conversation: ConversationId, seq: Seq) -> Result<(), ApiError> {
        self.ask::<Value>(Method::DELETE, &message(conversation, seq), None).await.map(drop)
    }

    /// Gives a reaction, or takes it back.
    pub async fn react(&self, conversation: ConversationId, seq: Seq, emoji: &str, on: bool) -> Result<(), ApiError> {
        let emoji = utf8_percent_encode(emoji, NON_ALPHANUMERIC);
        let path = format!("{}/reactions/{emoji}", message(conversation, seq));
        let method = if on { Method::PUT } else { Method::DELETE };
        self.ask::<Value>(method, &path, None).await.map(drop)
    }

    /// Returns up to 100 messages after a seq, as far as this user may see them.
    pub async fn history(&self, conversation: ConversationId, after: Seq) -> Result<History, ApiError> {
        let path = format!("/v1/conversations/{conversation}/messages?limit=100&after_seq={after}");
        self.ask(Method::GET, &path, None).await
    }

    /// Returns the status of a message for a page of its recipients.
    pub async fn status(
        &self,
        conversation: ConversationId,
        seq: Seq,
        cursor: Option<&str>,
    ) -> Result<Recipients, ApiError> {
        let encoded = |cursor| format!("?cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC));
        let cursor = cursor.map(encoded).unwrap_or_default();
        self.ask(Method::GET, &format!("{}/status{cursor}", message(conversation, seq)), None).await
    }
}

fn message(conversation: ConversationId, seq: Seq) -> String {
    format!("/v1/conversations/{conversation}/messages/{seq}")
}
