//! Finding public conversations: table `conversations`.

use std::fmt::Write as _;
use std::time::Duration;

use domain::protocol::http::PublicConversation;
use domain::search::{Term, Words, stored_terms};
use domain::{ConversationId, UserId};
use sqlx_data_api::{DataApiPool, query, query_as};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Conversations, timestamp};
use crate::StoreError;

/// Walks the index `open_public_conversations` backwards, whose ids are in order of creation, or uses
/// `terms_of_public_conversations` if there are words: without them the planner drops that condition. Conversations without terms
/// are found by `words_of_public_conversations_without_terms`.
pub const DISCOVER: &str = "SELECT c.conversation_id, c.title, c.topic, c.member_count, c.created_at,
        EXISTS (SELECT FROM conversation_members m
            WHERE m.conversation_id = c.conversation_id AND m.user_id = $1 AND m.left_at IS NULL) AS member
     FROM conversations c
     WHERE c.type = 'public' AND c.closed_at IS NULL AND c.conversation_id < $2
        AND ($3::text IS NULL OR c.terms @@ $3::text::tsquery
            OR (c.terms IS NULL AND c.words @@ to_tsquery('simple', $3::text)))
     ORDER BY c.conversation_id DESC LIMIT $4";

#[derive(sqlx::FromRow)]
struct Row {
    conversation_id: Uuid,
    title: String,
    topic: Option<String>,
    member_count: i32,
    created_at: OffsetDateTime,
    member: bool,
}

impl From<Row> for PublicConversation {
    fn from(row: Row) -> Self {
        Self {
            conversation_id: ConversationId(row.conversation_id),
            title: row.title,
            topic: row.topic,
            member_count: row.member_count,
            created_at: timestamp(row.created_at),
            member: row.member,
        }
    }
}

impl Conversations {
    /// Returns up to `limit` open public conversations, newest first, that are older than `before`; with `words`, only
    /// conversations that have for each word a word with that prefix. Cost: one statement.
    pub async fn discover(
        &self,
        user: UserId,
        words: Option<&Words>,
        before: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<PublicConversation>, StoreError> {
        let rows: Vec<Row> = query_as(DISCOVER)
            .bind(user.0)
            .bind(before.map_or(Uuid::max(), |id| id.0))
            .bind(words.map(prefixes))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(PublicConversation::from).collect())
    }
}

/// Conversations that are folded at once: their titles and topics have to fit into one result.
const FOLDED_AT_ONCE: i64 = 100;

/// Stores the terms of open public conversations from before they were stored, until all have some or `time` is over. Returns
/// their number. Cost: two statements for each hundred.
pub async fn fold_missing(pool: &DataApiPool, time: Duration) -> Result<u64, StoreError> {
    let deadline = Instant::now() + time;
    let (mut after, mut folded) = (Uuid::nil(), 0);
    loop {
        let found: Vec<(Uuid, String, Option<String>)> = query_as(
            "SELECT conversation_id, title, topic FROM conversations
             WHERE type = 'public' AND closed_at IS NULL AND terms IS NULL AND conversation_id > $1
             ORDER BY conversation_id LIMIT $2",
        )
        .bind(after)
        .bind(FOLDED_AT_ONCE)
        .fetch_all(pool)
        .await?;
        let Some((last, ..)) = found.last() else { return Ok(folded) };
        after = *last;
        // One that has changed meanwhile got its terms by that.
        let updated = query(
            "UPDATE conversations c SET terms = f.terms::tsvector
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS f (conversation_id, title, topic, terms)
             WHERE c.conversation_id = f.conversation_id AND c.terms IS NULL AND c.title = f.title
                AND c.topic IS NOT DISTINCT FROM f.topic",
        )
        .bind(found.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(found.iter().map(|(_, title, _)| title.as_str()).collect::<Vec<_>>())
        .bind(found.iter().map(|(_, _, topic)| topic.as_deref()).collect::<Vec<_>>())
        .bind(found.iter().map(|(_, title, topic)| vector(title, topic.as_deref())).collect::<Vec<_>>())
        .execute(pool)
        .await?;
        folded += updated.rows_affected();
        if Instant::now() > deadline {
            tracing::warn!(folded, "the search terms of some conversations are missing until they change");
            return Ok(folded);
        }
    }
}

/// Returns the `tsvector` of a title and a topic, as text: terms with their positions.
pub fn vector(title: &str, topic: Option<&str>) -> String {
    let mut vector = String::new();
    for (index, term) in stored_terms(&[title, topic.unwrap_or_default()]).iter().enumerate() {
        // Writing to a String does not fail.
        let _ = write!(vector, "'{term}':{} ", index + 1);
    }
    vector
}

/// Returns the `tsquery` that matches all words: a word as a prefix, a run of pairs one after the other. Without words it matches
/// nothing.
pub fn prefixes(words: &Words) -> String {
    let term = |term: &Term| match term {
        Term::Prefix(prefix) => format!("'{prefix}':*"),
        Term::Run(run) => {
            let pairs: Vec<String> = run.iter().map(|pair| format!("'{pair}'")).collect();
            format!("({})", pairs.join(" <-> "))
        }
    };
    words.iter().map(term).collect::<Vec<_>>().join(" & ")
}
