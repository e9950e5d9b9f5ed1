//! Who hears of something at once, and where they are.
//!
//! In private conversations and groups that is every member on every connection. In public ones it is the connections that have
//! the conversation open: members who are not looking cost nothing.
//!
//! Which of the two it is, is decided by [`Recipients::of`], for everything that is told.

use std::collections::HashMap;

use domain::{Address, Connection, ConversationId, Seq, Timestamp, UserId};

use store::StoreError;
use store::dynamodb::members::{ActiveMember, ConversationItem, Roster};
use store::dynamodb::subscriptions::Subscription;
use store::dynamodb::{Connections, Members, Subscriptions};

/// How many connections that look at a public conversation are told by whoever writes.
const MAX_INLINE_SUBSCRIBERS: usize = 100;

/// Finds listeners.
#[derive(Clone, Debug)]
pub struct Recipients {
    /// Who is a member.
    pub members: Members,
    /// Where members are.
    pub connections: Connections,
    /// Where those are who look at a public conversation.
    pub subscriptions: Subscriptions,
}

/// One connection of somebody who is to hear of something.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Whose it is.
    pub user_id: UserId,
    /// Where their stay begins.
    pub joined_seq: Seq,
    at: At,
}

/// How a listener was found, and where they are forgotten once they are gone.
#[derive(Clone, Debug)]
enum At {
    Connected(Connection),
    Subscribing(Subscription),
}

/// Who is told by whoever has something to tell.
#[derive(Clone, Debug)]
pub struct Audience {
    /// They.
    pub recipients: Vec<Recipient>,
    /// Whether that is everybody; if not, `fanout` tells everybody.
    pub whole: bool,
}

impl Recipient {
    /// Where to reach them.
    pub fn address(&self) -> Address<'_> {
        let connection_id = match &self.at {
            At::Connected(connection) => &connection.connection_id,
            At::Subscribing(subscription) => &subscription.connection_id,
        };
        Address { user_id: self.user_id, connection_id }
    }
}

impl Audience {
    /// Too many to be told one by one.
    pub fn deferred() -> Self {
        Self { recipients: Vec::new(), whole: false }
    }

    /// These and nobody else.
    pub fn of(recipients: Vec<Recipient>) -> Self {
        Self { recipients, whole: true }
    }

    /// Those of them whose stay covers the item at `seq`.
    #[must_use]
    pub fn covering(mut self, seq: Seq) -> Self {
        self.recipients.retain(|recipient| recipient.joined_seq <= seq);
        self
    }
}

impl Recipients {
    /// The live connections of all who hear of what happens in a conversation, and of those users `besides` whom it concerns
    /// although they are not among them: of up to a hundred members, or up to a hundred that look.
    ///
    /// One request for members, none where they are too many; two for those who look, of which the second is for who is a member.
    pub async fn of(&self, roster: &Roster, besides: &[UserId]) -> Result<Audience, StoreError> {
        if roster.conversation.conversation_id.is_public() {
            let (mut subscribers, connected) =
                tokio::try_join!(self.subscribers(&roster.conversation), self.connected(besides, &[]))?;
            let looks =
                |one: &Recipient| subscribers.recipients.iter().any(|subscriber| subscriber.address() == one.address());
            let others: Vec<Recipient> = connected.into_iter().filter(|one| !looks(one)).collect();
            subscribers.recipients.extend(others);
            return Ok(subscribers);
        }
        let members: &[ActiveMember] = if roster.is_cut_off() { &[] } else { &roster.members };
        let recipients = self.connected(besides, members).await?;
        Ok(Audience { recipients, whole: !roster.is_cut_off() })
    }

    /// The live connections of members, and of other users for whose stay the caller answers.
    pub async fn connected(&self, besides: &[UserId], members: &[ActiveMember]) -> Result<Vec<Recipient>, StoreError> {
        let mut joined: HashMap<UserId, Seq> = besides.iter().map(|user| (*user, Seq::ZERO)).collect();
        joined.extend(members.iter().map(|member| (member.user_id, member.joined_seq)));
        let users: Vec<UserId> = joined.keys().copied().collect();
        let found = self.connections.of(&users, Timestamp::now()).await?;
        let recipient = |connection: Connection| {
            let user_id = connection.user_id;
            Some(Recipient { user_id, joined_seq: *joined.get(&user_id)?, at: At::Connected(connection) })
        };
        Ok(found.into_iter().filter_map(recipient).collect())
    }

    /// The connections that have a public conversation open, where they are few.
    async fn subscribers(&self, conversation: &ConversationItem) -> Result<Audience, StoreError> {
        if conversation.subscription_shards > 1 {
            return Ok(Audience::deferred());
        }
        let id = conversation.conversation_id;
        let page = self.subscriptions.page(id, 0, None, MAX_INLINE_SUBSCRIBERS + 1, Timestamp::now()).await?;
        if page.next.is_some() || page.subscriptions.len() > MAX_INLINE_SUBSCRIBERS {
            return Ok(Audience::deferred());
        }
        let found = self.members_among(id, page.subscriptions).await?;
        let recipient = |(member, subscription): (ActiveMember, _)| Recipient {
            user_id: member.user_id,
            joined_seq: member.joined_seq,
            at: At::Subscribing(subscription),
        };
        Ok(Audience::of(found.into_iter().map(recipient).collect()))
    }

    /// Those subscriptions that are of members, with the members; the others end. One request, and one more for those.
    pub async fn members_among(
        &self,
        conversation: ConversationId,
        subscriptions: Vec<Subscription>,
    ) -> Result<Vec<(ActiveMember, Subscription)>, StoreError> {
        let users: Vec<UserId> = subscriptions.iter().map(|subscription| subscription.user_id).collect();
        let members = self.members.among(conversation, &users).await?;
        let members: HashMap<UserId, ActiveMember> =
            members.into_iter().map(|member| (member.user_id, member)).collect();
        let (found, strangers): (Vec<_>, Vec<_>) =
            subscriptions.into_iter().partition(|subscription| members.contains_key(&subscription.user_id));
        self.subscriptions.remove_stale(&strangers.iter().collect::<Vec<_>>()).await;
        let member = |subscription: Subscription| Some((*members.get(&subscription.user_id)?, subscription));
        Ok(found.into_iter().filter_map(member).collect())
    }

    /// Forgets those that a push found gone. A subscription was made over a connection that was up, so it goes at once.
    pub async fn remove_gone(&self, told: &[Recipient], gone: &[String], now: Timestamp) {
        let (mut connections, mut subscriptions) = (Vec::new(), Vec::new());
        for recipient in told {
            match &recipient.at {
                At::Connected(connection) => connections.push(connection.clone()),
                At::Subscribing(subscription) if gone.contains(&subscription.connection_id) => {
                    subscriptions.push(subscription);
                }
                At::Subscribing(_) => {}
            }
        }
        tokio::join!(
            self.connections.remove_gone(&connections, gone, now),
            self.subscriptions.remove_stale(&subscriptions)
        );
    }
}
