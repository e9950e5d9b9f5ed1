//! Palaver's storage: one file per table or aggregate, concrete types, no repository traits.
//!
//! * [`dynamodb`]: the tables of the hot path.
//! * [`sql`]: the relational truth, over the RDS Data API.
//! * [`queues`]: what is put on SQS.
//! * [`objects`]: the bytes of files, in S3.
//! * [`log`]: the conversation log: append, send, amend, history, sync.
//! * [`inbox`]: a user's conversations as the user sees them, and sync.
//! * [`membership`]: changes of conversations and of who is in them.
//! * [`receipts`]: how receipts are merged into watermarks.
//! * [`status`]: what has become of a message, by recipient.
//! * [`listeners`]: who hears of something at once, and where they are.
//! * [`delivery`]: how they are told.
//! * [`looking`]: who has a public conversation open.
//! * [`typing`]: who sees that somebody writes.
//! * [`relay`]: how changes of the relational truth reach the log and the projection.
//! * [`removal`]: how files go for good.
//! * [`deletion`]: how a user goes for good.

pub mod deletion;
pub mod delivery;
pub mod dynamodb;
pub mod error;
pub mod inbox;
pub mod listeners;
pub mod log;
pub mod looking;
pub mod membership;
pub mod objects;
pub mod queues;
pub mod receipts;
pub mod relay;
pub mod removal;
pub mod roll;
pub mod sql;
pub mod status;
pub mod typing;

pub use error::StoreError;
