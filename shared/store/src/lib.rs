//! Palaver's doors to AWS. Each room touches one service and decides nothing.
//!
//! * [`dynamodb`]: the tables of the hot path.
//! * [`sql`]: the source of truth for users, conversations and members, over the RDS Data API.
//! * [`opensearch`]: the index of messages.
//! * [`sqs`]: the queues and the bodies of their messages.
//! * [`schedules`]: queue messages that are due later than a queue can delay them.
//! * [`s3`]: the bytes of files.
//! * [`chunk_objects`]: the objects of the archive.
//! * [`export_objects`]: the bucket of exports.
//! * [`import_objects`]: the files of imports, in the same bucket.
//! * [`signed_requests`]: requests that no SDK makes.
//! * [`shared_cache`]: what processes share, in Valkey or Redis.
//! * [`clock`]: the time by which they wait.
//! * [`connections_api`]: frames to WebSocket connections, through API Gateway's `@connections`.

pub mod chunk_objects;
pub mod clock;
pub mod connections_api;
pub mod dynamodb;
pub mod error;
pub mod export_objects;
pub mod import_objects;
pub mod opensearch;
pub mod s3;
pub mod schedules;
pub mod shared_cache;
pub mod signed_requests;
pub mod sql;
pub mod sqs;

pub use error::StoreError;
pub use schedules::Schedules;
