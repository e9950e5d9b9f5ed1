//! Table `connections`: the live connections of each user.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `user_id` | S | partition key: one item per user |
//! | `c#<connection id>` | M | one attribute per connection: `connected_at` (ms), `exp` (s, the token's) |
//! | `last_seen_at` | N | ms: when a connection last began or ended; it never falls |
//! | `ttl` | N | epoch seconds after which the item expires; absent with `user_deleted` |
//! | `user_deleted` | BOOL | present if the account is deleted: a tombstone, which never expires |
//!
//! `last_seen_at` is kept for 30 days after the last connection. A connection that is over and still registered, because its token
//! ended or `$disconnect` was never invoked, counts with its own end.
//!
//! With one item per user, finding the connections of a conversation's members is one batch read, and connecting is one write.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::error::causes;
use domain::{ApiError, Connection, EndedConnection, ErrorCode, Presence, Timestamp, UserId};
use futures_util::future::{join, join_all};

use super::Item;
use super::batch::get_all;
use super::conditional::unless_refused;
use crate::StoreError;
use crate::clock::{Elapsed, timeout};

/// Most connections of one user; the oldest make room.
pub const MAX_CONNECTIONS: usize = 20;

/// API Gateway ends every WebSocket connection after two hours; an hour on top for clocks.
const MAX_CONNECTION_LIFETIME: Duration = Duration::from_hours(3);

/// Time for which `last_seen_at` is reported.
const LAST_SEEN_KEPT: Duration = Duration::from_hours(30 * 24);

/// Time for which a connection may be registered before API Gateway accepts posts to it: `$connect` takes at most 29 s.
const CONNECT_GRACE: Duration = Duration::from_secs(30);

/// Longest wait for reading or removing connections: a push is an optimisation.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

const PREFIX: &str = "c#";

const LAST_SEEN: &str = "last_seen_at";

const USER_DELETED: &str = "user_deleted";

/// Reasons for which a connection is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The user was deleted.
    #[error("the user is deleted")]
    UserDeleted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectError> for ApiError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::UserDeleted => Self::user_deleted(),
            ConnectError::Store(error) => error.into(),
        }
    }
}

/// Registered connections of some users.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Connections to push to.
    pub live: Vec<Connection>,
    /// Connections whose token has ended, and which may still be open.
    pub expired: Vec<EndedConnection>,
}

impl Found {
    /// Sorts registered connections by what they are now.
    pub fn of(registered: Vec<Connection>, now: Timestamp) -> Self {
        let mut found = Self::default();
        for connection in registered {
            if may_live(&connection, now) {
                found.live.push(connection);
            } else if may_be_open(&connection, now) {
                found.expired.push(connection.ended(now));
            }
        }
        found
    }
}

#[derive(Clone, Debug)]
pub struct Connections {
    client: Client,
    table: String,
}

impl Connections {
    /// The table with this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Adds a connection in one write, drops those that are certainly over, and returns all that may be open, the oldest first.
    /// Beyond [`MAX_CONNECTIONS`], the caller makes room. A deleted user gets none.
    pub async fn add(&self, connection: &Connection) -> Result<Vec<Connection>, ConnectError> {
        let now = connection.connected_at;
        let value = AttributeValue::M(HashMap::from([
            ("connected_at".to_owned(), AttributeValue::N(now.epoch_millis().to_string())),
            ("exp".to_owned(), AttributeValue::N(connection.exp.to_string())),
        ]));
        let ttl = now.plus(LAST_SEEN_KEPT).epoch_seconds();
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("user_id", AttributeValue::S(connection.user_id.to_string()))
            .condition_expression("attribute_not_exists(#deleted)")
            .update_expression("SET #connection = :connection, #seen = :seen, #ttl = :ttl")
            .expression_attribute_names("#deleted", USER_DELETED)
            .expression_attribute_names("#connection", attribute(&connection.connection_id))
            .expression_attribute_names("#seen", LAST_SEEN)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":connection", value)
            .expression_attribute_values(":seen", AttributeValue::N(now.epoch_millis().to_string()))
            .expression_attribute_values(":ttl", AttributeValue::N(ttl.to_string()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(refused)?;

        let all = parse(&updated.attributes.unwrap_or_default())?;
        let (open, over): (Vec<_>, Vec<_>) = all.into_iter().partition(|other| may_be_open(other, now));
        let ids: Vec<&str> = over.iter().map(|other| other.connection_id.as_str()).collect();
        self.remove(connection.user_id, &ids).await?;
        Ok(in_order(open))
    }

    /// Reads the connections of a user that may be open, the oldest first: one consistent request.
    pub async fn open(&self, user: UserId, now: Timestamp) -> Result<Vec<Connection>, StoreError> {
        let items = get_all(&self.client, &self.table, vec![key(user)], true).await?;
        let all = items.first().map(parse).transpose()?.unwrap_or_default();
        Ok(in_order(all.into_iter().filter(|connection| may_be_open(connection, now)).collect()))
    }

    /// Returns true if API Gateway's answer that the connection is gone can be believed: until `$connect` has returned, it gives
    /// this answer for a new connection.
    pub fn is_established(connection: &Connection, now: Timestamp) -> bool {
        now.since(connection.connected_at) > CONNECT_GRACE
    }

    /// Removes a connection that has ended and records when, unless something later is recorded: one write, safe to repeat. Returns
    /// true if this call removed it.
    pub async fn end(&self, ended: &EndedConnection) -> Result<bool, StoreError> {
        self.end_all(ended.user_id, &[&ended.connection_id], ended.at).await
    }

    /// Removes the registered ones of these connections, the last of which ended at `at`. Cost: one write, and a second one if the
    /// user is deleted, was seen later, or none is registered.
    async fn end_all(&self, user: UserId, connection_ids: &[&str], at: Timestamp) -> Result<bool, StoreError> {
        let placeholders: Vec<String> = (0..connection_ids.len()).map(|n| format!("#c{n}")).collect();
        let registered: Vec<String> = placeholders.iter().map(|name| format!("attribute_exists({name})")).collect();
        let (removed, registered) = (placeholders.join(", "), registered.join(" OR "));
        let names: HashMap<String, String> =
            placeholders.into_iter().zip(connection_ids.iter().map(|id| attribute(id))).collect();
        let update = || {
            let update = self.client.update_item().table_name(&self.table);
            let update = update.key("user_id", AttributeValue::S(user.to_string()));
            update.set_expression_attribute_names(Some(names.clone()))
        };
        let seen = update()
            // A tombstone has no TTL.
            .condition_expression(format!(
                "({registered}) AND attribute_not_exists(#deleted) AND (attribute_not_exists(#seen) OR #seen <= :seen)"
            ))
            .update_expression(format!("SET #seen = :seen, #ttl = :ttl REMOVE {removed}"))
            .expression_attribute_names("#deleted", USER_DELETED)
            .expression_attribute_names("#seen", LAST_SEEN)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":seen", AttributeValue::N(at.epoch_millis().to_string()))
            .expression_attribute_values(
                ":ttl",
                AttributeValue::N(at.plus(LAST_SEEN_KEPT).epoch_seconds().to_string()),
            );
        if unless_refused(seen.send().await)?.is_some() {
            return Ok(true);
        }
        let unseen = update().condition_expression(registered).update_expression(format!("REMOVE {removed}"));
        Ok(unless_refused(unseen.send().await)?.is_some())
    }

    /// Returns the presence of these users, in their order. Cost: that of [`Connections::of`]. A deleted user has no presence.
    pub async fn presence(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, StoreError> {
        let keys = users.iter().copied().map(key).collect();
        let items = get_all(&self.client, &self.table, keys, false).await?;
        let mut known = HashMap::new();
        for item in items.iter().filter(|item| !is_tombstone(item)) {
            if let Some(AttributeValue::S(user)) = item.get("user_id") {
                let connections = parse(item)?;
                let online = connections.iter().any(|connection| may_live(connection, now));
                let recorded = item.get(LAST_SEEN).and_then(|at| at.as_n().ok()?.parse().ok());
                let ended = connections.iter().map(|connection| connection.ended(now).at).max();
                known.insert(user.clone(), (online, recorded.map(Timestamp::nearest).max(ended)));
            }
        }
        let presence = |user_id: &UserId| {
            let (online, last_seen) = known.get(&user_id.to_string()).copied().unwrap_or_default();
            Presence { user_id: *user_id, online, last_seen_at: last_seen.filter(|_| !online) }
        };
        Ok(users.iter().map(presence).collect())
    }

    /// Removes connections; one that does not exist is no error. No request for an empty list.
    pub async fn remove(&self, user: UserId, connection_ids: &[&str]) -> Result<(), StoreError> {
        if connection_ids.is_empty() {
            return Ok(());
        }
        let placeholder = |n: usize| format!("#c{n}");
        let names = (0..connection_ids.len()).map(placeholder).collect::<Vec<_>>().join(", ");
        let names_to_attributes =
            connection_ids.iter().enumerate().map(|(n, id)| (placeholder(n), attribute(id))).collect();
        self.client
            .update_item()
            .table_name(&self.table)
            .key("user_id", AttributeValue::S(user.to_string()))
            .update_expression(format!("REMOVE {names}"))
            .set_expression_attribute_names(Some(names_to_attributes))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        Ok(())
    }

    /// Removes connections that a push found disconnected, except very new ones: until `$connect` has returned, API Gateway
    /// answers 410 Gone for a new connection.
    pub async fn remove_gone(&self, pushed: &[Connection], gone: &[impl AsRef<str>], now: Timestamp) {
        let mut by_user: HashMap<UserId, (Vec<&str>, Timestamp)> = HashMap::new();
        for connection in pushed {
            let id = connection.connection_id.as_str();
            if gone.iter().any(|gone| gone.as_ref() == id) && Self::is_established(connection, now) {
                let at = connection.ended(now).at;
                let (ids, last) = by_user.entry(connection.user_id).or_insert((Vec::new(), at));
                ids.push(id);
                *last = at.max(*last);
            }
        }
        let removals = by_user.iter().map(async |(user_id, (connection_ids, at))| {
            if let Err(error) = in_time(self.end_all(*user_id, connection_ids, *at)).await {
                // The next push finds them disconnected again.
                tracing::warn!(%user_id, ?connection_ids, error = causes(&error), "disconnected connections were not removed");
            }
        });
        join_all(removals).await;
    }

    /// Writes a tombstone: afterwards the user cannot connect, and [`Connections::of`] finds no connection. Returns the
    /// previous connections, so that the caller closes them. One write, safe to repeat.
    pub async fn leave_tombstone(&self, user: UserId) -> Result<Vec<Connection>, StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("user_id", AttributeValue::S(user.to_string()))
            .update_expression("SET #deleted = :deleted REMOVE #ttl")
            .expression_attribute_names("#deleted", USER_DELETED)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":deleted", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        parse(&updated.attributes.unwrap_or_default())
    }

    /// Leaves nothing of a deleted user's item but the tombstone: one write, safe to repeat.
    pub async fn empty_tombstone(&self, user: UserId) -> Result<(), StoreError> {
        let mut item = key(user);
        item.insert(USER_DELETED.to_owned(), AttributeValue::Bool(true));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).map_err(StoreError::dynamodb)
    }

    /// Returns true if the user has a tombstone. Cost: one read unit.
    pub async fn has_tombstone(&self, user: UserId) -> Result<bool, StoreError> {
        let items = get_all(&self.client, &self.table, vec![key(user)], true).await?;
        Ok(items.iter().any(is_tombstone))
    }

    /// Removes closed connections of a deleted user, except very new ones, as [`Connections::remove_gone`] does: API Gateway
    /// cannot close a connection before `$connect` has returned.
    pub async fn remove_closed(&self, closed: &[Connection], now: Timestamp) -> Result<(), StoreError> {
        let old = closed.iter().filter(|connection| Self::is_established(connection, now));
        let ids: Vec<&str> = old.map(|connection| connection.connection_id.as_str()).collect();
        let Some(first) = closed.first() else { return Ok(()) };
        self.remove(first.user_id, &ids).await
    }

    /// Returns the result of `read`, unless the user is deleted: the guard of reads that make no SQL request. Reads the
    /// tombstone concurrently and consistently: one read unit.
    pub async fn unless_deleted<T>(
        &self,
        user: UserId,
        read: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let (items, result) = join(get_all(&self.client, &self.table, vec![key(user)], true), read).await;
        if items?.iter().any(is_tombstone) {
            return Err(ConnectError::UserDeleted.into());
        }
        result
    }

    /// Returns the result of `change`, or that the user is deleted, if that is why it was refused. The guard of changes, which a
    /// deleted user cannot make: a consistent read after a refusal, for one read unit, and none otherwise.
    pub async fn unless_refused_as_deleted<T>(
        &self,
        user: UserId,
        change: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let result = change.await;
        let is_refused = |error: &ApiError| !error.code.retryable() && error.code != ErrorCode::UserDeleted;
        if result.as_ref().err().is_some_and(is_refused) {
            return self.unless_deleted(user, std::future::ready(result)).await;
        }
        result
    }

    /// Returns the result of a request with the guard that it needs: [`Self::unless_deleted`] for a read,
    /// [`Self::unless_refused_as_deleted`] for a change.
    pub async fn guarded<T>(
        &self,
        user: UserId,
        is_read: bool,
        request: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        if is_read {
            self.unless_deleted(user, request).await
        } else {
            self.unless_refused_as_deleted(user, request).await
        }
    }

    /// Opens the connection to DynamoDB during init, when time is free: half a read unit.
    pub async fn warm_up(&self) {
        if let Err(error) = self.of(&[UserId(uuid::Uuid::nil())], Timestamp::now()).await {
            tracing::warn!(connection = "DynamoDB", error = causes(&error), "a connection was not opened during init");
        }
    }

    /// Finds the connections of these users: half a read unit a user, one request per hundred, eventually consistent. Known within a
    /// second or not at all.
    pub async fn of(&self, users: &[UserId], now: Timestamp) -> Result<Found, StoreError> {
        Ok(Found::of(self.registered(users).await?, now))
    }

    /// Finds the registered connections of these users, over or not. Cost and time are those of [`Self::of`].
    pub async fn registered(&self, users: &[UserId]) -> Result<Vec<Connection>, StoreError> {
        let keys = users.iter().copied().map(key).collect();
        let items = in_time(get_all(&self.client, &self.table, keys, false)).await?;
        let mut registered = Vec::new();
        for item in items.iter().filter(|item| !is_tombstone(item)) {
            registered.extend(parse(item)?);
        }
        Ok(registered)
    }
}

/// Returns the result of `work`, if it arrives in time.
async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let elapsed = |elapsed: Elapsed| Err(StoreError::Busy { service: "DynamoDB", source: Box::new(elapsed) });
    timeout(LOOKUP_TIMEOUT, work).await.unwrap_or_else(elapsed)
}

fn refused(error: SdkError<UpdateItemError>) -> ConnectError {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => ConnectError::UserDeleted,
        _ => ConnectError::Store(StoreError::dynamodb(error)),
    }
}

fn key(user: UserId) -> Item {
    HashMap::from([("user_id".to_owned(), AttributeValue::S(user.to_string()))])
}

/// Returns true if the connection may be open and its token is valid.
fn may_live(connection: &Connection, now: Timestamp) -> bool {
    connection.is_live(now) && may_be_open(connection, now)
}

/// Returns true if the connection is younger than API Gateway's limit: it does not always report an end.
fn may_be_open(connection: &Connection, now: Timestamp) -> bool {
    now.since(connection.connected_at) < MAX_CONNECTION_LIFETIME
}

/// The order in which connections make room: by time, and the same for every reader.
fn in_order(mut connections: Vec<Connection>) -> Vec<Connection> {
    connections
        .sort_by(|one, other| (one.connected_at, &one.connection_id).cmp(&(other.connected_at, &other.connection_id)));
    connections
}

fn is_tombstone(item: &Item) -> bool {
    item.contains_key(USER_DELETED)
}

fn attribute(connection_id: &str) -> String {
    format!("{PREFIX}{connection_id}")
}

fn parse(item: &Item) -> Result<Vec<Connection>, StoreError> {
    let inconsistent = || StoreError::Inconsistent("an item of `connections` is malformed".to_owned());
    let Some(AttributeValue::S(user)) = item.get("user_id") else { return Ok(Vec::new()) };
    let user_id = user.parse().map_err(|_| inconsistent())?;
    item.iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)))
        .map(|(connection_id, value)| {
            let number = |name: &str| match value {
                AttributeValue::M(fields) => fields.get(name)?.as_n().ok()?.parse::<i64>().ok(),
                _ => None,
            };
            Ok(Connection {
                user_id,
                connection_id: connection_id.to_owned(),
                connected_at: number("connected_at").map(Timestamp::nearest).ok_or_else(inconsistent)?,
                exp: number("exp").ok_or_else(inconsistent)?,
            })
        })
        .collect()
}
