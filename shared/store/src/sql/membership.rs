//! Changes of conversations and their members: tables `conversations` and `conversation_members`.
//!
//! A change is decided by [`domain::membership::decide()`] inside a transaction whose first statement locks the conversation.
//! The lock is a separate statement: a statement that waits for a lock reads all other rows as of its start, before the wait.

use std::collections::BTreeMap;

use domain::flood::RecentSenders;
use domain::membership::{Action, MemberFacts, State, decide};
use domain::{ApiError, ConversationId, ConversationType, Custom, ErrorCode, Role, Seq, Timestamp, UserId};
use sqlx::types::Json;
use sqlx_data_api::{DataApiConnection, DataApiPoolExt, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::conversations::terms;
use super::outbox::Pending;
use super::{Conversations, timestamp};
use crate::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The rules do not allow it.
    #[error("{refusal}")]
    Refused {
        #[source]
        refusal: ApiError,
        /// True if older changes wait in the outbox. The refusal may come from them, so they have to be applied before it is
        /// answered.
        older_wait: bool,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Refused { refusal, .. } => refusal,
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// Changes that are committed and wait in the outbox.
#[derive(Debug, Default)]
pub struct Committed {
    /// The changes in the order of their versions; empty if the requested state already held.
    pub changes: Vec<Pending>,
    /// True if older changes wait, which have to be applied first.
    pub older_wait: bool,
}

#[derive(sqlx::FromRow)]
struct Locked {
    r#type: String,
    title: Option<String>,
    topic: Option<String>,
    custom: Option<String>,
    pinned_seqs: Vec<i64>,
    retention_days: Option<i32>,
    closed: bool,
    version: i64,
    member_count: i32,
    blocked_by: Vec<Uuid>,
    recent_changes: Option<Json<RecentSenders>>,
}

#[derive(sqlx::FromRow)]
#[allow(clippy::struct_excessive_bools, reason = "the fields are the columns of a row")]
struct UserRow {
    user_id: Option<Uuid>,
    deleted: bool,
    role: Option<String>,
    periods: i64,
    removed: bool,
    muted_until: Option<OffsetDateTime>,
    blocks_actor: bool,
    owners: i64,
    successor: Option<Uuid>,
    waiting: bool,
}

impl Conversations {
    /// Applies the actions of one user on one conversation, all or none of them, in order.
    ///
    /// The conversation is read once: an action must not depend on what an earlier one does to the conversation itself.
    ///
    /// Cost: five requests with begin and commit if one action changes something; two more for each further action. The relay
    /// queue gets its message before the commit, so that a crash after it leaves no change behind.
    pub async fn change(
        &self,
        conversation: ConversationId,
        actor: UserId,
        actions: &[Action],
    ) -> Result<Committed, ChangeError> {
        self.pool
            .transaction(async |mut tx| {
                let locked = lock(&mut tx, conversation).await?.ok_or_else(not_found)?;
                let mut version = locked.version;
                let (mut title, mut topic) = (locked.title.clone(), locked.topic.clone());
                let mut recent = locked.recent_changes.as_ref().map(|Json(recent)| recent.clone()).unwrap_or_default();
                let mut committed = Committed::default();
                for action in actions {
                    let (state, waiting) = state(&mut tx, conversation, &locked, actor, action).await?;
                    let first = committed.changes.is_empty();
                    committed.older_wait |= first && waiting;
                    let older_wait = committed.older_wait;
                    let refused = |refusal| ChangeError::Refused { refusal, older_wait };
                    let Some(change) = decide(&state, actor, action).map_err(refused)? else { continue };
                    recent = recent
                        .after_event(actor, action.is_limited(), state.now, self.flood_limit)
                        .map_err(|wait| refused(ApiError::rate_limited(wait)))?;
                    version += 1;
                    let effect = change.effect();
                    title = effect.title.map(str::to_owned).or(title);
                    topic = effect.topic.map_or(topic, |topic| topic.map(str::to_owned));
                    let terms = terms(state.kind, title.as_deref(), topic.as_deref());
                    let pending = Pending {
                        outbox_id: Uuid::now_v7(),
                        conversation_id: conversation,
                        version: version.unsigned_abs(),
                        change,
                    };
                    let queued = async {
                        if first {
                            self.queue(conversation).await?;
                        }
                        Ok::<_, ChangeError>(())
                    };
                    // Both to their end: a transaction with a statement under way cannot be rolled back.
                    let (written, queued) = tokio::join!(write(&mut tx, actor, &pending, terms, &recent), queued);
                    written?;
                    queued?;
                    committed.changes.push(pending);
                }
                Ok::<_, ChangeError>(committed)
            })
            .await
    }
}

fn not_found() -> ChangeError {
    let refusal = ApiError::new(ErrorCode::ConversationNotFound, "The conversation does not exist.");
    ChangeError::Refused { refusal, older_wait: false }
}

/// Locks the conversation until the transaction ends.
async fn lock(connection: &mut DataApiConnection, conversation: ConversationId) -> Result<Option<Locked>, ChangeError> {
    let locked = query_as(
        "SELECT type, title, topic, custom, pinned_seqs, retention_days, closed_at IS NOT NULL AS closed, version, member_count,
            blocked_by, recent_changes
         FROM conversations
         WHERE conversation_id = $1 FOR UPDATE",
    )
    .bind(conversation.0)
    .fetch_optional(connection)
    .await?;
    Ok(locked)
}

/// Reads the facts that the rules need. The second value is true if an older change waits in the outbox.
///
/// The users are locked as well. A concurrent deletion of a user is either visible here, or waits for the end of this
/// transaction and then finds the new membership.
async fn state(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
    locked: &Locked,
    actor: UserId,
    action: &Action,
) -> Result<(State, bool), ChangeError> {
    let mut asked: Vec<Uuid> = action.targets().iter().map(|user| user.0).collect();
    asked.push(actor.0);
    // Returns at least one row, even if none of the users exists.
    let rows: Vec<UserRow> = query_as(
        "WITH asked AS (SELECT user_id, deleted_at FROM users WHERE user_id = ANY ($2) FOR SHARE)
         SELECT u.user_id, u.deleted_at IS NOT NULL AS deleted, m.role, coalesce(periods.n, 0) AS periods,
            newest.removed_by IS NOT NULL AS removed, newest.muted_until,
            EXISTS (SELECT FROM conversations p WHERE p.private_low = least(u.user_id, $3)
                AND p.private_high = greatest(u.user_id, $3) AND u.user_id = ANY (p.blocked_by))
                OR EXISTS (SELECT FROM blocks b WHERE b.blocker_id = u.user_id AND b.blocked_id = $3) AS blocks_actor,
            (SELECT count(*) FROM conversation_members
             WHERE conversation_id = $1 AND left_at IS NULL AND role = 'owner') AS owners,
            (SELECT user_id FROM conversation_members
             WHERE conversation_id = $1 AND left_at IS NULL AND role IN ('admin', 'member')
             ORDER BY role, joined_version, user_id LIMIT 1) AS successor,
            EXISTS (SELECT FROM outbox WHERE conversation_id = $1) AS waiting
         FROM (SELECT 1) AS one
         LEFT JOIN asked u ON true
         LEFT JOIN conversation_members m
            ON m.conversation_id = $1 AND m.user_id = u.user_id AND m.left_at IS NULL
         LEFT JOIN LATERAL (SELECT count(*) AS n FROM conversation_members s
            WHERE s.conversation_id = $1 AND s.user_id = u.user_id) periods ON true
         LEFT JOIN LATERAL (SELECT s.removed_by, s.muted_until FROM conversation_members s
            WHERE s.conversation_id = $1 AND s.user_id = u.user_id
            ORDER BY s.joined_version DESC LIMIT 1) newest ON true",
    )
    .bind(conversation.0)
    .bind(asked)
    .bind(actor.0)
    .fetch_all(connection)
    .await?;
    let first = rows.first().ok_or_else(|| StoreError::Inconsistent("the query returned no row".to_owned()))?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let state = State {
        now: Timestamp::now(),
        kind: ConversationType::parse(&locked.r#type).ok_or_else(|| {
            StoreError::Inconsistent(format!("a conversation has the unknown type {}", locked.r#type))
        })?,
        closed: locked.closed,
        title: locked.title.clone(),
        topic: locked.topic.clone(),
        custom: locked.custom.as_deref().map(Custom::stored).transpose().map_err(StoreError::from)?,
        pinned_seqs: locked.pinned_seqs.iter().map(|seq| Seq(seq.unsigned_abs())).collect(),
        retention_days: locked.retention_days.map(i32::unsigned_abs),
        member_count: count(locked.member_count.into()),
        owners: count(first.owners),
        successor: first.successor.map(UserId),
        blocked_by: locked.blocked_by.iter().copied().map(UserId).collect(),
        users: members_facts(&rows)?,
    };
    Ok((state, first.waiting))
}

fn members_facts(rows: &[UserRow]) -> Result<BTreeMap<UserId, MemberFacts>, StoreError> {
    let mut members_facts = BTreeMap::new();
    for row in rows {
        let Some(user) = row.user_id else { continue };
        let role = row.role.as_deref().map(|role| {
            Role::parse(role).ok_or_else(|| StoreError::Inconsistent(format!("a member has the unknown role {role}")))
        });
        let facts = MemberFacts {
            deleted: row.deleted,
            role: role.transpose()?,
            periods: u32::try_from(row.periods).unwrap_or(u32::MAX),
            removed: row.removed,
            muted_until: row.muted_until.map(timestamp),
            blocks_actor: row.blocks_actor,
        };
        members_facts.insert(UserId(user), facts);
    }
    Ok(members_facts)
}

/// Writes a change with all that it does, and its outbox row, in one statement. A public conversation gets its terms with any
/// change, so that it has some although an earlier version left it without.
async fn write(
    connection: &mut DataApiConnection,
    actor: UserId,
    pending: &Pending,
    terms: Option<String>,
    recent: &RecentSenders,
) -> Result<(), ChangeError> {
    let effect = pending.change.effect();
    let (role_of, role) = effect.role.map(|(user, role)| (user.0, role.as_str())).unzip();
    let (muted, until) = effect.muted.map_or((None, None), |(user, until)| (Some(user.0), until));
    let version =
        i64::try_from(pending.version).map_err(|_| StoreError::Inconsistent("a version exceeds bigint".to_owned()))?;
    query(
        "WITH changed AS (
            UPDATE conversations SET version = $2, member_count = member_count + $3, title = coalesce($4, title),
                topic = CASE WHEN $5 THEN $6 ELSE topic END, terms = coalesce($22::text::tsvector, terms),
                closed_at = CASE WHEN $7 THEN now() ELSE closed_at END, blocked_by = coalesce($8, blocked_by),
                recent_changes = $23, retention_days = CASE WHEN $24 THEN $25 ELSE retention_days END,
                custom = CASE WHEN $26 THEN $27 ELSE custom END, pinned_seqs = coalesce($28, pinned_seqs)
            WHERE conversation_id = $1
         ), noted AS (
            INSERT INTO outbox (outbox_id, conversation_id, version, change) VALUES ($9, $1, $2, $10)
         ), ended AS (
            UPDATE conversation_members SET left_at = now(), left_version = $2, removed_by = $12
            WHERE conversation_id = $1 AND user_id = $11 AND left_at IS NULL
         ), kept AS (
            UPDATE conversation_members SET
                role = CASE WHEN user_id = $13 THEN $14 ELSE role END,
                muted_until = CASE WHEN user_id = $15 THEN $16 ELSE muted_until END
            WHERE conversation_id = $1 AND user_id IN ($13, $15) AND left_at IS NULL
         )
         INSERT INTO conversation_members
            (member_id, conversation_id, user_id, role, added_by, joined_version, muted_until)
         SELECT j.member_id, $1, j.user_id, j.role, $17, $2, j.muted_until
         FROM unnest($18::uuid[], $19::uuid[], $20::text[], $21::timestamptz[])
            AS j (member_id, user_id, role, muted_until)",
    )
    .bind(pending.conversation_id.0)
    .bind(version)
    .bind(effect.growth())
    .bind(effect.title)
    .bind(effect.topic.is_some())
    .bind(effect.topic.flatten())
    .bind(effect.closed)
    .bind(effect.blocked_by.map(|users| users.iter().map(|user| user.0).collect::<Vec<_>>()))
    .bind(pending.outbox_id)
    .bind(Json(&pending.change))
    .bind(effect.left.map(|departure| departure.user_id.0))
    .bind(effect.left.and_then(|departure| departure.removed_by).map(|user| user.0))
    .bind(role_of)
    .bind(role)
    .bind(muted)
    .bind(until.map(OffsetDateTime::from))
    .bind(actor.0)
    .bind(effect.joined.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind(effect.joined.iter().map(|member| member.user_id.0).collect::<Vec<_>>())
    .bind(effect.joined.iter().map(|member| member.role.as_str()).collect::<Vec<_>>())
    .bind(effect.joined.iter().map(|member| member.muted_until.map(OffsetDateTime::from)).collect::<Vec<_>>())
    .bind(terms)
    .bind(Json(recent))
    .bind(effect.retention_days.is_some())
    .bind(effect.retention_days.flatten().map(u32::cast_signed))
    .bind(effect.custom.is_some())
    .bind(effect.custom.flatten().map(Custom::canonical))
    .bind(effect.pinned_seqs.map(|seqs| seqs.iter().map(|seq| seq.0.cast_signed()).collect::<Vec<_>>()))
    .execute(connection)
    .await?;
    Ok(())
}
