//! Finding the connections to notify about a conversation.
//!
//! In private conversations and groups that is every connection of every member. In public ones it is the subscribed connections:
//! a member who is not subscribed costs nothing. [`Recipients::of`] alone decides between the two.

use std::collections::{HashMap, HashSet};

use domain::{Address, Connection, ConversationId, EndedConnection, Seq, Timestamp, UserId};
use futures_util::future::OptionFuture;
use store::StoreError;
use store::clock::Moment;
use store::dynamodb::connections::Found;
use store::dynamodb::members::{ActiveMember, ConversationItem, Roster};
use store::dynamodb::subscriptions::Subscription;
use store::dynamodb::{Connections, Members, Subscriptions};
use store::shared_cache::SharedCache;

use super::Audience;
use super::recent_connections::{ALWAYS_READ, RecentConnections};
use super::shared_connections;

/// Most subscribers that the function which wrote an item notifies itself; more are left to the `fanout` worker.
const MAX_INLINE_SUBSCRIBERS: usize = 100;

/// Finds the connections to notify, and removes the ones that are disconnected.
#[derive(Clone, Debug)]
pub struct Recipients {
    members: Members,
    connections: Connections,
    subscriptions: Subscriptions,
    recent: RecentConnections,
    shared: Option<SharedCache>,
}

/// How new a lookup of connections has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    /// Up to two seconds old, in a conversation of three users or more.
    Recent,
    /// Read from the table for this request.
    Now,
}

/// A live connection to notify, with the membership fact that decides what it may receive.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub user_id: UserId,
    /// First seq of the current membership period.
    pub joined_seq: Seq,
    at: At,
    /// True if the connection was not read for this notification.
    is_remembered: bool,
}

/// The item that led to a recipient: the one to remove once its connection is gone.
#[derive(Clone, Debug)]
enum At {
    Connected(Connection),
    Subscribed(Subscription),
}

impl Recipient {
    /// A connection of a member whose current membership period began at `joined_seq`.
    pub(crate) fn connected(connection: Connection, joined_seq: Seq) -> Self {
        Self { user_id: connection.user_id, joined_seq, at: At::Connected(connection), is_remembered: false }
    }

    /// Returns where to post frames.
    pub fn address(&self) -> Address<'_> {
        let connection_id = match &self.at {
            At::Connected(connection) => &connection.connection_id,
            At::Subscribed(subscription) => &subscription.connection_id,
        };
        Address { user_id: self.user_id, connection_id }
    }
}

impl Recipients {
    /// Finds recipients by these tables.
    pub fn new(members: Members, connections: Connections, subscriptions: Subscriptions) -> Self {
        Self { members, connections, subscriptions, recent: RecentConnections::default(), shared: None }
    }

    /// Shares what it reads with other processes, if there is a cache for it, and uses what they have read.
    #[must_use]
    pub fn sharing(self, shared: Option<SharedCache>) -> Self {
        Self { shared, ..self }
    }

    /// Returns the cache that the processes share.
    pub fn shared(&self) -> Option<&SharedCache> {
        self.shared.as_ref()
    }

    /// Returns the door to the table `members`.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Returns the door to the table `connections`.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Returns the door to the table `subscriptions`.
    pub fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// Opens the connections to DynamoDB and to the shared cache during init, when time is free: half a read unit.
    pub async fn warm_up(&self) {
        let shared = OptionFuture::from(self.shared.as_ref().map(SharedCache::warm_up));
        tokio::join!(self.connections.warm_up(), shared);
    }

    /// Finds the live connections to notify: every member's, or, in a public conversation, the subscribed ones; and those of
    /// the users `also`, whom the change concerns although they are not members.
    ///
    /// Bounded to 100 members or 100 subscribers; beyond that returns [`Audience::deferred`] and the `fanout` worker notifies.
    /// Cost: 1 request for members, 2 for subscribers (the subscriptions, and which of their users are members).
    pub async fn of(&self, roster: &Roster, also: &[UserId]) -> Result<Audience, StoreError> {
        self.find(roster, also, Freshness::Recent).await
    }

    /// Finds the same of the members of a roster, without anything that was read before.
    pub async fn of_now(&self, roster: &Roster) -> Result<Audience, StoreError> {
        self.find(roster, &[], Freshness::Now).await
    }

    async fn find(&self, roster: &Roster, also: &[UserId], freshness: Freshness) -> Result<Audience, StoreError> {
        if roster.conversation.conversation_id.is_public() {
            let connected = joined(also, &[]);
            let (mut subscribers, connected) =
                tokio::try_join!(self.subscribers(&roster.conversation), self.of_users(&connected, freshness))?;
            let subscribed =
                |one: &Recipient| subscribers.recipients.iter().any(|subscriber| subscriber.address() == one.address());
            let others: Vec<Recipient> = connected.recipients.into_iter().filter(|one| !subscribed(one)).collect();
            subscribers.recipients.extend(others);
            subscribers.expired.extend(connected.expired);
            return Ok(subscribers);
        }
        let members: &[ActiveMember] = if roster.is_cut_off() { &[] } else { &roster.members };
        let connected = self.of_users(&joined(also, members), freshness).await?;
        Ok(Audience { complete: !roster.is_cut_off(), ..connected })
    }

    /// Finds the live connections of `members`, and those of the users `also`, who receive everything: the caller answers for their
    /// membership periods.
    pub async fn connected(&self, also: &[UserId], members: &[ActiveMember]) -> Result<Audience, StoreError> {
        self.of_users(&joined(also, members), Freshness::Recent).await
    }

    /// Finds the live connections of users; `joined` has the first seq that each may receive. Cost: one request for each hundred users
    /// whose connections are not remembered or shared.
    async fn of_users(&self, joined: &HashMap<UserId, Seq>, freshness: Freshness) -> Result<Audience, StoreError> {
        let (mut registered, mut unknown) = (Vec::new(), joined.keys().copied().collect::<Vec<_>>());
        let may_be_shared = unknown.len() > ALWAYS_READ;
        if freshness == Freshness::Recent && may_be_shared {
            (registered, unknown) = self.recent.split(unknown);
            if let (Some(shared), false) = (&self.shared, unknown.is_empty()) {
                let (found, others) = shared_connections::find(shared, unknown).await;
                registered.extend(found);
                unknown = others;
            }
        }
        if !unknown.is_empty() {
            let read = Moment::now();
            let found = self.connections.registered(&unknown).await?;
            self.recent.remember(&unknown, &found, read);
            if let (Some(shared), true) = (&self.shared, may_be_shared || freshness == Freshness::Now) {
                shared_connections::share(shared, &unknown, &found, read).await;
            }
            registered.extend(found);
        }
        let found = Found::of(registered, Timestamp::now());
        // They are told that their token has ended, once.
        self.recent.forget(found.expired.iter().map(|ended| ended.user_id));
        let read: HashSet<UserId> = unknown.into_iter().collect();
        let recipient = |connection: Connection| {
            let joined_seq = *joined.get(&connection.user_id)?;
            let is_remembered = !read.contains(&connection.user_id);
            Some(Recipient { is_remembered, ..Recipient::connected(connection, joined_seq) })
        };
        let recipients = found.live.into_iter().filter_map(recipient).collect();
        Ok(Audience { expired: found.expired, ..Audience::of(recipients) })
    }

    /// Finds the connections with which users have replaced remembered ones that a push found gone. Cost: one request for each
    /// hundred users; nothing if no remembered connection is gone.
    pub async fn reconnected(&self, notified: &[Recipient], gone: &[String]) -> Result<Vec<Recipient>, StoreError> {
        let is_gone = |recipient: &&Recipient| {
            recipient.is_remembered && gone.iter().any(|id| id == recipient.address().connection_id)
        };
        let joined: HashMap<UserId, Seq> =
            notified.iter().filter(is_gone).map(|recipient| (recipient.user_id, recipient.joined_seq)).collect();
        if joined.is_empty() {
            return Ok(Vec::new());
        }
        self.recent.forget(joined.keys().copied());
        let mut again = self.of_users(&joined, Freshness::Now).await?.recipients;
        again.retain(|one| !notified.iter().any(|other| other.address() == one.address()));
        Ok(again)
    }

    /// Finds the subscribed connections of a public conversation, up to [`MAX_INLINE_SUBSCRIBERS`].
    async fn subscribers(&self, conversation: &ConversationItem) -> Result<Audience, StoreError> {
        if conversation.subscription_shards > 1 {
            return Ok(Audience::deferred());
        }
        let id = conversation.conversation_id;
        let page = self.subscriptions.page(id, 0, None, MAX_INLINE_SUBSCRIBERS + 1, Timestamp::now()).await?;
        if page.next.is_some() || page.subscriptions.len() > MAX_INLINE_SUBSCRIBERS {
            return Ok(Audience::deferred());
        }
        let expired = self.remove_expired(&page.expired).await;
        let found = self.members_among(id, page.subscriptions).await?;
        let recipient = |(member, subscription): (ActiveMember, _)| Recipient {
            user_id: member.user_id,
            joined_seq: member.joined_seq,
            at: At::Subscribed(subscription),
            is_remembered: false,
        };
        Ok(Audience { expired, ..Audience::of(found.into_iter().map(recipient).collect()) })
    }

    /// Removes subscriptions whose token has ended, and returns their connections, which are to be told and closed.
    pub async fn remove_expired(&self, expired: &[Subscription]) -> Vec<EndedConnection> {
        self.subscriptions.remove_stale(&expired.iter().collect::<Vec<_>>()).await;
        expired.iter().map(Subscription::ended).collect()
    }

    /// Returns the subscriptions whose users are members, with the members, and removes the others. Cost: one request, and one more
    /// to remove.
    pub async fn members_among(
        &self,
        conversation: ConversationId,
        subscriptions: Vec<Subscription>,
    ) -> Result<Vec<(ActiveMember, Subscription)>, StoreError> {
        let users: Vec<UserId> = subscriptions.iter().map(|subscription| subscription.user_id).collect();
        let members = self.members.among(conversation, &users).await?;
        let members: HashMap<UserId, ActiveMember> =
            members.into_iter().map(|member| (member.user_id, member)).collect();
        let (found, others): (Vec<_>, Vec<_>) =
            subscriptions.into_iter().partition(|subscription| members.contains_key(&subscription.user_id));
        self.subscriptions.remove_stale(&others.iter().collect::<Vec<_>>()).await;
        let member = |subscription: Subscription| Some((*members.get(&subscription.user_id)?, subscription));
        Ok(found.into_iter().filter_map(member).collect())
    }

    /// Removes the connections that a push found gone. A subscription was made over a connection that was up, so it is removed at
    /// once; a connection that has just begun is kept, see [`Connections::remove_gone`].
    pub async fn remove_gone(&self, notified: &[Recipient], gone: &[String], now: Timestamp) {
        let (mut connections, mut subscriptions) = (Vec::new(), Vec::new());
        for recipient in notified {
            match &recipient.at {
                At::Connected(connection) => connections.push(connection.clone()),
                At::Subscribed(subscription) if gone.contains(&subscription.connection_id) => {
                    subscriptions.push(subscription);
                }
                At::Subscribed(_) => {}
            }
        }
        tokio::join!(
            self.connections.remove_gone(&connections, gone, now),
            self.subscriptions.remove_stale(&subscriptions)
        );
    }
}

/// Returns the first seq that each of these users may receive: `also` everything, `members` their current membership period.
fn joined(also: &[UserId], members: &[ActiveMember]) -> HashMap<UserId, Seq> {
    let everything = also.iter().map(|user| (*user, Seq::ZERO));
    everything.chain(members.iter().map(|member| (member.user_id, member.joined_seq))).collect()
}
