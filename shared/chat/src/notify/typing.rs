//! Notifying the other members that a user is typing.

use domain::protocol::Push;
use domain::{ApiError, ConversationId, Timestamp, UserId};
use store::connections_api::{ConnectionsApi, Frame, encode};

use super::{Recipient, Recipients};
use crate::log::{SendError, may_send};

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
    /// Cost: as `audience`; one post per connection.
    pub async fn notify(&self, conversation_id: ConversationId, user_id: UserId, typing: bool) -> Result<(), ApiError> {
        let others = self.audience(conversation_id, user_id).await?;
        let json = encode(&Push::Typing { conversation_id, user_id, typing })?;
        let frames = others.iter().map(|other| Frame { connection_id: other.address().connection_id, json: &json });
        let pushed = self.api.push(frames).await;
        self.recipients.remove_gone(&others, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }

    /// Finds the connections of the others; none in a conversation with more than 100 members or subscribers, in which some
    /// user is always typing.
    ///
    /// Cost: two requests; a third for the subscriptions of a public conversation, or for a user beyond the first 101 members.
    async fn audience(&self, conversation: ConversationId, user: UserId) -> Result<Vec<Recipient>, SendError> {
        let members = self.recipients.members();
        let roster = members.roster_for(user, conversation, true).await?.ok_or(SendError::NotAMember)?;
        let member = match roster.member(user) {
            None if roster.is_cut_off() => members.active(conversation, user).await?,
            shown => shown.copied(),
        };
        may_send(&roster.conversation, &member.ok_or(SendError::NotAMember)?)?;
        let audience = self.recipients.of(&roster, &[]).await?;
        Ok(audience.recipients.into_iter().filter(|recipient| audience.complete && recipient.user_id != user).collect())
    }

    /// Opens the connections to DynamoDB and API Gateway during init, when time is free.
    pub async fn warm_up(&self) {
        tokio::join!(self.recipients.warm_up(), self.api.warm_up());
    }
}
