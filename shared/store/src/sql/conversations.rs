//! Tables `conversations` and `conversation_members`.

use domain::conversation::Member;
use domain::flood::FloodLimit;
use domain::membership::Change;
use domain::new_conversation::NewConversation;
use domain::{ApiError, ConversationId, ConversationType, Custom, ErrorCode, Idempotency, MessageKind, UserId};
use sqlx::types::Json;
use sqlx_data_api::{DataApiConnection, DataApiPool, DataApiPoolExt, query, query_as};
use uuid::Uuid;

use super::discovery;
use super::outbox::Pending;
use crate::StoreError;
use crate::sqs::{Queue, RELAY_DELAY, RelayBody};

/// Constraint that is violated if the creator has no profile.
const CREATED_BY: &str = "conversations_created_by_fkey";

/// Outcome of a request to create a conversation.
#[derive(Debug)]
pub enum Created {
    /// The conversation began; the change waits in the outbox.
    New(Pending),
    /// The conversation existed: the private conversation of the two users, or the one that the same key had created.
    Existing(ConversationId),
}

/// Reasons for which a conversation is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The creator has no profile.
    #[error("the creator has no profile")]
    ProfileRequired,
    /// The creator is deleted.
    #[error("the creator is deleted")]
    UserDeleted,
    /// One of the members has blocked the creator.
    #[error("a member has blocked the creator")]
    NotAllowed,
    /// The creator of a private conversation blocks the other user.
    #[error("the creator blocks the other user")]
    Blocked,
    /// One of the members does not exist, or was deleted.
    #[error("a member does not exist")]
    UserNotFound,
    /// The key was used for another request, which created this conversation.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch(ConversationId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CreateError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(database) if database.is_foreign_key_violation() && database.constraint() == Some(CREATED_BY) => {
                Self::ProfileRequired
            }
            Some(database) if database.is_foreign_key_violation() => Self::UserNotFound,
            _ => Self::Store(error.into()),
        }
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::ProfileRequired => Self::profile_required(),
            CreateError::UserDeleted => Self::user_deleted(),
            CreateError::NotAllowed => Self::new(ErrorCode::NotAllowed, "You cannot add one of these users."),
            CreateError::Blocked => Self::blocked(),
            CreateError::UserNotFound => Self::new(ErrorCode::UserNotFound, "One of the members does not exist."),
            CreateError::IdempotencyMismatch(_) => {
                Self::new(ErrorCode::IdempotencyMismatch, "This `Idempotency-Key` was used for another request.")
            }
            CreateError::Store(error) => error.into(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Conversations {
    pub(super) pool: DataApiPool,
    pub(super) relay: Option<Queue>,
    pub(super) flood_limit: Option<FloodLimit>,
}

impl Conversations {
    /// Uses this pool; `relay` gets a message about every change before it is committed.
    pub fn new(pool: DataApiPool, relay: Queue) -> Self {
        Self { pool, relay: Some(relay), flood_limit: None }
    }

    /// Sends no messages about changes: a message of the caller's own makes sure that they are relayed.
    #[must_use]
    pub fn without_messages(self) -> Self {
        Self { relay: None, ..self }
    }

    /// Makes sure that a change that is about to be committed is relayed, although its function may crash.
    pub(super) async fn queue(&self, conversation_id: ConversationId) -> Result<(), StoreError> {
        match &self.relay {
            Some(relay) => relay.send_relay(RelayBody::Conversation { conversation_id }, RELAY_DELAY).await,
            None => Ok(()),
        }
    }

    /// Limits the changes of one user of one conversation by the number of events.
    #[must_use]
    pub fn limited(self, flood_limit: Option<FloodLimit>) -> Self {
        Self { flood_limit, ..self }
    }

    /// Creates a conversation with its first members and its outbox row, all or nothing.
    ///
    /// The insert is the lock: a request that creates the same private conversation, or has the same key, waits for it and then
    /// finds it. Cost: four requests with begin and commit; `chat::membership::Membership::create` adds a fifth, in which the
    /// relay records the seq.
    pub async fn create(
        &self,
        creator: UserId,
        new: &NewConversation,
        idempotency: Option<&Idempotency>,
    ) -> Result<Created, CreateError> {
        let conversation = ConversationId::of_kind(new.kind());
        let inserted = self
            .pool
            .transaction(async |mut tx| {
                if !insert_conversation(&mut tx, conversation, creator, new, idempotency).await? {
                    return Ok(None);
                }
                // Queued before the commit, so that a crash after it leaves no change behind.
                let queued = self.queue(conversation);
                // Both to their end: a transaction with a statement under way cannot be rolled back.
                let (pending, queued) = tokio::join!(insert_members(&mut tx, conversation, creator, new), queued);
                queued?;
                Ok::<_, CreateError>(Some(pending?))
            })
            .await?;
        match inserted {
            Some(pending) => Ok(Created::New(pending)),
            None => self.existing(creator, new, idempotency).await,
        }
    }

    /// The conversation that kept another from being created.
    async fn existing(
        &self,
        creator: UserId,
        new: &NewConversation,
        idempotency: Option<&Idempotency>,
    ) -> Result<Created, CreateError> {
        let (low, high) = pair(new);
        let found: Vec<(Uuid, bool, bool)> = query_as(
            "SELECT conversation_id, coalesce(created_by = $1 AND idempotency_key = $2 AND request_digest <> $3, false),
                EXISTS (SELECT FROM users WHERE user_id = $1 AND deleted_at IS NOT NULL)
             FROM conversations
             WHERE (private_low = $4 AND private_high = $5) OR (created_by = $1 AND idempotency_key = $2)",
        )
        .bind(creator.0)
        .bind(idempotency.map(|idempotency| idempotency.key.as_str()))
        .bind(idempotency.map(|idempotency| idempotency.digest.as_str()))
        .bind(low)
        .bind(high)
        .fetch_all(&self.pool)
        .await?;
        if found.iter().any(|(_, _, deleted)| *deleted) {
            return Err(CreateError::UserDeleted);
        }
        if let Some((conversation, ..)) = found.iter().find(|(_, mismatch, _)| *mismatch) {
            return Err(CreateError::IdempotencyMismatch(ConversationId(*conversation)));
        }
        let (conversation, ..) = found.first().ok_or_else(|| {
            StoreError::Inconsistent("the conversation that conflicts with a new one does not exist".to_owned())
        })?;
        Ok(Created::Existing(ConversationId(*conversation)))
    }
}

/// Returns true if no other conversation was in the way. Locks the pair of a private one, so that the next statement sees the blocks
/// that were set before: see [`super::blocks`].
async fn insert_conversation(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
    creator: UserId,
    new: &NewConversation,
    idempotency: Option<&Idempotency>,
) -> Result<bool, CreateError> {
    let (low, high) = pair(new);
    let inserted: Option<(bool,)> = query_as(
        "INSERT INTO conversations (conversation_id, type, title, created_by, version, private_low, private_high,
            idempotency_key, request_digest, topic, history, member_count, terms, custom)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12::text::tsvector, $13)
         ON CONFLICT DO NOTHING
         RETURNING CASE WHEN private_low IS NOT NULL
            THEN pg_advisory_xact_lock(hashtextextended(concat(private_low, private_high), 0)) END IS NULL",
    )
    .bind(conversation.0)
    .bind(new.kind().as_str())
    .bind(new.title())
    .bind(creator.0)
    .bind(low)
    .bind(high)
    .bind(idempotency.map(|idempotency| idempotency.key.as_str()))
    .bind(idempotency.map(|idempotency| idempotency.digest.as_str()))
    .bind(new.topic())
    .bind(new.history().as_str())
    .bind(i32::try_from(new.members(creator).len()).unwrap_or(i32::MAX))
    .bind(terms(new.kind(), new.title(), new.topic()))
    .bind(new.custom().map(Custom::canonical))
    .fetch_optional(connection)
    .await?;
    Ok(inserted.is_some())
}

/// Inserts the members and the outbox row in one statement. Waits for users who are being deleted, and leaves them out.
async fn insert_members(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
    creator: UserId,
    new: &NewConversation,
) -> Result<Pending, CreateError> {
    let members = new.members(creator);
    let pending = Pending {
        outbox_id: Uuid::now_v7(),
        conversation_id: conversation,
        version: 1,
        change: Change::Logged {
            actor: creator,
            item: MessageKind::Created {
                conversation_type: new.kind(),
                title: new.title().map(str::to_owned),
                topic: new.topic().map(str::to_owned),
                history: new.history(),
                members: members.clone(),
                custom: new.custom().cloned(),
            },
        },
    };
    let inserted = query(
        "WITH change AS (
            INSERT INTO outbox (outbox_id, conversation_id, version, change) VALUES ($1, $2, 1, $3)
         )
         INSERT INTO conversation_members (member_id, conversation_id, user_id, role, added_by, joined_version)
         SELECT m.member_id, $2, u.user_id, m.role, $4, 1
         FROM unnest($5::uuid[], $6::uuid[], $7::text[]) AS m (member_id, user_id, role)
         JOIN users u ON u.user_id = m.user_id AND u.deleted_at IS NULL
         WHERE NOT EXISTS (SELECT FROM conversations p WHERE p.private_low = least(u.user_id, $4)
            AND p.private_high = greatest(u.user_id, $4) AND u.user_id = ANY (p.blocked_by))
            AND NOT EXISTS (SELECT FROM blocks b WHERE b.blocker_id = u.user_id AND b.blocked_id = $4)
            AND NOT ($8 AND EXISTS (SELECT FROM blocks b WHERE b.blocker_id = $4 AND b.blocked_id = u.user_id))
         FOR SHARE OF u",
    )
    .bind(pending.outbox_id)
    .bind(conversation.0)
    .bind(Json(&pending.change))
    .bind(creator.0)
    .bind(members.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind(members.iter().map(|member| member.user_id.0).collect::<Vec<_>>())
    .bind(members.iter().map(|member| member.role.as_str()).collect::<Vec<_>>())
    .bind(new.pair().is_some())
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == members.len() as u64 {
        return Ok(pending);
    }
    Err(insert_failure(connection, creator, &members, new.pair().is_some()).await?)
}

/// Returns the reason for which some of the members were not inserted.
async fn insert_failure(
    connection: &mut DataApiConnection,
    creator: UserId,
    members: &[Member],
    is_private: bool,
) -> Result<CreateError, StoreError> {
    let (creator_deleted, living, blocks): (bool, i64, bool) = query_as(
        "SELECT coalesce(bool_or(user_id = $1 AND deleted_at IS NOT NULL), false),
            count(*) FILTER (WHERE deleted_at IS NULL),
            EXISTS (SELECT FROM blocks WHERE blocker_id = $1 AND blocked_id = ANY ($2))
         FROM users WHERE user_id = ANY ($2)",
    )
    .bind(creator.0)
    .bind(members.iter().map(|member| member.user_id.0).collect::<Vec<_>>())
    .fetch_one(connection)
    .await?;
    Ok(match usize::try_from(living) {
        _ if creator_deleted => CreateError::UserDeleted,
        Ok(living) if living == members.len() && is_private && blocks => CreateError::Blocked,
        Ok(living) if living == members.len() => CreateError::NotAllowed,
        _ => CreateError::UserNotFound,
    })
}

/// Returns the terms by which a public conversation is found, as PostgreSQL's text for them.
pub(super) fn terms(kind: ConversationType, title: Option<&str>, topic: Option<&str>) -> Option<String> {
    (kind == ConversationType::Public).then(|| discovery::vector(title.unwrap_or_default(), topic))
}

fn pair(new: &NewConversation) -> (Option<Uuid>, Option<Uuid>) {
    new.pair().map(|[low, high]| (low.0, high.0)).unzip()
}
