//! The tables of the hot path: one file each, keys and attributes documented on top.

pub mod audit;
pub mod chunks;
pub mod connections;
pub mod expired;
pub mod exports;
pub mod files;
mod imported;
pub mod imports;
pub mod members;
pub mod mentions;
pub mod messages;
pub mod subscriptions;
pub mod watermarks;

mod batch;
mod conditional;
pub(crate) mod millis;
pub mod retry;

pub use audit::Audit;
pub use chunks::{ChunkItem, Chunks, StoredRow, StoredRows};
pub use connections::Connections;
pub use expired::ExpiredItems;
pub use exports::Exports;
pub use files::{FileItem, FileItems};
pub use imported::ImportedItems;
pub use imports::Imports;
pub use members::{Members, Roster};
pub use mentions::Mentions;
pub use messages::{LogItem, Messages};
pub use subscriptions::Subscriptions;
pub use watermarks::Watermarks;

/// One write of a transaction.
pub type Write = aws_sdk_dynamodb::types::TransactWriteItem;

/// Attributes of one item.
pub type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;
