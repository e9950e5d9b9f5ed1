//! Opening and closing public conversations: what is said there is pushed to the connections that have it open.

use domain::error::causes;
use domain::subscription::MAX_LIFETIME;
use domain::{ConversationId, Timestamp, UserId};
use uuid::Uuid;

use crate::log::SendError;
use store::StoreError;
use store::dynamodb::subscriptions::SubscriptionKey;
use store::dynamodb::{Members, Subscriptions};

/// Keeps who looks.
#[derive(Clone, Debug)]
pub struct Subscribing {
    /// Who may.
    pub members: Members,
    /// Who does.
    pub subscriptions: Subscriptions,
}

/// A connection that looks at something.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber<'c> {
    /// Whose connection it is.
    pub user_id: UserId,
    /// API Gateway's id of it.
    pub connection_id: &'c str,
    /// When its token ends: epoch seconds.
    pub exp: i64,
}

impl Subscribing {
    /// From here on what is said in the conversation is pushed to the connection, as long as its user is a member, until it is
    /// closed or the connection ends. Opening it again is harmless. In a conversation that is not public this changes nothing: who
    /// is a member hears of everything there anyway.
    ///
    /// Two requests: two read units and, where no more than a thousand were ever members, one write unit.
    pub async fn open(
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
        let place = SubscriptionKey { conversation_id, connection_id, shards: seen.conversation.subscription_shards };
        Ok(self.subscriptions.put(user_id, place, exp.min(now.plus(MAX_LIFETIME).epoch_seconds())).await?)
    }

    /// Opens the connection to DynamoDB during init, when time is free, for whoever opens: a read unit.
    pub async fn warm_up(&self) {
        if let Err(error) = self.members.pass(ConversationId(Uuid::nil()), UserId(Uuid::nil()), false).await {
            tracing::warn!(error = causes(&error), "no connection to DynamoDB during init");
        }
    }

    /// From here on nothing is pushed to the connection. What it does not have open is closed already. Up to two requests.
    pub async fn close(&self, connection_id: &str, conversation_id: ConversationId) -> Result<(), StoreError> {
        if !conversation_id.is_public() {
            return Ok(());
        }
        let Some(conversation) = self.members.conversation(conversation_id).await? else { return Ok(()) };
        let place = SubscriptionKey { conversation_id, connection_id, shards: conversation.subscription_shards };
        self.subscriptions.remove(place).await
    }
}
