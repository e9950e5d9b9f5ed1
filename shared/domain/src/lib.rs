//! Palaver's chat domain: plain types and the rules that hold between them.
//!
//! The crate makes no AWS calls, reads no clock implicitly and does no I/O, so every rule is a function that a test can call.
//! The names are those of the SQL columns, the DynamoDB attributes and the JSON fields.

pub mod amendment;
pub mod characters;
pub mod connection;
pub mod conversation;
pub mod custom;
pub mod erasure;
pub mod error;
pub mod export;
pub mod file;
pub mod flood;
mod hex;
pub mod id_range;
pub mod idempotency;
pub mod ids;
pub mod import;
pub mod membership;
pub mod mention;
pub mod message;
pub mod new_conversation;
pub mod number;
pub mod page;
pub mod period;
pub mod protocol;
pub mod reaction;
pub mod receipt;
#[cfg(feature = "schema")]
mod schema;
pub mod search;
pub mod segment;
pub mod settings;
pub mod shard;
pub mod subscription;
pub mod timestamp;
pub mod user;

pub use connection::{Address, Connection, EndedConnection, Presence, Pushed};
pub use conversation::{ConversationType, HistoryPolicy, Role};
pub use custom::Custom;
pub use error::{ApiError, ErrorCode};
pub use file::Attachment;
pub use hex::hex;
pub use id_range::IdRange;
pub use idempotency::Idempotency;
pub use ids::{AvatarId, ClientMessageId, ConversationId, ExportId, FileId, ImportId, MessageId, Seq, UserId};
pub use mention::MentionPosition;
pub use message::{Content, Message, MessageKind};
pub use period::{Period, Periods};
pub use receipt::{Receipt, ReceiptKind};
pub use segment::SegmentSize;
pub use shard::MemberRange;
pub use timestamp::Timestamp;
