//! Who talks to whom.

use end_to_end::{Cloud, Person, aws};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use sqlx_data_api::query_scalar;
use uuid::Uuid;

use super::Failure;
use super::line::Line;
use super::load::Room;

/// How many people are made or connected at once.
const AT_ONCE: usize = 8;

/// Most members that one request adds.
const ADDED_AT_ONCE: usize = 49;

/// So many private conversations; in each one talks and the other listens.
pub(crate) async fn pairs(cloud: &Cloud, count: usize) -> Result<Room, Failure> {
    let both = stream::iter(0..count).map(async |n| {
        let (one, other) = tokio::join!(Person::of(cloud, "talker"), Person::of(cloud, "listener"));
        let conversation = one.talk_to(&other).await;
        let number = u32::try_from(n * 2)?;
        let talker = Line::open(cloud, &one.token, &conversation, number).await?;
        Ok::<_, Failure>((talker, Line::open(cloud, &other.token, &conversation, number + 1).await?))
    });
    let (talkers, listeners) = both.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().unzip();
    Ok(Room { talkers, listeners, hearers: 1 })
}

/// A group.
pub(crate) struct Group {
    pub(crate) conversation: String,
    /// Those who can talk; the others are names in the database.
    pub(crate) people: Vec<Person>,
}

impl Group {
    /// Makes one of so many members.
    pub(crate) async fn new(cloud: &Cloud, members: usize, people: usize) -> Result<Self, Failure> {
        let new = stream::iter(0..people).map(async |_| Person::of(cloud, "member").await);
        let people: Vec<_> = new.buffer_unordered(AT_ONCE).collect().await;
        let silent: Vec<Uuid> = query_scalar(
            "INSERT INTO users (user_id, display_name) SELECT gen_random_uuid(), 'Nobody' FROM generate_series(1, $1)
             RETURNING user_id",
        )
        .bind(i32::try_from(members - people.len())?)
        .fetch_all(&aws::database(cloud))
        .await?;
        let owner = people.first().ok_or("a group of nobody")?;
        let others = people.iter().skip(1).map(|person| person.user_id.clone());
        let others: Vec<_> = others.chain(silent.iter().map(Uuid::to_string)).collect();
        let mut parts = others.chunks(ADDED_AT_ONCE);
        let first = json!({"type": "group", "title": "All", "member_ids": parts.next().unwrap_or_default()});
        let (status, created) = owner.post("/v1/conversations", &first).await;
        let conversation = created["conversation_id"].as_str().ok_or_else(|| format!("{status} {created}"))?;
        for part in parts {
            let path = format!("/v1/conversations/{conversation}/members");
            let (status, refused) = owner.post(&path, &json!({"user_ids": part})).await;
            if status != 204 {
                return Err(format!("{status} {refused}").into());
            }
        }
        Ok(Self { conversation: conversation.to_owned(), people })
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
        let listeners = talking.split_off(talkers.min(talking.len()));
        Ok(Room { talkers: talking, listeners, hearers })
    }
}
