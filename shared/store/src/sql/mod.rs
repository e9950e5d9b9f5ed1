//! The relational source of truth, over the RDS Data API: one file per aggregate.
//!
//! Each statement is one HTTP request of some tens of milliseconds, so the send path uses none of them.

pub mod conversations;
pub mod discovery;
pub mod files;
pub mod membership;
pub mod outbox;
pub mod users;

use std::time::Duration;

use domain::Timestamp;
use sqlx_data_api::{DataApiConnectOptions, DataApiPoolOptions};
use time::OffsetDateTime;

pub use sqlx_data_api::DataApiPool;

pub use conversations::Conversations;
pub use files::FileMetadata;
pub use outbox::Outbox;
pub use users::Users;

/// A function runs one invocation at a time; the second connection is for a statement beside an open transaction.
const CONNECTIONS: u32 = 2;

/// Time that a statement waits for a paused cluster to resume: less than API Gateway waits for the function, so that the client
/// gets `busy` with a request id.
const RESUME_TIMEOUT: Duration = Duration::from_secs(20);

/// Creates a pool over the cluster's Data API. Makes no request.
///
/// The timeouts of `sdk_config` are not used: a statement may take up to 45 s, and a paused cluster resumes in some 15 s.
pub fn connect(
    sdk_config: aws_sdk_rdsdata::config::Builder,
    cluster_arn: String,
    secret_arn: String,
    database: String,
) -> DataApiPool {
    let timeouts = aws_sdk_rdsdata::config::timeout::TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(50))
        .disable_operation_timeout()
        .build();
    let client = aws_sdk_rdsdata::Client::from_conf(sdk_config.timeout_config(timeouts).build());
    let options =
        DataApiConnectOptions::new(client, cluster_arn, secret_arn).database(database).resume_timeout(RESUME_TIMEOUT);
    DataApiPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options)
}

/// A stored time. The columns hold what was a [`Timestamp`], or the database's own clock.
fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::nearest(time.unix_timestamp() * 1000 + i64::from(time.millisecond()))
}
