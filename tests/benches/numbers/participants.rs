//! The senders and their conversations.

use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, TestUser};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Failure;
use super::connection::MemberConnection;
use super::load::Participants;

/// Number of users that are created or connected at once.
const AT_ONCE: usize = 8;

/// Creates private conversations; in each, one user sends and the other receives.
pub(crate) async fn pairs(cloud: &Cloud, count: usize) -> Result<Participants, Failure> {
    let both = stream::iter(0..count).map(async |n| {
        let (one, other) = tokio::join!(TestUser::of(cloud, "sender"), TestUser::of(cloud, "recipient"));
        let conversation = one.private_conversation_with(&other).await;
        let number = u32::try_from(n * 2)?;
        let sender = MemberConnection::open(cloud, &one.token, &conversation, number).await?;
        Ok::<_, Failure>((sender, MemberConnection::open(cloud, &other.token, &conversation, number + 1).await?))
    });
    let (senders, recipients) = both.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().unzip();
    Ok(Participants { senders, recipients, recipients_per_message: 1 })
}

pub(crate) struct Group {
    pub(crate) conversation: String,
    /// Users with tokens; the other members exist in the database alone.
    pub(crate) users: Vec<TestUser>,
}

impl Group {
    /// Creates a group with so many members.
    pub(crate) async fn new(cloud: &Cloud, members: usize, users: usize) -> Result<Self, Failure> {
        let new = stream::iter(0..users).map(async |_| TestUser::of(cloud, "member").await);
        let users: Vec<_> = new.buffer_unordered(AT_ONCE).collect().await;
        let owner = users.first().ok_or("a group without users")?;
        let mut others: Vec<_> = users.iter().skip(1).map(|user| user.user_id.clone()).collect();
        others.extend(users_without_tokens(cloud, members - users.len()).await);
        let conversation = create_group(owner, &others).await;
        Ok(Self { conversation, users })
    }

    /// Connects every user; so many of them send.
    pub(crate) async fn connect(&self, cloud: &Cloud, senders: usize) -> Result<Participants, Failure> {
        let (_, page) = self.users[0].get(&format!("/v1/conversations/{}/messages?limit=1", self.conversation)).await;
        let head = page["messages"][0]["seq"].as_u64().ok_or_else(|| format!("no head: {page}"))?;
        let connections = stream::iter(&self.users).enumerate().map(async |(n, user)| {
            let connection = MemberConnection::open(cloud, &user.token, &self.conversation, u32::try_from(n)?).await?;
            Ok::<_, Failure>(connection.at(head))
        });
        let mut connected: Vec<_> = connections.buffered(AT_ONCE).try_collect().await?;
        let recipients_per_message = connected.len() - 1;
        let recipients = connected.split_off(senders.min(connected.len()));
        Ok(Participants { senders: connected, recipients, recipients_per_message })
    }
}
