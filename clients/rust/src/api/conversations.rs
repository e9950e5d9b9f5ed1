//! Conversations and their members.

use domain::{ConversationId, Timestamp, UserId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, ApiError};

#[derive(Deserialize)]
struct Created {
    conversation_id: ConversationId,
}

impl Api {
    /// Returns the private conversation with another user; creates it if there is none.
    pub async fn talk_to(&self, other: UserId) -> Result<ConversationId, ApiError> {
        self.create(&json!({"type": "private", "member_ids": [other]})).await
    }

    /// A group with these members.
    pub async fn group(&self, title: &str, members: &[UserId]) -> Result<ConversationId, ApiError> {
        self.create(&json!({"type": "group", "title": title, "member_ids": members})).await
    }

    /// Creates a public conversation.
    pub async fn public(&self, title: &str) -> Result<ConversationId, ApiError> {
        self.create(&json!({"type": "public", "title": title})).await
    }

    /// Joins a public conversation.
    pub async fn join(&self, conversation: ConversationId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/me");
        self.ask::<Value>(Method::PUT, &path, None).await.map(drop)
    }

    /// Adds a user to a group.
    pub async fn add(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members");
        self.ask::<Value>(Method::POST, &path, Some(&json!({"user_ids": [user]}))).await.map(drop)
    }

    /// Removes a member; the user's own id leaves.
    pub async fn remove(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/{user}");
        self.ask::<Value>(Method::DELETE, &path, None).await.map(drop)
    }

    /// Mutes a member until a time; `None` unmutes.
    pub async fn mute(
        &self,
        conversation: ConversationId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<(), ApiError> {
        let path = format!("/v1/conversations/{conversation}/members/{user}");
        self.ask::<Value>(Method::PATCH, &path, Some(&json!({"muted_until": until}))).await.map(drop)
    }

    async fn create(&self, body: &Value) -> Result<ConversationId, ApiError> {
        let created: Created = self.ask(Method::POST, "/v1/conversations", Some(body)).await?;
        Ok(created.conversation_id)
    }
}
