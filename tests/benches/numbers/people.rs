//! The senders and their conversations.

use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, TestUser};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::Failure;
use super::line::Line;
use super::load::Room;

/// Number of users that are created or connected at once.
const AT_ONCE: usize = 8;

/// So many private conversations; in each one talks and the other listens.
pub(crate) async fn pairs(cloud: &Cloud, count: usize) -> Result<Room, Failure> {
    let both = stream::iter(0..count).map(async |n| {
        let (one, other) = tokio::join!(TestUser::of(cloud, "talker"), TestUser::of(cloud, "listener"));
        let conversation = one.private_conversation_with(&other).await;
        let number = u32::try_from(n * 2)?;
        let talker = Line::open(cloud, &one.token, &conversation, number).await?;
        Ok::<_, Failure>((talker, Line::open(cloud, &other.token, &conversation, number + 1).await?))
    });
    let (talkers, recipients) = both.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().unzip();
    Ok(Room { talkers, recipients, hearers: 1 })
}

pub(crate) struct Group {
    pub(crate) conversation: String,
    /// Those who can talk; the others are names in the database.
    pub(crate) people: Vec<TestUser>,
}

impl Group {
    /// Makes one of so many members.
    pub(crate) async fn new(cloud: &Cloud, members: usize, people: usize) -> Result<Self, Failure> {
        let new = stream::iter(0..people).map(async |_| TestUser::of(cloud, "member").await);
        let people: Vec<_> = new.buffer_unordered(AT_ONCE).collect().await;
        let owner = people.first().ok_or("a group of nobody")?;
        let mut others: Vec<_> = people.iter().skip(1).map(|person| person.user_id.clone()).collect();
        others.extend(users_without_tokens(cloud, members - people.len()).await);
        let conversation = create_group(owner, &others).await;
        Ok(Self { conversation, people })
    }

    /// Everybody connects; so many of them talk.
    pub(crate) async fn connect(&self, cloud: &Cloud, talkers: usize) -> Result<Room, Failure> {
        let (_, page) = self.people[0].get(&format!("/v1/conversations/{}/messages?limit=1", self.conversation)).await;
        let head = page["messages"][0]["seq"].as_u64().ok_or_else(|| format!("no head: {page}"))?;
        let lines = stream::iter(&self.people).enumerate().map(async |(n, person)| {
            let line = Line::open(cloud, &person.token, &self.conversation, u32::try_from(n)?).await?;
            Ok::<_, Failure>(line.at(head))
        });
        let mut talking: Vec<_> = lines.buffered(AT_ONCE).try_collect().await?;
        let hearers = talking.len() - 1;
        let recipients = talking.split_off(talkers.min(talking.len()));
        Ok(Room { talkers: talking, recipients, hearers })
    }
}
