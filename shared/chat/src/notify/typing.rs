//! Notifying the other members that a user is typing.

use std::time::Duration;

use domain::protocol::Push;
use domain::{ApiError, ConversationId, Timestamp, UserId};
use futures_util::future::OptionFuture;
use store::connections_api::{ConnectionsApi, Frame, encode};
use store::shared_cache::Key;

use super::expiry::end_expired;
use super::{Audience, Recipients};
use crate::log::{SendError, may_send};
use crate::membership::blocks::hidden_of;

/// Time for which a notification is not repeated. Clients send `typing` every few seconds.
const REPEATED_AFTER: Duration = Duration::from_secs(1);

/// Notifies the other members that a user is typing, or has stopped. Nothing is stored.
#[derive(Clone, Debug)]
pub struct TypingNotifier {
    recipients: Recipients,
    api: ConnectionsApi,
}

impl TypingNotifier {
    /// Notifies over `api` the connections that `recipients` finds.
    pub fn new(recipients: Recipients, api: ConnectionsApi) -> Self {
        Self { recipients, api }
    }

    /// Notifies the others of a conversation where `user` may send. A failed post is not retried, since it would arrive too
    /// late.
    ///
    /// With a shared cache, what was notified within a second is not notified again. Cost: as `audience`; one post per connection.
    pub async fn notify(&self, conversation_id: ConversationId, user_id: UserId, typing: bool) -> Result<(), ApiError> {
        let (shared, key) = (self.recipients.shared(), Key::Typing(conversation_id, user_id));
        if let Some(shared) = shared
            && shared.get(key).await == Some(typing)
        {
            return Ok(());
        }
        let Audience { recipients: others, expired, .. } = self.audience(conversation_id, user_id).await?;
        let json = encode(&Push::Typing { conversation_id, user_id, typing })?;
        let frames = others.iter().map(|other| Frame { connection_id: other.address().connection_id, json: &json });
        let ended = end_expired(self.recipients.connections(), &self.api, &expired);
        let notified = OptionFuture::from(shared.map(|shared| shared.set(key, &typing, REPEATED_AFTER)));
        let (pushed, (), _) = tokio::join!(self.api.push(frames), ended, notified);
        self.recipients.remove_gone(&others, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }

    /// Finds the connections of the others, except of those whom the user blocks; none in a conversation with more than 100
    /// members or subscribers, in which some user is always typing.
    ///
    /// Cost: two requests; another one for the subscriptions of a public conversation, for a user beyond the first 101 members, and
    /// for the blocks if others are connected and the conversation is not private.
    async fn audience(&self, conversation: ConversationId, user: UserId) -> Result<Audience, SendError> {
        let members = self.recipients.members();
        let roster = members.roster_for(user, conversation, true).await?.ok_or(SendError::NotAMember)?;
        let member = match roster.member(user) {
            None if roster.is_cut_off() => members.active(conversation, user).await?,
            shown => shown.copied(),
        };
        may_send(&roster.conversation, &member.ok_or(SendError::NotAMember)?)?;
        let mut audience = self.recipients.of(&roster, &[]).await?;
        if !audience.complete {
            return Ok(Audience::deferred());
        }
        audience.recipients.retain(|recipient| recipient.user_id != user);
        let users: Vec<UserId> = audience.recipients.iter().map(|recipient| recipient.user_id).collect();
        let hidden = hidden_of(members, &roster.conversation, user, &users).await?;
        audience.recipients.retain(|recipient| !hidden.contains(&recipient.user_id));
        Ok(audience)
    }

    /// Opens the connections to DynamoDB and API Gateway during init, when time is free.
    pub async fn warm_up(&self) {
        tokio::join!(self.recipients.warm_up(), self.api.warm_up());
    }
}
