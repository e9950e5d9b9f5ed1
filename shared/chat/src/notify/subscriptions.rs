//! Subscriptions to public conversations: items are pushed to the subscribed connections.

use domain::error::causes;
use domain::subscription::MAX_LIFETIME;
use domain::{ConversationId, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::subscriptions::SubscriptionKey;
use store::dynamodb::{Members, Subscriptions};
use uuid::Uuid;

use crate::log::SendError;

/// Subscribes connections to public conversations.
#[derive(Clone, Debug)]
pub struct PublicSubscriptions {
    members: Members,
    subscriptions: Subscriptions,
}

/// A connection that subscribes.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber<'c> {
    pub user_id: UserId,
    /// API Gateway's id of the connection.
    pub connection_id: &'c str,
    /// End of the connection's token, in epoch seconds.
    pub exp: i64,
}

impl PublicSubscriptions {
    /// Checks membership in `members` and keeps subscriptions in `subscriptions`.
    pub fn new(members: Members, subscriptions: Subscriptions) -> Self {
        Self { members, subscriptions }
    }

    /// Subscribes a member's connection: items of the conversation are pushed to it until it unsubscribes, disconnects or its user
    /// is no longer a member. Safe to repeat. Changes nothing for other types of conversation, whose members always receive pushes.
    ///
    /// Cost: two requests; two read units, and one write unit per shard (one shard up to 1,000 members).
    pub async fn subscribe(
        &self,
        subscriber: Subscriber<'_>,
        conversation_id: ConversationId,
        now: Timestamp,
    ) -> Result<(), SendError> {
        let Subscriber { user_id, connection_id, exp } = subscriber;
        let seen = self.members.pass(conversation_id, user_id, true).await?;
        let seen = seen.filter(|seen| seen.has(user_id)).ok_or(SendError::NotAMember)?;
        if !conversation_id.is_public() {
            return Ok(());
        }
        let key = SubscriptionKey { conversation_id, connection_id, shards: seen.conversation.subscription_shards };
        Ok(self.subscriptions.put(user_id, key, exp.min(now.plus(MAX_LIFETIME).epoch_seconds())).await?)
    }

    /// Ends a connection's subscription. Safe to repeat. Cost: up to two requests.
    pub async fn unsubscribe(&self, connection_id: &str, conversation_id: ConversationId) -> Result<(), StoreError> {
        if !conversation_id.is_public() {
            return Ok(());
        }
        let Some(conversation) = self.members.conversation(conversation_id).await? else { return Ok(()) };
        let key = SubscriptionKey { conversation_id, connection_id, shards: conversation.subscription_shards };
        self.subscriptions.remove(key).await
    }

    /// Opens the connection to DynamoDB during init, when time is free: one read unit.
    pub async fn warm_up(&self) {
        if let Err(error) = self.members.pass(ConversationId(Uuid::nil()), UserId(Uuid::nil()), false).await {
            tracing::warn!(connection = "DynamoDB", error = causes(&error), "a connection was not opened during init");
        }
    }
}
