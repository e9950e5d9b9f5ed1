//! The relational source of truth, over the RDS Data API: one file per aggregate.
//!
//! Each statement is one HTTP request of some tens of milliseconds, so the send path uses none of them.
//!
//! # Bounded transactions
//!
//! A function can die or be frozen inside a transaction, and the service keeps the transaction, with its locks, for three idle
//! minutes. So the role of the functions has settings for how long PostgreSQL waits: for a lock, for a statement, and for the next
//! statement of a transaction; `migrate` makes the role. Whoever waits for the locks of a function that is gone gets them, or
//! `busy`, within seconds.

pub mod blocks;
pub mod conversations;
pub mod discovery;
pub mod erasures;
pub mod files;
pub mod imports;
pub mod membership;
pub mod outbox;
pub mod reconcile;
pub mod reindex;
pub mod retention;
pub mod users;

use std::time::Duration;

use domain::Timestamp;
use sqlx_data_api::{DataApiConnectOptions, DataApiPoolOptions};
use time::OffsetDateTime;

pub use sqlx_data_api::{DataApiConnection, DataApiPool};

pub use conversations::Conversations;
pub use erasures::Erasures;
pub use files::FileMetadata;
pub use imports::ImportRows;
pub use outbox::Outbox;
pub use users::Users;

/// Connections of the pool per invocation: the second is for a statement beside an open transaction.
const CONNECTIONS: u32 = 2;

/// Time limits of the requests to the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest time of one request.
    request: Duration,
    /// Longest time for which requests are repeated that meet a paused cluster, which resumes in some 15 s, after a long pause in
    /// minutes.
    resume: Duration,
    /// Longest time for which a transaction is rolled back.
    rollback: Duration,
}

impl Patience {
    /// For requests of users: all of them are answered within ten seconds, with `busy` if need be.
    pub const USERS: Self =
        Self { request: Duration::from_secs(6), resume: Duration::from_secs(7), rollback: Duration::from_secs(1) };

    /// For migrations: a statement may take as long as the service allows, and a deploy waits for a paused cluster.
    pub const MIGRATIONS: Self =
        Self { request: Duration::from_secs(50), resume: Duration::from_mins(10), rollback: Duration::from_secs(10) };
}

/// Creates a pool over the cluster's Data API, for a process that runs so many invocations at once. Makes no request. The
/// timeouts of `sdk_config` are not used.
pub fn connect(
    sdk_config: aws_sdk_rdsdata::config::Builder,
    cluster_arn: String,
    secret_arn: String,
    database: String,
    patience: Patience,
    invocations: u32,
) -> DataApiPool {
    let timeouts = aws_sdk_rdsdata::config::timeout::TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(patience.request)
        .operation_timeout(patience.request)
        .build();
    let client = aws_sdk_rdsdata::Client::from_conf(sdk_config.timeout_config(timeouts).build());
    let options = DataApiConnectOptions::new(client, cluster_arn, secret_arn)
        .database(database)
        .resume_timeout(patience.resume)
        .rollback_timeout(patience.rollback)
        // No statement of ours that begins with `SELECT` changes anything outside of a transaction.
        .repeat_reads(true);
    // An invocation that holds its first and waits for its second would otherwise wait for others that do the same.
    let connections = CONNECTIONS.saturating_mul(invocations);
    DataApiPoolOptions::new().max_connections(connections).acquire_timeout(patience.request).connect_lazy_with(options)
}

/// A stored time. The columns hold what was a [`Timestamp`], or the database's own clock.
fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::nearest(time.unix_timestamp() * 1000 + i64::from(time.millisecond()))
}
